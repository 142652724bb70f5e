import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder, openStore, roomWith } from '../../src/adapters/sqlite.js';
import { ConfigError, StoreError } from '../../src/base/errors.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-sqlite-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const schema = ['CREATE TABLE thing (bytes BLOB NOT NULL UNIQUE) STRICT'];
const file = (): string => path.join(folder, 'store.db');
const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);

describe('the room for more', () => {
  it('is what the disk has, and what is free within the file as long as the log of changes has room beside it', () => {
    const mib = 1024 * 1024;
    expect(roomWith(40 * mib, 2 * mib)).toBe(42 * mib);
    expect(roomWith(8 * mib, 100 * mib)).toBe(108 * mib);
    expect(roomWith(8 * mib - 1, 100 * mib)).toBe(8 * mib - 1);
    expect(roomWith(undefined, 100 * mib)).toBe(Infinity);
  });

  it('is known of a file, and without an end in memory', () => {
    const store = openStore(file(), schema);
    expect(store.roomBytes()).toBeGreaterThan(0);
    expect(store.roomBytes()).toBeLessThan(Infinity);
    store.close();
    const inMemory = openStore(':memory:', schema);
    expect(inMemory.roomBytes()).toBe(Infinity);
    inMemory.close();
  });
});

describe('a full disk', () => {
  // What SQLite says when no page can be added is what it says of a full disk.
  const filled = (): ReturnType<typeof openStore> => {
    const store = openStore(file(), schema);
    store.sql.first('PRAGMA max_page_count=10');
    return store;
  };

  it('is a StoreError, in a transaction too, and undoes the whole of it', () => {
    const { sql, atomically, close } = filled();
    expect(() =>
      atomically(() => {
        sql.run('INSERT INTO thing VALUES (?)', bytes(10));
        for (let i = 0; i < 20; i++) sql.run('INSERT INTO thing VALUES (?)', bytes(4000, i));
      }),
    ).toThrow(StoreError);
    expect(sql.all('SELECT * FROM thing')).toEqual([]);
    close();
  });

  it('is over when there is room again', () => {
    const { sql, atomically, close } = filled();
    const add = (): number => atomically(() => sql.run('INSERT INTO thing VALUES (?)', bytes(100_000)));
    expect(add).toThrow(StoreError);
    expect(add).toThrow(StoreError);
    sql.first('PRAGMA max_page_count=1000');
    expect(add()).toBe(1);
    close();
  });
});

describe('a transaction that fails at its end', () => {
  it('leaves the way open for the next one', () => {
    const { sql, atomically, close } = openStore(file(), [
      `CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
       CREATE TABLE child (parent INTEGER NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT`,
    ]);
    // Noticed at COMMIT only.
    expect(() => atomically(() => sql.run('INSERT INTO child VALUES (7)'))).toThrow(StoreError);
    expect(atomically(() => sql.run('INSERT INTO parent VALUES (7)'))).toBe(1);
    expect(sql.all('SELECT * FROM child')).toEqual([]);
    close();
  });
});

describe('a data folder', () => {
  it('that others can read is refused, with the command that mends it', () => {
    const open = path.join(folder, 'open');
    mkdirSync(open, { mode: 0o755 });
    chmodSync(open, 0o755);
    expect(() => openStore(path.join(open, 'store.db'), schema)).toThrow(ConfigError);
    expect(() => lockFolder(open)).toThrow(/chmod go= /);
  });

  it('that is no folder, or holds no database, is a StoreError', () => {
    writeFileSync(path.join(folder, 'file'), '');
    expect(() => openStore(path.join(folder, 'file', 'store.db'), schema)).toThrow(StoreError);
    expect(() => lockFolder(path.join(folder, 'file'))).toThrow(StoreError);
    mkdirSync(path.join(folder, 'lock.db'));
    expect(() => lockFolder(folder)).toThrow(StoreError);
    writeFileSync(file(), 'no database at all '.repeat(100), { mode: 0o600 });
    expect(() => openStore(file(), schema)).toThrow(StoreError);
  });

  it('written by a newer version is left alone', () => {
    openStore(file(), [...schema, 'CREATE TABLE later (x INTEGER) STRICT']).close();
    expect(() => openStore(file(), schema)).toThrow(/newer MixMailer/);
  });
});

describe('what a power cut left unfinished in a data folder', () => {
  it('is removed by the next process on it, and only that', () => {
    const at = (name: string): string => path.join(folder, name);
    const names = ['mix-aa.key.4711.tmp', 'identity.key', 'mix-bb.key', 'notes.tmp', 'plus-address.12.tmp'];
    for (const name of names) writeFileSync(at(name), 'a seed', { mode: 0o600 });
    const before = Date.now() / 1000 - 3600;
    for (const name of names.slice(0, 4)) utimesSync(at(name), before, before);
    // Hard links show what became of the bytes.
    linkSync(at('mix-aa.key.4711.tmp'), at('witness'));
    lockFolder(folder).release();
    const left = readdirSync(folder).filter((name) => !name.startsWith('lock.db'));
    expect(left.toSorted()).toEqual(['identity.key', 'mix-bb.key', 'notes.tmp', 'plus-address.12.tmp', 'witness']);
    expect([readFileSync(at('witness'), 'utf8'), readFileSync(at('mix-bb.key'), 'utf8')]).toEqual(['000000', 'a seed']);
  });

  it.each(['backup.4711.tmp', 'restore.tmp'])(
    'of a copy of the database takes along what lies beside it: %s',
    (name) => {
      const killed = path.join(folder, 'killed');
      const at = (one: string): string => path.join(killed, one);
      const copy = openStore(path.join(folder, name), schema);
      copy.sql.run('INSERT INTO thing VALUES (?)', bytes(5000, 0x41));
      mkdirSync(killed, { mode: 0o700 });
      for (const one of readdirSync(folder)) if (one.startsWith(name)) copyFileSync(path.join(folder, one), at(one));
      copy.close();
      writeFileSync(at(`${name}-journal`), 'rows', { mode: 0o600 });
      const left = [name, `${name}-journal`, `${name}-shm`, `${name}-wal`];
      expect(readdirSync(killed).toSorted()).toEqual(left);
      expect(readFileSync(at(`${name}-wal`), 'latin1')).toContain('A'.repeat(100));
      const before = Date.now() / 1000 - 3600;
      for (const one of left) utimesSync(at(one), before, before);
      linkSync(at(`${name}-wal`), path.join(folder, 'witness'));
      lockFolder(killed).release();
      expect(readdirSync(killed).filter((one) => !one.startsWith('lock.db'))).toEqual([]);
      expect(readFileSync(path.join(folder, 'witness'), 'latin1')).toMatch(/^0+$/);
    },
  );
});
