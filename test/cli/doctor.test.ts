import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { healthFile } from '../../src/adapters/health-file.js';
import type { Survey } from '../../src/adapters/imap-survey.js';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { MailError } from '../../src/base/errors.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { register as registerDescriptor } from '../../src/cli/descriptor.js';
import { register } from '../../src/cli/doctor.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { register as registerNetwork } from '../../src/cli/network.js';
import { loadConfig } from '../../src/config.js';
import { newHeartbeat } from '../../src/mix/heartbeat.js';
import { accountBudget } from '../../src/post/account.js';
import type { SelfMail } from '../../src/setup/self-mail.js';
import { type Ran, run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
const at = (name: string): string => join(folder, name);
const mebi = 1024 * 1024;

type Probes = NonNullable<Parameters<typeof register>[1]>;
const arrivedAt = (stampedAt: number | undefined): SelfMail => ({
  ...{ kind: 'arrived', folder: 'INBOX', cameAt: Date.now(), afterMs: 2300, stampedAt },
});
const survey: Survey = { quota: { usedBytes: 5 * mebi, limitBytes: 1000 * mebi }, folders: [] };
const works: Probes = {
  imap: () =>
    Promise.resolve({
      ...{ capabilities: ['UIDPLUS', 'IDLE'], folders: [], inbox: 'INBOX', junk: 'Junk' },
      ...{ trash: undefined, sent: undefined, canRemove: true, canIdle: true },
    }),
  smtp: () => Promise.resolve({ extensions: [], maxMailBytes: undefined }),
  survey: () => Promise.resolve(survey),
  greetSelf: () => Promise.resolve(arrivedAt(Date.now() - 1000)),
  freeBytes: () => 5000 * mebi,
};
const doctor = (name: string, probes: Partial<Probes> = {}, ...argv: readonly string[]): Promise<Ran> =>
  run((program) => register(program, { ...works, ...probes }), 'doctor', '--config', at(`${name}.toml`), ...argv);

/** A process works on the data folder, and has told that of itself. */
const running = (name: string, some: object = {}): { readonly release: () => void } => {
  const { data } = loadConfig(at(`${name}.toml`));
  const lock = lockFolder(data);
  const now = Date.now();
  healthFile(data)({
    ...{ role: 'node', startedAt: now - hourMs, at: now, isStopping: false, isTurning: true, pollMs: 10 * minuteMs },
    ...{ readAt: now, sentAt: undefined, flushedAt: undefined, listUntil: now + dayMs },
    ...some,
  });
  return lock;
};
const databaseOf = (name: string): string => join(loadConfig(at(`${name}.toml`)).data, 'mixmailer.db');

beforeAll(async () => {
  const authority = (await run(registerKeygen, 'keygen', '--authority', at('a.key'))).out.trim().split(' ')[1] ?? '';
  const names = ['alice', 'bob', 'carol'];
  for (const name of names) {
    writeNodeConfig(
      folder,
      name,
      `[mail.budget]\nperDay = 350\n[network]\nlist = "list.txt"\nauthorities = ["${authority}"]\n`,
    );
    await run(registerDescriptor, 'descriptor', '--config', at(`${name}.toml`), '--out', at(`${name}.txt`));
  }
  const files = names.map((name) => at(`${name}.txt`));
  await run(registerNetwork, 'network', 'sign', '--authority', at('a.key'), '--out', at('list.txt'), ...files);
});

describe('mixmailer doctor', () => {
  it('of a node that runs and lacks nothing says so, and ends with 0', async () => {
    const lock = running('alice');
    const { exitCode, out, err } = await doctor('alice');
    lock.release();
    expect([exitCode, err]).toEqual([0, '']);
    for (const line of [
      'ok     its loops turn',
      'ok     network list of 3 nodes',
      'ok     logged in over IMAP',
      'ok     the mailbox has room: 5 MB of 1000 MB are used',
      'ok     a mail to itself came into INBOX after 2.3 s',
      'ok     the clock goes with that of the mail server',
      'ok     all is well',
    ])
      expect(out).toContain(line);
    expect(out).not.toContain('WRONG');
  });

  it('finds that nothing runs, and says how to start it', async () => {
    const { exitCode, out, err } = await doctor('bob');
    expect([exitCode, err]).toEqual([1, '1 to mend\n']);
    expect(out).toMatch(
      /^WRONG {2}no process runs on the data folder\n {7}Start it\..*\n {7}By hand: mixmailer node --config /m,
    );
  });

  it('finds a process that stands still, and has not read its mailbox', async () => {
    const lock = running('alice', { isTurning: false, readAt: undefined, listUntil: undefined });
    const { out, exitCode } = await doctor('alice');
    lock.release();
    expect(exitCode).toBe(1);
    expect(out).toContain(
      'WRONG  a loop stands still: something that should end in minutes has not\n       Start it again',
    );
    expect(out).toContain('WRONG  the mailbox was not read since the start\n       It tries again by itself');
    expect(out).toContain('WRONG  there is no valid list of nodes\n       It asks for the next one');
  });

  it('finds the log-in refused, and then sends nothing', async () => {
    const { out } = await doctor('bob', {
      imap: () => Promise.reject(new MailError('mail/login', 'log-in refused')),
      survey: () => Promise.reject(new TypeError('looked')),
      greetSelf: () => Promise.reject(new TypeError('sent')),
    });
    expect(out).toContain('WRONG  mail.imap: log-in refused');
  });

  it('finds packets that a filter has put elsewhere, or that were taken for spam', async () => {
    const folders = [
      { path: 'INBOX', use: 'inbox', count: 3 },
      { path: 'Newsletters', use: 'other', count: 1 },
      { path: 'Junk', use: 'junk', count: 2 },
    ] as const;
    const { out } = await doctor('alice', { survey: () => Promise.resolve({ ...survey, folders }) });
    expect(out).toContain(
      'WRONG  1 mail with packets in Newsletters, where nobody reads them\n       Remove the filter',
    );
    expect(out).toMatch(/note {3}2 mails with packets in Junk: the provider takes them for spam/);
    expect(out).not.toContain('in INBOX,');
    const spam: SelfMail = { kind: 'arrived', folder: 'Junk', cameAt: 3000, afterMs: 1000, stampedAt: 2500 };
    expect((await doctor('alice', { greetSelf: () => Promise.resolve(spam) })).out).toContain(
      'note   it was put into Junk',
    );
  });

  it('finds a mailbox that is nearly full, and a mail that does not come', async () => {
    const quota = { usedBytes: 990 * mebi, limitBytes: 1000 * mebi };
    const { out } = await doctor('alice', {
      survey: () => Promise.resolve({ ...survey, quota }),
      greetSelf: () => Promise.resolve({ kind: 'lost' }),
    });
    expect(out).toContain('WRONG  the mailbox is nearly full: 990 MB of 1000 MB are used\n       Empty it');
    expect(out).toContain('WRONG  a mail to itself: did not come\n       The mail has not come within 2 minutes');
  });

  it.each([
    [-20, 'ahead by about 20 minutes'],
    [20, 'behind by about 20 minutes'],
  ])('finds a clock that the mail server has %d minutes otherwise', async (minutes, words) => {
    const { out } = await doctor('alice', {
      greetSelf: () => Promise.resolve(arrivedAt(Date.now() + minutes * minuteMs)),
    });
    expect(out).toContain(
      `WRONG  the clock of this machine is ${words}, as the mail server has it\n       Set it: timedatectl`,
    );
    const untold = await doctor('alice', { greetSelf: () => Promise.resolve(arrivedAt(undefined)) });
    expect(untold.out).toContain('note   the server put no time on the mail');
  });

  it('finds a pool that is held and an account that is paused, and changes nothing in the database', async () => {
    const { mail } = loadConfig(at('carol.toml'));
    const store = sqliteMixStore(databaseOf('carol'));
    const heart = {
      ...newHeartbeat,
      intervalMs: minuteMs,
      at: Date.now(),
      holding: true,
      heldFor: 2,
      home: 1,
      expected: 6.2,
    };
    store.setNote('heartbeat', JSON.stringify({ heart, sent: 3, home: 0 }));
    accountBudget(store, { ...mail.budget, now: Date.now() }).limited(Date.now());
    store.close();
    const before = readFileSync(databaseOf('carol'));
    const lock = running('carol');
    const { out } = await doctor('carol');
    lock.release();
    expect(out).toContain(
      'WRONG  it holds its pool: of the last 6 loops that should have come home 1 did\n       Does mail come',
    );
    expect(out).toMatch(
      /WRONG {2}the account is paused until about \d{4}-.* UTC: its server spoke of a limit\n {7}Wait/,
    );
    expect(readFileSync(databaseOf('carol'))).toEqual(before);
  });

  it.each([
    [12, 'note   no loop has come home yet, so there is no heartbeat\n'],
    [13, 'WRONG  in 13 intervals none of its loops has come home\n       Does mail from this account arrive'],
  ])('tells a node that has begun from one of whose loops none came home in %d intervals', async (unheard, line) => {
    const store = sqliteMixStore(databaseOf('bob'));
    const heart = { ...newHeartbeat, intervalMs: minuteMs, at: Date.now(), unheard };
    store.setNote('heartbeat', JSON.stringify({ heart, sent: 3, home: 0 }));
    store.close();
    const lock = running('bob');
    const { out } = await doctor('bob');
    lock.release();
    expect(out).toContain(line);
  });

  it('finds that few of its loops come home', async () => {
    const store = sqliteMixStore(databaseOf('bob'));
    const beats = [{ sent: 3, home: 1, due: 3 }];
    const heart = { ...newHeartbeat, intervalMs: minuteMs, at: Date.now(), beats, returned: 0.66 };
    store.setNote('heartbeat', JSON.stringify({ heart, sent: 3, home: 0 }));
    store.close();
    const lock = running('bob');
    const { out } = await doctor('bob');
    lock.release();
    expect(out).toContain('note   of its loops about 66 % come home: nodes are slow or away');
  });

  it('finds a disk that is nearly full', async () => {
    const { out } = await doctor('alice', { freeBytes: () => 199 * mebi });
    expect(out).toContain('WRONG  the disk is nearly full: 199 MB are free\n       Make room on the disk');
    expect((await doctor('alice', { freeBytes: () => 200 * mebi })).out).toContain('ok     the disk has room: 200 MB');
  });

  it('finds a list that has ended', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 400 * dayMs });
    try {
      const { out } = await doctor('alice');
      expect(out).toMatch(
        /WRONG {2}.*(?:valid until|not valid any more|ended).*\n {7}Ask the authorities of the network/,
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not bring the database of an older version that runs up to date', async () => {
    const file = databaseOf('carol');
    const old = new DatabaseSync(file);
    old.exec('PRAGMA user_version=1');
    old.close();
    const lock = running('carol');
    const { out } = await doctor('carol');
    lock.release();
    expect(out).toMatch(/WRONG {2}.*mixmailer\.db is of an older MixMailer, which still runs: start it again/);
    const kept = new DatabaseSync(file, { readOnly: true });
    expect(kept.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    kept.close();
  });

  it('says it to programs, and sends no mail where that is not wanted', async () => {
    const lock = running('alice');
    const { exitCode, out } = await doctor(
      'alice',
      { greetSelf: () => Promise.reject(new TypeError('sent')) },
      '--json',
      '--no-mail',
    );
    lock.release();
    expect(exitCode).toBe(0);
    const told = JSON.parse(out) as { readonly well: boolean; readonly findings: readonly object[] };
    expect(told.well).toBe(true);
    expect(told.findings).toContainEqual({ kind: 'good', text: 'its loops turn', more: [] });
    const wrong = await doctor('alice', {}, '--json');
    expect([wrong.exitCode, (JSON.parse(wrong.out) as { readonly well: boolean }).well]).toEqual([1, false]);
  });
});
