import { describe, expect, it } from 'vitest';
import { packBackup, readBackup, type Backup } from '../../src/adapters/backup-file.js';
import { sealUnder } from '../../src/adapters/seal.js';
import { openStore } from '../../src/adapters/sqlite.js';
import { backupTables } from '../../src/adapters/sqlite-backup.js';
import { ConfigError } from '../../src/base/errors.js';
import { rngOf } from '../route/nodes.js';

const backup: Backup = {
  role: 'node',
  madeAt: 1_800_000_000_000,
  files: new Map([
    ['identity.key', new TextEncoder().encode('5eed\n')],
    ['mixmailer.db', Uint8Array.from({ length: 300 }, (_, i) => i & 255)],
  ]),
};
const sealWith = (passphrase: string) =>
  sealUnder({ passphrase: () => passphrase, rng: rngOf('s'), configFile: 'c', cost: 14 });

describe.each([
  ['in clear', undefined],
  ['sealed', sealWith('word')],
] as const)('a backup %s', (_, seal) => {
  const bytes = packBackup(backup, seal);

  it('gives back what was put in', () => {
    expect(readBackup(bytes, seal, 'b')).toEqual(backup);
  });

  it('is refused when any byte of it has changed, is missing, or is too many', () => {
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => readBackup(changed, seal, 'b'), `byte ${i}`).toThrow(ConfigError);
      expect(() => readBackup(bytes.subarray(0, i), seal, 'b'), `length ${i}`).toThrow(ConfigError);
    }
    expect(() => readBackup(Uint8Array.of(...bytes, 0), seal, 'b')).toThrow(
      'b: damaged or cut short; nothing was changed',
    );
  });
});

describe('a sealed backup', () => {
  const bytes = packBackup(backup, sealWith('word'));

  it('says nothing of what is in it, and opens with its passphrase alone', () => {
    expect(new TextDecoder().decode(bytes)).not.toContain('5eed');
    expect(readBackup(bytes, sealWith('word'), 'b')).toEqual(backup);
    expect(() => readBackup(bytes, sealWith('other'), 'b')).toThrow('the passphrase in [keys] is another one');
    expect(() => readBackup(bytes, undefined, 'b')).toThrow('is sealed: expected its passphrase in [keys]');
  });
});

describe('a backup', () => {
  it('that is none, or of a newer version, is called so', () => {
    expect(() => readBackup(new TextEncoder().encode('SQLite format 3\n'), undefined, 'b')).toThrow('is no backup');
    const newer = new TextEncoder().encode('mixmailer-backup 2 node 1\nclear\n');
    expect(() => readBackup(newer, undefined, 'b')).toThrow('was made by a newer MixMailer (version 2)');
  });

  it.each(['node', 'client', 'authority'] as const)('of a %s says of each table whether it is taken', (role) => {
    const { schema, kept, left } = backupTables[role];
    const { sql, close } = openStore(':memory:', schema);
    const tables = sql
      .all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      .map((row) => row.text('name'));
    expect([...Object.keys(kept), ...left].toSorted()).toEqual(tables.toSorted());
    // As many columns as there are, whatever was added since.
    sql.run("ATTACH DATABASE ':memory:' AS source");
    for (const row of sql.all("SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND sql NOT NULL"))
      if (!row.text('name').startsWith('sqlite'))
        sql.run(row.text('sql').replace('CREATE TABLE ', 'CREATE TABLE source.'));
    for (const [table, rows] of Object.entries(kept)) sql.run(`INSERT OR REPLACE INTO main.${table} ${rows}`);
    close();
  });
});
