import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKeys, readSecretKey } from '../../src/adapters/file-keys.js';
import { maildir } from '../../src/adapters/maildir.js';
import { readPlusAddress, writePlusAddress } from '../../src/adapters/plus-address.js';
import { publishFolder } from '../../src/adapters/publish-folder.js';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { sqliteAuthorityStore } from '../../src/adapters/sqlite-authority.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { tokenFrom } from '../../src/adapters/token-file.js';
import { ascii } from '../../src/base/bytes.js';
import { ConfigError } from '../../src/base/errors.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { loadConfig } from '../../src/config.js';
import { epochAt, epochSpan } from '../../src/route/epoch.js';
import { run } from '../cli/run.js';

// Somebody else has an account on the machine, and the node's administrator a umask that lets everybody do everything.

const rule = { lengthMs: 7 * dayMs, graceMs: 7 * dayMs };
const rng = seededRng(new Uint8Array(32).fill(9));
const startAt = Date.UTC(2026, 0, 15);

let outer: string;
let umask: number;
beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), 'mm-user-'));
  // What the temporary folder itself keeps others from is not what is tested.
  chmodSync(outer, 0o755);
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  rmSync(outer, { recursive: true });
});

const at = (...names: readonly string[]): string => join(outer, ...names);

const openKeys = (folder: string) => fileKeys(folder, { rng, spanAt: (when) => epochSpan(rule, epochAt(rule, when)) });

/** Everything that processes of all kinds leave on the disk; what is returned closes what is open. */
const makeAll = (): Promise<() => void> =>
  make().catch((error: unknown) => {
    // What the program makes itself it must not refuse.
    if (error instanceof ConfigError) return expect.fail(error.message);
    throw error;
  });

const make = async (): Promise<() => void> => {
  const keys = openKeys(at('node'));
  keys.identity();
  keys.mixKeys(startAt);
  const lock = lockFolder(at('node'));
  const mix = sqliteMixStore(at('node', 'mix.db'));
  mix.setNote('a', 'b');
  const client = sqliteClientStore(at('client', 'deeper', 'client.db'));
  client.setNote('a', 'b');
  const authority = sqliteAuthorityStore(at('authority', 'authority.db'));
  authority.setNote('a', 'b');
  tokenFrom(at('tokens', 'submission.token'), rng);
  writePlusAddress(at('plus'), true);
  await maildir(at('Maildir'))({ raw: ascii('Subject: x\r\n\r\nhello\r\n') });
  mkdirSync(at('secrets'), { mode: 0o755 });
  await run(registerKeygen, 'keygen', '--authority', at('secrets', 'authority.key'));
  return () => {
    for (const one of [mix, client, authority]) one.close();
    lock.release();
  };
};

const allIn = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...allIn(path)] : [path];
  });

const modeOf = (path: string): number => lstatSync(path).mode & 0o777;
const filesIn = (folder: string): readonly string[] => allIn(folder).filter((path) => lstatSync(path).isFile());

/** What a process of nobody in particular can read of these. */
const readableByNobody = (files: readonly string[]): readonly string[] =>
  files.filter(
    (file) =>
      spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--', 'cat', file], { stdio: 'ignore' })
        .status === 0,
  );
const isRoot =
  process.getuid?.() === 0 &&
  spawnSync('setpriv', ['--reuid=65534', '--clear-groups', '--', 'true'], { stdio: 'ignore' }).status === 0;

describe('with a umask of 0', () => {
  it('every file is readable by its owner only, while they are in use and after', async () => {
    const close = await makeAll();
    const found = filesIn(outer).map((path) => path.slice(outer.length + 1).replace(/[0-9a-f]{32}/, 'ID'));
    expect(found).toEqual(
      expect.arrayContaining([
        'node/identity.key',
        'node/lock.db',
        'node/mix-ID.key',
        'node/mix.db',
        'node/mix.db-shm',
        'node/mix.db-wal',
        'client/deeper/client.db',
        'client/deeper/client.db-wal',
        'authority/authority.db',
        'tokens/submission.token',
        'plus/plus-address',
        'secrets/authority.key',
        'Maildir/new/mixmailer.ID',
      ]),
    );
    for (const path of allIn(outer))
      if (path !== at('secrets')) expect([path, modeOf(path) & 0o077]).toEqual([path, 0]);
    close();
    for (const path of filesIn(outer)) expect([path, modeOf(path)]).toEqual([path, 0o600]);
  });

  it.skipIf(!isRoot)('another user reads none of them, even where the folder lets everybody in', async () => {
    const close = await makeAll();
    writeFileSync(at('open'), 'x');
    expect(readableByNobody([at('open')])).toEqual([at('open')]);
    expect(readableByNobody(filesIn(outer).filter((path) => path !== at('open')))).toEqual([]);
    for (const path of allIn(outer)) if (lstatSync(path).isDirectory()) chmodSync(path, 0o755);
    expect(readableByNobody(filesIn(outer).filter((path) => path !== at('open')))).toEqual([]);
    close();
  });

  it('a database that an earlier version made readable is so no longer', () => {
    sqliteMixStore(at('node', 'mix.db')).close();
    for (const name of ['mix.db', 'mix.db-wal', 'mix.db-shm', 'lock.db']) {
      writeFileSync(at('node', name), '', { flag: 'a' });
      chmodSync(at('node', name), 0o644);
    }
    const lock = lockFolder(at('node'));
    const store = sqliteMixStore(at('node', 'mix.db'));
    store.setNote('a', 'b');
    for (const path of filesIn(at('node'))) expect([path, modeOf(path)]).toEqual([path, 0o600]);
    // A second connection of the same process, as a client has one, leaves the first one's locks alone.
    const second = sqliteMixStore(at('node', 'mix.db'));
    expect(second.note('a')).toBe('b');
    second.close();
    expect(() => lockFolder(at('node'))).toThrow(/in use by another/);
    store.close();
    lock.release();
  });

  it('what is for everybody can be changed by its owner only', () => {
    publishFolder(at('web')).publish(new Map([['mixmailer-list.txt', 'list\n']]));
    expect(modeOf(at('web'))).toBe(0o755);
    expect(modeOf(at('web', 'mixmailer-list.txt'))).toBe(0o644);
  });
});

describe('what others may read', () => {
  it('is refused at the start, in words that mend it', async () => {
    (await makeAll())();
    const [mixKey = ''] = readdirSync(at('node')).filter((name) => name.startsWith('mix-'));
    const starts: readonly (readonly [path: string, start: () => unknown])[] = [
      [at('node'), () => openKeys(at('node'))],
      [at('node'), () => lockFolder(at('node'))],
      [at('node'), () => sqliteMixStore(at('node', 'mix.db'))],
      [at('node', 'identity.key'), () => openKeys(at('node')).identity()],
      [at('node', mixKey), () => openKeys(at('node')).mixKeys(startAt)],
      [at('client', 'deeper'), () => sqliteClientStore(at('client', 'deeper', 'client.db'))],
      [at('authority'), () => sqliteAuthorityStore(at('authority', 'authority.db'))],
      [at('tokens', 'submission.token'), () => tokenFrom(at('tokens', 'submission.token'), rng)],
      [at('plus', 'plus-address'), () => readPlusAddress(at('plus'))],
      [at('secrets', 'authority.key'), () => readSecretKey(at('secrets', 'authority.key'))],
    ];
    for (const [path, start] of starts)
      for (const more of [0o040, 0o004, 0o020, 0o002]) {
        const mode = modeOf(path);
        chmodSync(path, mode | more);
        expect(start, `${path} ${more.toString(8)}`).toThrow(ConfigError);
        expect(start).toThrow(`chmod go= '${path}'`);
        chmodSync(path, mode);
      }
  });
});

describe('what others may change', () => {
  const settings = (ca: string): string => `data = "data"
[mail]
address = "mix@one.example"
[mail.imap]
host = "imap.one.example"
ca = "${ca}"
passwordCommand = "cat secret"
[mail.smtp]
host = "smtp.one.example"
[node]
name = "one"
`;

  it('is no configuration, and no certificate that a server is known by', () => {
    const [file, certificate] = [at('node.toml'), at('ca.pem')];
    writeFileSync(file, settings('ca.pem'), { mode: 0o644 });
    writeFileSync(certificate, '-----BEGIN CERTIFICATE-----\n', { mode: 0o644 });
    expect(loadConfig(file).mail.address).toBe('mix@one.example');
    for (const path of [file, certificate])
      for (const mode of [0o664, 0o646, 0o666, 0o620, 0o602]) {
        chmodSync(path, mode);
        expect(() => loadConfig(file), `${path} ${mode.toString(8)}`).toThrow(ConfigError);
        expect(() => loadConfig(file)).toThrow(`got mode ${mode.toString(8)}; run: chmod go-w '${path}'`);
        chmodSync(path, 0o644);
      }
  });
});
