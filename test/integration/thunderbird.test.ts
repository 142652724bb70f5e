import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decrypt, readMessage } from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { submissionServer, type Submitted, type SubmissionServer } from '../../src/adapters/submission.js';
import { sealable } from '../../src/message/hygiene.js';
import { blockOf } from '../docs/pages.js';
import { freePort } from '../servers/child.js';
import { drive, type Driven } from '../servers/marionette.js';
import { person, type Person } from '../servers/pep-mail.js';

// As Debian has it; MIXMAILER_THUNDERBIRD names another.
const program = process.env['MIXMAILER_THUNDERBIRD'] ?? '/usr/lib/thunderbird/thunderbird-bin';
const token = 'f00dfeed'.repeat(4);

/** An account of Alice's whose provider is not there, and local folders. */
const accounts = (marionettePort: number): string =>
  Object.entries({
    'marionette.port': marionettePort,
    'mail.accountmanager.accounts': 'account1,account2',
    'mail.accountmanager.defaultaccount': 'account1',
    'mail.accountmanager.localfoldersserver': 'server2',
    'mail.account.account1.identities': 'id1',
    'mail.account.account1.server': 'server1',
    'mail.account.account2.server': 'server2',
    'mail.identity.id1.fullName': 'Alice',
    'mail.identity.id1.useremail': 'alice@home.test',
    'mail.identity.id1.valid': true,
    'mail.server.server1.type': 'imap',
    'mail.server.server1.hostname': '127.0.0.1',
    'mail.server.server1.port': 9,
    'mail.server.server1.userName': 'alice@home.test',
    'mail.server.server1.login_at_startup': false,
    'mail.server.server2.type': 'none',
    'mail.server.server2.hostname': 'Local Folders',
    'mail.server.server2.userName': 'nobody',
    'mail.server.server2.directory-rel': '[ProfD]Mail/Local',
    'mail.smtpserver.smtp1.hostname': 'smtp.invalid',
    'app.update.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'mailnews.start_page.enabled': false,
  })
    .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`)
    .join('');

/** What a user does by hand: takes in keys and the password, writes a mail, presses Send. */
const writes = `
const [secret, friend, token, done] = arguments;
(async () => {
  const { RNP } = ChromeUtils.importESModule('chrome://openpgp/content/modules/RNP.sys.mjs');
  const { EnigmailKeyRing } = ChromeUtils.importESModule('chrome://openpgp/content/modules/keyRing.sys.mjs');
  const { PgpSqliteDb2 } = ChromeUtils.importESModule('chrome://openpgp/content/modules/sqliteDb.sys.mjs');
  const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs');
  await RNP.init();
  await RNP.importSecKeyBlockImpl(null, () => '', false, secret);
  await RNP.importPubkeyBlockAutoAcceptImpl(null, friend, 'verified');
  EnigmailKeyRing.clearCache();
  const own = EnigmailKeyRing.getAllKeys().keyList.find((key) => key.secretAvailable);
  await PgpSqliteDb2.acceptAsPersonalKey(own.fpr);
  const identity = MailServices.accounts.getIdentity('id1');
  identity.setUnicharAttribute('openpgp_key_id', own.keyId);
  const login = Cc['@mozilla.org/login-manager/loginInfo;1'].createInstance(Ci.nsILoginInfo);
  login.init('smtp://127.0.0.1', null, 'smtp://127.0.0.1', 'mixmailer', token, '', '');
  await Services.logins.addLoginAsync(login);

  const fields = Cc['@mozilla.org/messengercompose/composefields;1'].createInstance(Ci.nsIMsgCompFields);
  Object.assign(fields, { to: 'bob@friend.test', subject: 'Dinner on Friday?', body: 'At eight, from Thunderbird.' });
  const params = Cc['@mozilla.org/messengercompose/composeparams;1'].createInstance(Ci.nsIMsgComposeParams);
  Object.assign(params, { type: Ci.nsIMsgCompType.New, format: Ci.nsIMsgCompFormat.PlainText, identity });
  params.composeFields = fields;
  const opened = new Promise((resolve) => {
    const watch = { observe: (window) => window.addEventListener('load', () => {
      if (!window.location.href.includes('messengercompose')) return;
      Services.ww.unregisterNotification(watch);
      resolve(window);
    }, { once: true }) };
    Services.ww.registerNotification(watch);
  });
  MailServices.compose.OpenComposeWindowWithParams(null, params);
  const compose = await opened;
  for (let i = 0; i < 100 && !compose.gSendEncrypted; i++) await new Promise((then) => window.setTimeout(then, 200));
  await new Promise((then) => window.setTimeout(then, 2000));
  compose.goDoCommand('cmd_sendNow');
  for (let i = 0; i < 200 && !compose.closed; i++) await new Promise((then) => window.setTimeout(then, 200));
  done(compose.closed ? 'sent' : 'not sent: ' + compose.document.title);
})().catch((error) => done('failed: ' + error + error.stack));
`;

describe.skipIf(!existsSync(program))('Thunderbird, with the settings of docs/mail-programs.md', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-tb-'));
  const taken: Submitted[] = [];
  let server: SubmissionServer;
  let thunderbird: ChildProcess;
  let driven: Driven;
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
    const log = { info: () => undefined, warn: () => undefined };
    const accept = (mail: Submitted): Promise<unknown> => Promise.resolve(taken.push(mail));
    const listen = { host: '127.0.0.1', port: 0, user: 'mixmailer', token, maxMailBytes: 6_000_000, accept, log };
    server = await submissionServer(listen);
    const port = await freePort();
    mkdirSync(path.join(folder, 'Mail', 'Local'), { recursive: true });
    const settings = blockOf('docs/mail-programs.md', 'user.js').replace('2525', `${server.port}`);
    writeFileSync(path.join(folder, 'user.js'), `${accounts(port)}${settings}`);
    const argv = ['--headless', '--marionette', '--remote-allow-system-access', '--no-remote', '--profile', folder];
    const env = { ...process.env, HOME: folder, MOZ_HEADLESS: '1', LD_LIBRARY_PATH: path.dirname(program) };
    thunderbird = spawn(program, argv, { env, stdio: 'ignore' });
    for (let i = 0; i < 300; i++) {
      const link = await drive(port).catch(() => undefined);
      if (link !== undefined) return void (driven = link);
      await sleep(200);
    }
    throw new Error('Thunderbird does not start');
  });
  afterAll(async () => {
    driven.close();
    thunderbird.kill();
    await once(thunderbird, 'exit');
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('encrypts by itself, sends through the client, and keeps its copy on this machine', async () => {
    expect(await driven.run(writes, alice.privateKey.armor(), bob.publicKey.armor(), token)).toBe('sent');
    expect(taken.map(({ recipients }) => recipients)).toEqual([['bob@friend.test']]);
    const raw = taken[0]?.raw ?? new Uint8Array();
    const { form, openpgp } = sealable(await parseMail(raw), 'hide', nodeBase64);
    expect(form).toBe('pgp-mime');
    const message = await readMessage({ binaryMessage: openpgp });
    const { data } = (await decrypt({ message, decryptionKeys: bob.privateKey })) as { readonly data: string };
    expect(data).toContain('At eight, from Thunderbird.');
    expect(data).toMatch(/^Subject: Dinner on Friday\?\r?$/m);
    expect(data).toContain('-----BEGIN PGP PUBLIC KEY BLOCK-----');
    expect(Buffer.from(raw).toString()).not.toContain('Dinner');
    expect(readFileSync(path.join(folder, 'Mail', 'Local', 'Sent'), 'utf8')).toContain('To: bob@friend.test');
  });
});
