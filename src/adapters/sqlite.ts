import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { StoreError } from '../base/errors.js';
import { mib } from '../base/units.js';
import type { RoomStore, Scrub, ScrubStore, Store } from '../ports/stores.js';
import { freeBytes } from './disk.js';
import { makePrivateDatabase, makePrivateFolder, refuseUnfinishedRestore, removeTemporaries } from './owner-only.js';

/** A row as SQLite gives it, asked for by column with the type it must have. */
export class Row {
  readonly #columns: Readonly<Record<string, unknown>>;

  constructor(row: unknown) {
    this.#columns = row as Readonly<Record<string, unknown>>;
  }

  number(column: string): number {
    const value = this.#columns[column];
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'number') throw new StoreError('store/version', `column ${column} is no number`);
    return value;
  }

  optionalNumber(column: string): number | undefined {
    return this.#columns[column] === null ? undefined : this.number(column);
  }

  bigint(column: string): bigint {
    const value = this.#columns[column];
    if (typeof value !== 'bigint') throw new StoreError('store/version', `column ${column} is no integer`);
    return value;
  }

  text(column: string): string {
    const value = this.#columns[column];
    if (typeof value !== 'string') throw new StoreError('store/version', `column ${column} is no text`);
    return value;
  }

  optionalText(column: string): string | undefined {
    return this.#columns[column] === null ? undefined : this.text(column);
  }

  bytes(column: string): Uint8Array {
    const value = this.#columns[column];
    if (!(value instanceof Uint8Array)) throw new StoreError('store/version', `column ${column} is no byte string`);
    return new Uint8Array(value);
  }

  optionalBytes(column: string): Uint8Array | undefined {
    return this.#columns[column] === null ? undefined : this.bytes(column);
  }
}

type Value = null | number | bigint | string | Uint8Array;

/** Prepared statements by their text, and errors as StoreError. */
export interface Sql {
  readonly run: (text: string, ...values: Value[]) => number;
  readonly all: (text: string, ...values: Value[]) => readonly Row[];
  readonly first: (text: string, ...values: Value[]) => Row | undefined;
}

/**
 * What changes may need outside of the database before they go into it: SQLite's log has some four megabytes, and one
 * transaction more.
 */
const logBytes = 8 * mib;

/**
 * How much more fits where so much is free on the disk, and so much within the database: its file grows only when it has no
 * free pages left, and shrinks only when it is scrubbed.
 *
 * @param free undefined: that can't be known
 */
export const roomWith = (free = Infinity, within = 0): number => (free < logBytes ? free : free + within);

export interface OpenStore extends Store, ScrubStore, RoomStore {
  readonly sql: Sql;
  readonly close: () => void;
}

const asStoreError = (error: unknown): StoreError => {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : 'unknown';
  return /locked|busy/i.test(message)
    ? new StoreError('store/locked', 'the database is in use by another process', { cause: error })
    : new StoreError('store/write', 'the database could not be read or written', { cause: error });
};

/** What a database is opened for. */
export type Opening =
  /** To work on it: one of an older version is brought to the newest. */
  | 'own'
  /** To read or write something beside the process that works on it: its version stays what it is. */
  | 'beside'
  /** Only to look at it while another process works on it. */
  | 'look';

/**
 * Opens (and at first use makes) a database in the data folder.
 *
 * A commit is on the disk when it returns (WAL with synchronous=FULL: 2,700-3,100 transactions a second, none lost under
 * kill -9); what is deleted is overwritten (secure_delete), so that a seized disk does not hold old packets. The log
 * beside it holds what was written last, deleted or not, until `scrub`.
 *
 * Not protected: blocks that the file system has taken back from the log, or keeps as copies (docs/operating.md).
 *
 * @param file ':memory:' in tests that don't need a disk
 * @param schema statements that make the tables; versions follow one another, from 1
 * @param how `look` writes nothing, not even a newer version of the tables; `beside` makes tables where there are none
 * @throws StoreError 'store/open', 'store/version'; ConfigError when others can read the folder or the files
 */
export const openStore = (file: string, schema: readonly string[], how: Opening = 'own'): OpenStore => {
  if (file !== ':memory:' && how !== 'look') {
    makePrivateFolder(path.dirname(file));
    makePrivateDatabase(file);
  }
  let db: DatabaseSyncInstance;
  try {
    db = new DatabaseSync(file, { readOnly: how === 'look' });
    // The timeout first: of two processes that open a new database at once, one waits while the other sets it up.
    if (how === 'look') db.exec(`PRAGMA busy_timeout=${busyMs}`);
    else
      db.exec(
        `PRAGMA busy_timeout=${busyMs}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA journal_size_limit=0; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY`,
      );
  } catch (error) {
    throw new StoreError('store/open', `${file} can't be opened: is its folder there and writable?`, { cause: error });
  }
  const statements = new Map<string, ReturnType<DatabaseSyncInstance['prepare']>>();
  const prepared = (text: string): ReturnType<DatabaseSyncInstance['prepare']> => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = db.prepare(text);
      statement.setReadBigInts(true);
      statements.set(text, statement);
    }
    return statement;
  };
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw asStoreError(error);
    }
  };
  const sql: Sql = {
    run: (text, ...values) => guarded(() => Number(prepared(text).run(...values).changes as number | bigint)),
    all: (text, ...values) =>
      guarded(() =>
        prepared(text)
          .all(...values)
          .map((row) => new Row(row)),
      ),
    first: (text, ...values) =>
      guarded(() => {
        const row: unknown = prepared(text).get(...values);
        return row === undefined ? undefined : new Row(row);
      }),
  };
  const atomically = <T>(work: () => T): T => {
    guarded(() => db.exec('BEGIN IMMEDIATE'));
    try {
      const result = work();
      guarded(() => db.exec('COMMIT'));
      return result;
    } catch (error) {
      // A full disk ends the transaction by itself, and then there is nothing to roll back.
      if (db.isTransaction) guarded(() => db.exec('ROLLBACK'));
      throw error;
    }
  };
  const version = sql.first('PRAGMA user_version')?.number('user_version') ?? 0;
  if (version > schema.length) {
    db.close();
    throw new StoreError('store/version', `${file} was written by a newer MixMailer (version ${version})`);
  }
  if (version < schema.length && how === 'look') {
    db.close();
    throw new StoreError('store/version', `${file} is of an older MixMailer, which still runs: start it again`);
  }
  if (version > 0 && version < schema.length && how === 'beside') {
    db.close();
    throw new StoreError('store/version', `${file} is of an older MixMailer: use that one, or start this one first`);
  }
  // All steps in one transaction: an upgrade that fails leaves what was there. Checked again inside it: two processes may
  // open a new database at once.
  if (version < schema.length) {
    atomically(() => {
      const from = sql.first('PRAGMA user_version')?.number('user_version') ?? 0;
      guarded(() => {
        for (const step of schema.slice(from)) db.exec(step);
        db.exec(`PRAGMA user_version=${schema.length}`);
      });
    });
  }
  const figure = (name: string): number => sql.first(`PRAGMA ${name}`)?.number(name) ?? 0;
  const roomBytes = (): number => {
    const free = file === ':memory:' ? undefined : freeBytes(path.dirname(file));
    return roomWith(free, figure('freelist_count') * figure('page_size'));
  };
  const scrub = (how: Scrub): boolean =>
    guarded(() => {
      // Who reads beside us is not waited for: the whole process would stand still.
      db.exec('PRAGMA busy_timeout=0');
      try {
        if (
          how === 'file' &&
          (figure('page_count') - figure('freelist_count')) * figure('page_size') <= mostVacuumedBytes
        )
          db.exec('VACUUM');
        return sql.first('PRAGMA wal_checkpoint(TRUNCATE)')?.number('busy') === 0;
      } catch (error) {
        if (asStoreError(error).code === 'store/locked') return false;
        throw error;
      } finally {
        db.exec(`PRAGMA busy_timeout=${busyMs}`);
      }
    });
  const close = (): void => {
    // Prepared statements keep the connection half open until they are collected, so that SQLite does not do it itself.
    try {
      if (db.isOpen && how !== 'look') scrub('log');
    } catch (error) {
      // On a full or failing disk the log stays, and the next start reads it.
      if (!(error instanceof StoreError)) throw error;
    } finally {
      db.close();
    }
  };
  return { sql, atomically, scrub, roomBytes, close };
};

const busyMs = 10_000;
/** Rewriting a database takes a second for these, in memory, because temporary files would lie elsewhere. */
const mostVacuumedBytes = 64 * 1024 * 1024;

/** Who only looks whether a folder is locked holds it for a moment: whoever wants to work there waits so long. */
const lockPatienceMs = 250;

/**
 * Makes sure that one process at a time works on a data folder; the lock ends with the process, however it ends. What an
 * earlier one left unfinished there is removed.
 *
 * @throws StoreError 'store/locked', 'store/open'; ConfigError when others can read the folder, or a restore was cut off
 */
export const lockFolder = (
  folder: string,
  { evenUnfinished = false }: { readonly evenUnfinished?: boolean } = {},
): { readonly release: () => void } => {
  makePrivateFolder(folder);
  if (!evenUnfinished) refuseUnfinishedRestore(folder);
  const file = path.join(folder, 'lock.db');
  makePrivateDatabase(file);
  let db: DatabaseSyncInstance;
  try {
    db = new DatabaseSync(file);
  } catch (error) {
    throw new StoreError('store/open', `${folder} can't be written to`, { cause: error });
  }
  try {
    db.exec(`PRAGMA busy_timeout=${lockPatienceMs}; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE`);
  } catch (error) {
    db.close();
    throw new StoreError('store/locked', `${folder} is in use by another MixMailer process`, { cause: error });
  }
  try {
    removeTemporaries(folder, Date.now());
  } catch (error) {
    db.close();
    throw error;
  }
  return { release: () => db.close() };
};

/** Whether a process works on that data folder. Nothing is made or changed there. */
export const isLocked = (folder: string): boolean => {
  const file = path.join(folder, 'lock.db');
  if (!existsSync(file)) return false;
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    db.exec('PRAGMA busy_timeout=0');
    db.prepare('SELECT count(*) FROM sqlite_master').get();
    return false;
  } catch (error) {
    if (/locked|busy/i.test(error instanceof Error ? error.message : '')) return true;
    throw asStoreError(error);
  } finally {
    db.close();
  }
};
