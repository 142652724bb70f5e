import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { ConfigError, StoreError } from '../../src/base/errors.js';
import { registerBackup, registerRestore } from '../../src/cli/backup.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { composeNode, composeQueue, readQueue } from '../../src/compose.js';
import { loadConfig } from '../../src/config.js';
import { formatInvitation } from '../../src/council/invitation.js';
import { openNodeKeys } from '../../src/node-keys.js';
import { publicKeyOf } from '../../src/route/document.js';
import { run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
/** Everything in a data folder but the lock, byte for byte. */
const stateOf = (data: string): readonly (readonly [string, string])[] =>
  existsSync(data)
    ? readdirSync(data)
        .filter((name) => !name.startsWith('lock.db') && !/-(wal|shm)$/.test(name))
        .map((name) => [name, readFileSync(join(data, name), 'latin1')] as const)
    : [];
/** A node with keys and a database, and its backup. */
const backedUp = async (name: string, more = '') => {
  const file = writeNodeConfig(folder, name, more);
  await run(registerKeygen, 'keygen', '--config', file);
  const data = join(folder, `data-${name}`);
  sqliteMixStore(join(data, 'mixmailer.db')).close();
  const backup = join(folder, `${name}.backup`);
  const { out } = await run(registerBackup, 'backup', '--config', file, '--out', backup);
  return {
    file,
    data,
    backup,
    out,
    nodeId: (await run(registerKeygen, 'keygen', '--config', file)).out.split('\n')[0],
  };
};
const restore = (...args: readonly string[]) => run(registerRestore, 'restore', ...args);

describe('mixmailer backup and restore', () => {
  it('brings a node to another machine: the same node, with other mix keys', async () => {
    const { data, backup, out, nodeId } = await backedUp('alice');
    expect(out).toMatch(/^wrote .*alice\.backup, \d+ bytes, not sealed: keep it as you keep a key\n$/);
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    expect(readdirSync(data).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const elsewhere = writeNodeConfig(folder, 'anew');
    const { out: done } = await restore('--config', elsewhere, backup);
    expect(done).toContain('restored the node of 20');
    expect(done).toContain('makes new mix keys when it starts');
    const lines = (await run(registerKeygen, 'keygen', '--config', elsewhere)).out.split('\n');
    expect(lines[0]).toBe(nodeId);
    const mixKeys = (folderName: string) => readdirSync(folderName).filter((name) => name.startsWith('mix-'));
    for (const name of mixKeys(join(folder, 'data-anew'))) expect(mixKeys(data)).not.toContain(name);
  });

  it('is sealed where the keys are, and opens with their passphrase alone', async () => {
    const keys = '[keys]\npassphraseEnv = "MM_TEST_WORD"\n';
    process.env['MM_TEST_WORD'] = 'word';
    const { file, backup, out, data } = await backedUp('bob', keys);
    expect(out).toContain('sealed with the passphrase of [keys]');
    expect(readFileSync(backup, 'latin1')).toMatch(/^mixmailer-backup 1 node \d+\nscrypt 17 8 1 /);
    const plain = writeNodeConfig(folder, 'bea');
    await expect(restore('--config', plain, backup)).rejects.toThrow('is sealed: expected its passphrase in [keys]');
    process.env['MM_TEST_WORD'] = 'other';
    const before = stateOf(data);
    await expect(restore('--config', file, '--replace', backup)).rejects.toThrow(ConfigError);
    expect(stateOf(data)).toEqual(before);
    process.env['MM_TEST_WORD'] = 'word';
    await restore('--config', writeNodeConfig(folder, 'bea', keys), backup);
    expect(readFileSync(join(folder, 'data-bea', 'identity.key'), 'utf8')).toContain('mixmailer-sealed 1');
    delete process.env['MM_TEST_WORD'];
  });

  it('changes nothing when it is refused: damaged, in use, not empty, of another node or role', async () => {
    const { file, data, backup } = await backedUp('carol');
    const other = await backedUp('dave');
    const before = stateOf(data);
    const bytes = readFileSync(backup);
    const damaged = join(folder, 'damaged.backup');
    for (const wrong of [
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, 60),
      Buffer.from(bytes).fill(1, 500, 501),
    ]) {
      writeFileSync(damaged, wrong);
      await expect(restore('--config', file, '--replace', damaged)).rejects.toThrow(/damaged|is no backup/);
    }
    await expect(restore('--config', file, join(folder, 'none'))).rejects.toThrow("can't be read (ENOENT)");
    await expect(restore('--config', file, backup)).rejects.toThrow('expected an empty data folder');
    await expect(restore('--config', file, '--replace', other.backup)).rejects.toThrow('is another key than that of');
    const lock = lockFolder(data);
    await expect(restore('--config', file, '--replace', backup)).rejects.toThrow(StoreError);
    // A backup is made beside it.
    await run(registerBackup, 'backup', '--config', file, '--out', backup);
    lock.release();
    const client = join(folder, 'client.toml');
    writeFileSync(
      client,
      readFileSync(file, 'utf8')
        .replace(/\[node\][^]*/, '[client]\n')
        .replace('data-carol', 'data-c'),
    );
    await expect(restore('--config', client, backup)).rejects.toThrow(
      'expected the backup of a client, got one of a node',
    );
    expect(stateOf(data)).toEqual(before);
    expect(stateOf(join(folder, 'data-c'))).toEqual([]);
  });

  it('lets nothing start when it was cut off, and is run again then', async () => {
    const { file, data, backup } = await backedUp('erin');
    writeFileSync(join(data, 'restore.unfinished'), '', { mode: 0o600 });
    await expect(run(registerKeygen, 'keygen', '--config', file)).rejects.toThrow('a restore was cut off here');
    expect(() => lockFolder(data)).toThrow(ConfigError);
    await restore('--config', file, backup);
    await run(registerKeygen, 'keygen', '--config', file);
  });

  it('takes no mail and shows no queue when it was cut off: the database is not the one that will be there', async () => {
    const { file, data } = await backedUp('grace');
    const client = join(folder, 'grace-client.toml');
    const more = `[network]\nlist = "list.txt"\nauthorities = ["${'ab'.repeat(32)}"]\n[client]\n`;
    writeFileSync(client, readFileSync(file, 'utf8').replace(/\[node\][^]*/, more));
    rmSync(join(data, 'mixmailer.db'), { force: true });
    writeFileSync(join(data, 'restore.unfinished'), '', { mode: 0o600 });
    const before = stateOf(data);
    for (const open of [() => composeQueue(loadConfig(client)), () => readQueue(loadConfig(client), Date.now())])
      expect(open).toThrow('a restore was cut off here');
    expect(stateOf(data)).toEqual(before);
  });

  it('has nothing to back up where there is nothing', async () => {
    const file = writeNodeConfig(folder, 'frank');
    await expect(run(registerBackup, 'backup', '--config', file, '--out', join(folder, 'f'))).rejects.toThrow(
      'expected a key to back up',
    );
  });
});

describe('a start', () => {
  it.each(['identity.key', '', 'imap.password'])(
    'refuses what others may read, with the chmod that mends it: %s',
    async (name) => {
      const { file, data } = await backedUp(`start${name.replace(/[^a-z]/g, '')}`);
      const text = readFileSync(file, 'utf8').replace(
        'passwordCommand = "echo secret"',
        'passwordFile = "imap.password"',
      );
      writeFileSync(file, `${text}[network]\nlist = "list"\nauthorities = ["${'ab'.repeat(32)}"]\n`);
      writeFileSync(join(folder, 'imap.password'), 'secret\n', { mode: 0o600 });
      chmodSync(join(folder, 'imap.password'), 0o600);
      const open = name === 'imap.password' ? join(folder, name) : join(data, name);
      chmodSync(open, name === '' ? 0o750 : 0o644);
      const start = (): unknown =>
        name === 'imap.password' ? composeNode(loadConfig(file)) : openNodeKeys(loadConfig(file)).identity();
      expect(start).toThrow(ConfigError);
      expect(start).toThrow(`'${open.replace(/\/$/, '')}'`);
      expect(start).toThrow(/expected to be readable by its owner.* only, got mode \d+; run: chmod /);
    },
  );

  it('makes no key in a folder that another process has', () => {
    const authorities = [{ key: publicKeyOf(new Uint8Array(32)), address: 'ann@council.example' }];
    const join = formatInvitation({ authorities, periodMs: undefined, urls: [] });
    const config = loadConfig(writeNodeConfig(folder, 'heidi', `[network]\njoin = "${join}"\n`));
    const lock = lockFolder(config.data);
    expect(() => composeNode(config)).toThrow('in use by another');
    expect(readdirSync(config.data).filter((name) => name.endsWith('.key'))).toEqual([]);
    lock.release();
  });

  it('makes its database for its owner only, whatever the umask', async () => {
    const { data } = await backedUp('umask');
    const before = process.umask(0);
    try {
      const store = sqliteMixStore(join(data, 'new.db'));
      store.setNote('a', 'b');
      for (const end of ['', '-wal', '-shm']) expect(statSync(join(data, `new.db${end}`)).mode & 0o777).toBe(0o600);
      store.close();
    } finally {
      process.umask(before);
    }
  });
});
