import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { ascii } from '../../src/base/bytes.js';
import { loadConfig } from '../../src/config.js';
import { silentLog } from '../contracts/server-rigs.js';
import { readMailbox } from '../demo/mailbox.js';
import { initIn, main, newHome, questions, secondsSince, serversOf, waits } from '../demo/newcomer.js';
import { type DovecotPostfix, startDovecotPostfix } from '../servers/dovecot-postfix.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { MailWorld } from '../servers/mail-world.js';
import { startScriptedImap } from '../servers/scripted-imap.js';
import { hasTerminal, type Terminal } from '../servers/terminal.js';

const folder = mkdtempSync(path.join(tmpdir(), 'mm-init-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open: Terminal[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
/** `mixmailer init` in a terminal that ends with the test. */
const begin = async (home: string, ...argv: readonly string[]): Promise<Terminal> => {
  const terminal = await initIn(home, argv);
  open.push(terminal);
  return terminal;
};

/** Without a terminal. */
const alone = async (home: string, input: string, ...argv: readonly string[]) => {
  const child = spawn(process.execPath, [main, 'init', ...argv], {
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: '' },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
};

/** Looks every half second, for so long at most. */
const until = async (patienceMs: number, isSo: () => Promise<boolean>, trouble: () => string): Promise<void> => {
  for (const end = Date.now() + patienceMs; !(await isSo());) {
    if (Date.now() > end) throw new Error(trouble());
    await sleep(500);
  }
};

describe.skipIf(!hasTerminal)('mixmailer init in a terminal', () => {
  /** What selects a color or takes it back. */
  const color = /\u001b\[[\d;]*?(?:[349]\d|10\d)[;m]/;

  it('has colors, and none with NO_COLOR', async () => {
    for (const [environment, isColored] of [
      ['TERM=xterm-256color', true],
      ['TERM=xterm-256color NO_COLOR=1', false],
    ] as const) {
      const terminal = await initIn(newHome(folder), [], environment);
      open.push(terminal);
      await terminal.shows(waits('Mail address'));
      terminal.type('nobody');
      await terminal.shows(/This is no mail address/);
      expect([environment, color.test(terminal.styled())]).toEqual([environment, isColored]);
    }
  });
});

for (const kind of await findServers()) {
  if (kind.name === 'in-process') continue;
  describe(`mixmailer init in a terminal, on ${kind.name}`, () => {
    if (kind.kind === 'unavailable' || !hasTerminal) {
      it.skip(kind.kind === 'unavailable' ? missingLine(kind) : 'tmux is missing: apt-get install tmux');
      return;
    }
    let world: MailWorld;
    beforeAll(async () => {
      world = await kind.start();
    });
    afterAll(() => world.stop());

    it('takes a newcomer from an address and a password to a client, with few questions', async () => {
      const account = await world.addAccount('alice', 'home.test');
      const home = newHome(folder);
      const began = performance.now();
      const terminal = await begin(home);
      await terminal.shows(waits('Mail address'));
      terminal.type(account.address);
      await terminal.shows(waits('Mail servers'));
      terminal.type('', 'C-u');
      terminal.type(serversOf(account));
      await terminal.shows(waits('Password'));
      terminal.type(account.password);
      await terminal.shows(waits('What is it to be'));
      terminal.type('', 'Down');
      terminal.type('', 'Down');
      terminal.type('');
      await terminal.shows(waits('Invitation'));
      terminal.type('');
      const screen = await terminal.shows(/ended 0/);
      console.log(`${kind.name}: ${questions(screen)} questions, ${secondsSince(began)}`);
      expect(questions(screen)).toBeLessThanOrEqual(6);
      expect(screen).toMatch(/ok {5}logged in over IMAP at 127\.0\.0\.1:\d+\nok {5}logged in over SMTP/);
      expect(screen).toMatch(/ok {5}a mail to itself came into INBOX after \d+\.\d s, and was removed/);
      expect(screen).not.toContain(account.password);
      const config = loadConfig(path.join(home, '.config', 'mixmailer', 'client.toml'));
      expect(config.mail.address).toBe(account.address);
      expect((await alone(home, '', account.address, '--yes')).code).toBe(78);
    });

    it('has a sentence and the question again for a wrong address, password and invitation, and ends by Ctrl-C', async () => {
      const account = await world.addAccount('carol', 'home.test');
      const home = newHome(folder);
      const terminal = await begin(
        home,
        '--imap',
        `127.0.0.1:${account.imap.port}/none`,
        '--smtp',
        `127.0.0.1:${account.smtp.port}/none`,
      );
      await terminal.shows(waits('Mail address'));
      terminal.type('carol.home.test');
      await terminal.shows(/This is no mail address that can be used, because it has no @/);
      terminal.type('', 'C-u');
      terminal.type(account.address);
      await terminal.shows(waits('Password'));
      terminal.type('wrong');
      await terminal.shows(
        /WRONG {2}127\.0\.0\.1 refuses the log-in: try the password in the web mail[^]*^◆ {2}Password/m,
      );
      terminal.type(account.password);
      await terminal.shows(waits('What is it to be'));
      terminal.type('');
      await terminal.shows(waits('Invitation'));
      terminal.type('mixmailer:half');
      await terminal.shows(/This is no whole invitation/);
      terminal.type('', 'C-c');
      expect(await terminal.shows(/ended 130/)).toContain('stopped, and nothing was written');
      expect(readdirSync(home)).toEqual([]);
    });
  });
}

describe('mixmailer init, on dovecot-postfix', () => {
  if (!existsSync('/usr/sbin/dovecot') || process.getuid?.() !== 0 || !hasTerminal) {
    it.skip('needs Dovecot, Postfix, tmux and root');
    return;
  }
  let world: DovecotPostfix;
  beforeAll(async () => {
    world = await startDovecotPostfix({ tellsQuota: true });
  });
  afterAll(() => world.stop());

  it('says what to do for a server that is not there, without a known certificate, or with IMAP off', async () => {
    const account = await world.addAccount('dora', 'home.test');
    const sealed = world.secured(account, 'tls');
    const home = newHome(folder);
    const off = await startScriptedImap('UIDPLUS AUTH=PLAIN');
    for (const command of ['LOGIN', 'AUTHENTICATE']) off.on(command, { status: 'NO' });
    const terminal = await begin(home, account.address);
    const answer = async (servers: string, wrong: RegExp): Promise<void> => {
      await terminal.shows(waits('Mail servers'));
      terminal.type('', 'C-u');
      terminal.type(servers);
      await terminal.shows(wrong);
    };
    const smtp = `127.0.0.1:${account.smtp.port}/none`;
    await answer(`127.0.0.1:1/none ${smtp}`, waits('Password'));
    terminal.type(account.password);
    await terminal.shows(/WRONG {2}Nothing listens at port 1 of 127\.0\.0\.1: correct the port/);
    await answer(`nowhere.invalid ${smtp}`, /WRONG {2}No server of the name nowhere\.invalid is known/);
    await answer(`127.0.0.1:${sealed?.imap.port} ${smtp}`, /WRONG {2}No secure channel to 127\.0\.0\.1:\d+: .*--ca/s);
    await answer(`127.0.0.1:${off.port}/none ${smtp}`, /WRONG {2}The password is right, for SMTP takes it, but IMAP/);
    await terminal.shows(waits('Try again'));
    for (const command of ['LOGIN', 'AUTHENTICATE']) off.on(command, { status: 'silent' });
    terminal.type('');
    await terminal.shows(/logging in over IMAP at 127\.0\.0\.1, [1-9]\d* s/);
    terminal.type('', 'C-c');
    await terminal.shows(/stopped, and nothing was written[^]*ended 130/);
    await off.stop();
    expect(readdirSync(home)).toEqual([]);
  });

  it('says of a full mailbox that it is full, and goes on when it is emptied', async () => {
    const account = await world.addAccount('full', 'home.test');
    const outbox = smtpOutbox(account.smtp, silentLog);
    const raw = ascii(`From: <${account.address}>\r\n\r\n${'many words\r\n'.repeat(2000)}`);
    await outbox.send({ from: account.address, to: account.address, raw }, AbortSignal.timeout(30_000));
    await outbox.close();
    await until(
      30_000,
      async () => (await readMailbox(account)).length === 1,
      () => 'no mail came',
    );
    world.limit(account, 10_240);
    const terminal = await begin(
      newHome(folder),
      account.address,
      '--imap',
      `127.0.0.1:${account.imap.port}/none`,
      '--smtp',
      `127.0.0.1:${account.smtp.port}/none`,
    );
    await terminal.shows(waits('Password'));
    terminal.type(account.password);
    await terminal.shows(/WRONG {2}The mailbox is full \(\d+ KB of 10 KB\): empty it/);
    await terminal.shows(waits('Try again'));
    const inbox = imapInbox(account.imap, silentLog);
    const { uidValidity, mails } = await inbox.fetch('INBOX', undefined, AbortSignal.timeout(30_000));
    const uids = mails.map(({ uid }) => uid);
    await inbox.remove('INBOX', uidValidity, uids, AbortSignal.timeout(30_000));
    await inbox.close();
    terminal.type('');
    await terminal.shows(waits('What is it to be'));
  });

  it('without a terminal says what is missing or wrong by its exit code', async () => {
    const account = await world.addAccount('eve', 'home.test');
    const sealed = world.secured(account, 'tls');
    const ca = path.join(folder, 'ca.pem');
    writeFileSync(ca, account.ca ?? '', { mode: 0o600 });
    const home = newHome(folder);
    const flags = [
      account.address,
      '--imap',
      `127.0.0.1:${sealed?.imap.port}`,
      '--smtp',
      `127.0.0.1:${sealed?.smtp.port}`,
    ];
    const rest = ['--role', 'node', '--no-join', '--password-file', '-'];
    const cases: readonly (readonly [input: string, argv: readonly string[], code: number, says: RegExp])[] = [
      ['', flags, 78, /^mixmailer: --role node\|exit\|client is missing/],
      [`${account.password}\n`, [...flags, ...rest], 78, /^mixmailer: No secure channel/],
      ['wrong\n', [...flags, ...rest, '--ca', ca], 78, /^mixmailer: 127\.0\.0\.1 refuses the log-in/],
      [
        'x\n',
        [account.address, '--imap', '127.0.0.1:1', '--smtp', '127.0.0.1:1', ...rest],
        75,
        /^mixmailer: Nothing listens/,
      ],
      ['x\n', [...flags, ...rest, '--folder', path.join(ca, 'below')], 78, /^mixmailer: --folder DIR: .* is no folder/],
      [
        'x\n',
        [...flags, '--role', 'node', '--join', 'mixmailer:x', '--password-file', '-'],
        78,
        /^mixmailer: --join .*no whole invitation/,
      ],
    ];
    for (const [input, argv, code, says] of cases) {
      const ended = await alone(home, input, ...argv);
      expect([ended.code, ended.err.trim().split('\n')]).toEqual([code, [expect.stringMatching(says)]]);
    }
    expect(readdirSync(home)).toEqual([]);
    const made = await alone(home, `${account.password}\n`, ...flags, ...rest, '--ca', ca);
    expect([made.code, made.err]).toEqual([0, '']);
    expect(made.out).toMatch(/^ok {5}logged in over IMAP/m);
    expect(made.out).not.toMatch(/\u001b/);
    expect(loadConfig(path.join(home, '.config', 'mixmailer', 'node.toml')).mail.imap?.security).toBe('tls');
  });
});
