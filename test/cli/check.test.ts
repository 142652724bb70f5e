import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { readPlusAddress } from '../../src/adapters/plus-address.js';
import type { Account } from '../../src/adapters/secrets.js';
import { ConfigError, MailError } from '../../src/base/errors.js';
import { loginAdvice, mailAdvice } from '../../src/cli/mail-advice.js';
import { type ImapLook, type Probes, register } from '../../src/cli/check.js';
import { register as registerDescriptor } from '../../src/cli/descriptor.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { register as registerNetwork } from '../../src/cli/network.js';
import { loadConfig } from '../../src/config.js';
import { accountBudget } from '../../src/post/account.js';
import { type Ran, run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
const at = (name: string): string => join(folder, name);

const mailbox: ImapLook = {
  capabilities: ['IMAP4rev1', 'IDLE', 'UIDPLUS'],
  folders: [
    { path: 'INBOX', specialUse: '\\Inbox' },
    { path: 'Spam', specialUse: '\\Junk' },
    { path: 'Other', specialUse: undefined },
  ],
  inbox: 'INBOX',
  junk: 'Spam',
  trash: 'Bin',
  sent: undefined,
  canRemove: true,
  canIdle: true,
};
const works: Probes = {
  imap: () => Promise.resolve(mailbox),
  smtp: () => Promise.resolve({ extensions: ['SIZE 10000000', 'PIPELINING'], maxMailBytes: 10_000_000 }),
  plusAddress: () => Promise.resolve('arrived'),
};
const check = (config: string, probes: Partial<Probes> = {}): Promise<Ran> =>
  run((program) => register(program, { ...works, ...probes }), 'check', '--config', config);

let authority = '';
let good = '';
const listSection = (list: string): string => `[network]\nlist = "${list}"\nauthorities = ["${authority}"]\n`;
const names = ['alice', 'bob', 'carol'];

beforeAll(async () => {
  authority = (await run(registerKeygen, 'keygen', '--authority', at('a.key'))).out.trim().replace('authority ', '');
  for (const name of names)
    await run(
      registerDescriptor,
      'descriptor',
      '--config',
      writeNodeConfig(folder, name, listSection('list.txt')),
      '--out',
      at(`${name}.txt`),
    );
  const files = names.map((name) => at(`${name}.txt`));
  await run(registerNetwork, 'network', 'sign', '--authority', at('a.key'), '--out', at('list.txt'), ...files);
  good = at('alice.toml');
});

describe('mixmailer check', () => {
  it('of a node where all is well says what it saw and ends with 0', async () => {
    const { exitCode, out, err } = await check(good);
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toContain('ok     logged in over IMAP at imap.alice.example:993');
    expect(out).toContain('capabilities: IMAP4rev1 IDLE UIDPLUS');
    expect(out).toContain('folders: INBOX (\\Inbox), Spam (\\Junk), Other');
    expect(out).toContain('packets are looked for in: INBOX, Spam');
    expect(out).toContain('ok     logged in over SMTP at smtp.alice.example:465');
    expect(out).toContain('ok     network list of 3 nodes');
    expect(out).toContain('ok     this node is in the list as alice');
    expect(out).not.toContain('WRONG');
    expect(out).not.toContain('secret');
  });

  it('gives programs the same as JSON', async () => {
    const { exitCode, out, err } = await run(
      (program) => register(program, works),
      'check',
      '--config',
      good,
      '--json',
    );
    expect([exitCode, err]).toEqual([0, '']);
    const said = JSON.parse(out) as { readonly well: boolean; readonly findings: readonly object[] };
    expect(said.well).toBe(true);
    expect(said.findings).toContainEqual({ kind: 'good', text: 'this node is in the list as alice', more: [] });
    expect(said.findings).toContainEqual(
      expect.objectContaining({ more: expect.arrayContaining(['capabilities: IMAP4rev1 IDLE UIDPLUS']) as unknown }),
    );

    const refuse = { ...works, smtp: () => Promise.reject(new MailError('mail/login', 'log-in refused')) };
    const refused = await run((program) => register(program, refuse), 'check', '--config', good, '--json');
    expect(refused.exitCode).toBe(1);
    const { well, findings } = JSON.parse(refused.out) as typeof said;
    expect(well).toBe(false);
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'wrong', text: 'mail.smtp: log-in refused' }));
  });

  it('says what takes longer than a second, and not among what it found', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const slow: Probes['imap'] = () => new Promise((resolve) => setTimeout(resolve, 1500, mailbox));
    const checking = check(good, { imap: slow });
    await vi.advanceTimersByTimeAsync(1500);
    const { exitCode, out, err } = await checking;
    expect([exitCode, err]).toEqual([0, '...    logging in over IMAP at imap.alice.example\n']);
    expect(out).not.toContain('...    ');
  });

  it('says how many mails the account may send, and what would make it more', async () => {
    const { out } = await check(good);
    expect(out).toContain('ok     this account may send 33 mails a day');
    expect(out).toMatch(/a third of what it may from \d{4}-\d\d-\d\d \d\d:\d\d UTC on, when it is 30 days old/);
    expect(out).toContain('limits of the account: 100 mails a day');
    expect(out).toContain('note   nothing is known of alice.example');
    const old = writeNodeConfig(
      folder,
      'dora',
      '[mail.budget]\nperDay = 350\nperHour = 60\nsince = 2020-01-31\n' + listSection('list.txt'),
    );
    const said = (await check(old)).out;
    expect(said).toContain('ok     this account may send 350 mails a day');
    expect(said).toContain('limits of the account: 350 mails a day, 60 an hour');
    expect(said).not.toMatch(/a third|nothing is known/);
  });

  it('says that a server has spoken of a limit', async () => {
    const config = writeNodeConfig(folder, 'erin', '[mail.budget]\nsince = 2020-01-31\n' + listSection('list.txt'));
    const { data, mail } = loadConfig(config);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const store = sqliteMixStore(join(data, 'mixmailer.db'));
    accountBudget(store, { ...mail.budget, now: Date.now() }).limited(Date.now());
    store.close();
    const { out } = await check(config);
    expect(out).toContain('ok     this account may send 50 mails a day');
    expect(out).toContain('note   its server spoke of a limit on');
  });

  it('hands the account of the configuration to the mail adapters', async () => {
    const seen: Account[] = [];
    await check(good, {
      imap: (account) => {
        seen.push(account);
        return works.imap(account, AbortSignal.timeout(1000));
      },
    });
    expect(seen).toMatchObject([{ host: 'imap.alice.example', port: 993, security: 'tls', user: 'mix@alice.example' }]);
    expect(await seen[0]?.credential()).toEqual({ password: 'secret' });
  });

  it.each<[MailError['code'], string, string]>([
    ['mail/login', 'log-in refused', "try them in the provider's web mail"],
    ['mail/connect', 'no connection (ENOTFOUND)', 'No server of the name imap.alice.example is known'],
    ['mail/connect', 'no connection (ECONNREFUSED)', 'Nothing listens at port 993'],
    ['mail/connect', 'no connection (EHOSTUNREACH)', 'whether a firewall stands between'],
    ['mail/timeout', 'no answer', 'a firewall drops the connection'],
    ['mail/tls', 'no secure channel', 'name its PEM file in mail.imap.ca'],
    ['mail/insecure', 'clear text', 'would cross the net in clear'],
    ['mail/protocol', 'the server said BAD', 'Try again later'],
  ])('on %s (%s) says what to do, goes on, and ends with 1', async (code, message, advice) => {
    const { exitCode, out, err } = await check(good, { imap: () => Promise.reject(new MailError(code, message)) });
    expect(exitCode).toBe(1);
    expect(err).toContain('1 to mend');
    expect(out).toContain(`WRONG  mail.imap: ${message}\n`);
    expect(out).toContain(advice);
    expect(out).toContain('ok     logged in over SMTP');
  });

  it('knows what the big providers want', () => {
    expect(loginAdvice('mail.imap', 'imap.gmail.com').join()).toContain('apppasswords');
    expect(loginAdvice('mail.imap', 'outlook.office365.com').join()).toContain('tokenCommand');
    expect(loginAdvice('mail.imap', 'imap-mail.outlook.com').join()).toContain('tokenCommand');
    expect(loginAdvice('mail.imap', 'imap.mail.yahoo.com').join()).toContain('app password');
    expect(loginAdvice('mail.imap', 'imap.mail.me.com').join()).toContain('app-specific');
    expect(loginAdvice('mail.imap', 'imap.gmail.com.example').join()).toContain('mail.imap.user');
  });

  it.each([
    ['mail.imap', 'Usual: 993'],
    ['mail.further.0.imap', 'Usual: 993'],
    ['mail.smtp', 'Usual: 465'],
    ['mail.further.0.smtp', 'Usual: 465'],
  ])('of %s says which ports are usual', (section, ports) => {
    const server = { host: 'mail.example.org', port: 1, security: 'tls' } as const;
    const advice = mailAdvice(section, server, new MailError('mail/connect', 'connect ECONNREFUSED'));
    expect(advice.join()).toContain(`Nothing listens at port 1: check ${section}.port. ${ports}`);
  });

  it('tells a secret that can not be had from a wrong one', async () => {
    const cause = new ConfigError('mail.imap.passwordCommand: the command ended with exit code 2');
    const { out } = await check(good, {
      imap: () => Promise.reject(new MailError('mail/login', 'no credential', { cause })),
    });
    expect(out).toContain('WRONG  mail.imap.passwordCommand: the command ended with exit code 2');
    expect(out).toContain('Try the file, variable or command by hand');
  });

  it('of an exit finds out whether plus addresses arrive, and keeps that', async () => {
    const seen: unknown[] = [];
    const { out } = await check(good, {
      plusAddress: (own, { imap, smtp }) => {
        seen.push(own, imap.host, smtp.host);
        return Promise.resolve('arrived');
      },
    });
    expect(seen).toEqual(['mix@alice.example', 'imap.alice.example', 'smtp.alice.example']);
    expect(out).toContain('ok     plus addresses arrive: replies are matched by them\n');
    expect(readPlusAddress(at('data-alice'))).toBe(true);

    const lost = await check(good, { plusAddress: () => Promise.resolve('not arrived') });
    expect([lost.exitCode, lost.err]).toEqual([0, '']);
    expect(lost.out).toContain('note   no mail to a plus address arrived: replies are matched by their In-Reply-To\n');
    expect(readPlusAddress(at('data-alice'))).toBe(false);
  });

  it('of an exit that can not send now keeps what was found before', async () => {
    await check(good);
    const { exitCode, out } = await check(good, { plusAddress: () => Promise.resolve('not sent') });
    expect(exitCode).toBe(0);
    expect(out).toContain('note   the server took no mail now');
    expect(readPlusAddress(at('data-alice'))).toBe(true);
    const cut = await check(good, {
      plusAddress: () => Promise.reject(new MailError('mail/closed', 'connection lost')),
    });
    expect(cut.exitCode).toBe(1);
    expect(cut.out).toContain('WRONG  mail.imap: connection lost');
    expect(readPlusAddress(at('data-alice'))).toBe(true);
  });

  it('sends nothing from who is no exit, nor where mail does not work', async () => {
    const plusAddress = (): Promise<never> => Promise.reject(new TypeError('a mail was sent'));
    writeFileSync(at('mix.toml'), readFileSync(good, 'utf8').replace('exit = true', 'exit = false'));
    expect((await check(at('mix.toml'), { plusAddress })).out).not.toContain('plus address');
    const broken = { imap: () => Promise.reject(new MailError('mail/login', 'log-in refused')), plusAddress };
    expect((await check(good, broken)).exitCode).toBe(1);
  });

  it('says when the finding can not be kept', async () => {
    chmodSync(at('data-alice'), 0o755);
    const { exitCode, out } = await check(good);
    chmodSync(at('data-alice'), 0o700);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/WRONG {2}.*data-alice: expected to be readable by its owner only/);
    expect(out).toContain('Run this check as the user the node runs as.');
  });

  it('does not hide a bug of ours', async () => {
    await expect(check(good, { smtp: () => Promise.reject(new TypeError('ours')) })).rejects.toThrow(TypeError);
  });

  it('warns of servers that can not do what a node needs', async () => {
    const { exitCode, out } = await check(good, {
      imap: () => Promise.resolve({ ...mailbox, canRemove: false, canIdle: false, junk: undefined }),
      smtp: () => Promise.resolve({ extensions: [], maxMailBytes: 1_000_000 }),
    });
    expect(exitCode).toBe(1);
    expect(out).toContain('WRONG  the server can not remove single mails (no UIDPLUS)');
    expect(out).toContain('WRONG  the server takes mails up to 1000000 bytes only');
    expect(out).toContain('note   the server gives no notice');
    expect(out).toContain('note   no junk folder');
  });

  it('says when keys, list or own entry are missing', async () => {
    const fresh = await check(writeNodeConfig(folder, 'dora', listSection('list.txt')));
    expect(fresh.out).toContain('WRONG  the node has no keys yet');
    expect(fresh.out).toContain('Run: mixmailer keygen --config');
    await run(registerKeygen, 'keygen', '--config', at('dora.toml'));
    const unlisted = await check(at('dora.toml'));
    expect(unlisted.out).toContain('WRONG  this node is not in the list');
    const nowhere = await check(writeNodeConfig(folder, 'dora', listSection('nowhere.txt')));
    expect(nowhere.out).toMatch(/WRONG {2}.*nowhere\.txt: can't be read \(ENOENT\)/);
  });

  it.each([
    ['node', 'erna.toml'],
    ['client', 'erna-client.toml'],
  ])('of a %s that has joined no network yet says how it will, and ends with 0', async (role, name) => {
    const text = readFileSync(writeNodeConfig(folder, 'erna'), 'utf8');
    if (role === 'client') writeFileSync(at(name), text.replace(/\[node\]\n.*\n.*\n/, '[client]\n'));
    const { exitCode, out, err } = await check(at(name));
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).not.toContain('WRONG');
    expect(out.includes('note   the node has no keys yet: it makes them when it starts')).toBe(role === 'node');
    expect(out).toContain('note   it is in no network yet');
    expect(out).toContain(`mixmailer ${role} --config ${at(name)} --join "mixmailer:..."`);
  });

  it('says when the list is not signed by those trusted', async () => {
    const section = `[network]\nlist = "list.txt"\nauthorities = ["${'ab'.repeat(32)}"]\n`;
    const { out } = await check(writeNodeConfig(folder, 'bob', section));
    expect(out).toContain('0 valid signatures of the 1 needed');
    expect(out).toContain('with all signatures');
  });

  it('says when the list does not fit the configuration any more', async () => {
    const text = readFileSync(at('carol.toml'), 'utf8');
    writeFileSync(at('moved.toml'), text.replace('mix@carol', 'new@carol').replace('exit = true', 'exit = false'));
    const { out } = await check(at('moved.toml'));
    expect(out).toContain('WRONG  the list has another address for this node');
    expect(out).toContain('WRONG  the list has this node as an exit, the configuration says otherwise');
    for (const name of readdirSync(at('data-carol'))) if (name.startsWith('mix-')) rmSync(join(at('data-carol'), name));
    expect((await check(at('carol.toml'))).out).toContain(
      'WRONG  senders use a mix key that is not in the data folder',
    );
  });

  it('says when others can read the keys', async () => {
    chmodSync(join(at('data-alice'), 'identity.key'), 0o644);
    const { exitCode, out } = await check(good);
    chmodSync(join(at('data-alice'), 'identity.key'), 0o600);
    expect(exitCode).toBe(1);
    expect(out).toContain('got mode 644');
  });

  it('of a client tries to find a path', async () => {
    const node = readFileSync(good, 'utf8').replace(/\[node\]\n.*\n.*\n/, '[client]\n');
    writeFileSync(at('client.toml'), node.replace('mix@alice', 'me@elsewhere'));
    expect((await check(at('client.toml'))).out).toContain('ok     paths of 3 hops can be found');
    // At a provider of one of the three nodes only two are left.
    writeFileSync(at('client.toml'), node.replace('mix@alice.example', 'me@bob.example'));
    const { out } = await check(at('client.toml'));
    expect(out).toContain('ok     paths of 3 hops can be found');
  });
});
