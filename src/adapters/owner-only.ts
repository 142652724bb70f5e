import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError, StoreError } from '../base/errors.js';
import { mib, minuteMs } from '../base/units.js';

/** No private file takes so long to be written. */
const abandonedMs = 10 * minuteMs;

// Windows has no such bits; there a file is as private as the folder it lies in.
const hasModes = process.platform !== 'win32';

/** Whose reading of a file is no harm. */
export type Readers =
  /** Keys: nobody but the process that made them. */
  | 'owner'
  /** Passwords put there by an administrator: `root:mixmailer 640`; systemd's credentials show as 440. */
  | 'owner and group';

const forbiddenBits: Readonly<Record<Readers, number>> = { owner: 0o077, 'owner and group': 0o037 };
const remedy: Readonly<Record<Readers, string>> = { owner: 'go=', 'owner and group': 'g-wx,o=' };

/** @throws ConfigError when others than these may read or change it */
export const refuseSharedWithOthers = (path: string, readers: Readers = 'owner'): void => {
  const mode = statSync(path).mode & 0o777;
  if (hasModes && (mode & forbiddenBits[readers]) !== 0)
    throw new ConfigError(
      `${path}: expected to be readable by its ${readers} only, got mode ${mode.toString(8)}; run: chmod ${remedy[readers]} '${path}'`,
    );
};

/** What a process does is decided there. @throws ConfigError when others than its owner may change it */
export const refuseChangedByOthers = (path: string): void => {
  const mode = statSync(path).mode & 0o777;
  if (hasModes && (mode & 0o022) !== 0)
    throw new ConfigError(
      `${path}: expected to be changed by its owner only, got mode ${mode.toString(8)}; run: chmod go-w '${path}'`,
    );
};

/** Makes the folder for the owner only, or checks that it is such. @throws ConfigError, StoreError `store/open` */
export const makePrivateFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new StoreError('store/open', `${path}: can't make this folder`, { cause });
  }
  refuseSharedWithOthers(path);
};

/**
 * The text of a secret file, undefined if there is none.
 *
 * @throws ConfigError when others may read it, or it can't be read
 */
export const readPrivateFile = (path: string, readers: Readers = 'owner'): string | undefined => {
  try {
    refuseSharedWithOthers(path, readers);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new ConfigError(`${path}: can't be read (${codeOf(error) ?? 'unknown'})`);
  }
};

/** Writes all of it beside that file, and then gives it its name. */
const writeBeside = (path: string, content: string | Uint8Array, place: (temporary: string) => void): void => {
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true }); // left by a crash
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    place(temporary);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new StoreError('store/write', `${path}: can't be written`, { cause });
  }
};

/**
 * Writes a file of mode 600 so that after a crash either all of it is there or nothing: temporary file, fsync, rename,
 * fsync of the folder. An existing file is replaced.
 *
 * @throws StoreError `store/write`
 */
export const writePrivateFile = (path: string, content: string | Uint8Array): void =>
  writeBeside(path, content, (temporary) => renameSync(temporary, path));

/**
 * As `writePrivateFile`, but a file that is there stays, whoever has made it in the meantime.
 *
 * @throws StoreError `store/write`
 */
export const makePrivateFile = (path: string, content: string | Uint8Array): void =>
  writeBeside(path, content, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    rmSync(temporary);
  });

/** A database may be larger than any string or buffer, and a disk takes as much at once as it likes. */
const writeOver = (file: number, sizeBytes: number): void => {
  const block = new Uint8Array(Math.min(sizeBytes, mib)).fill(0x30);
  for (let left = sizeBytes; left > 0;) left -= writeSync(file, block, 0, Math.min(left, block.length));
};

/**
 * Writes over a file and removes it: on disks that write in place it is gone at once.
 *
 * @throws StoreError `store/write`
 */
export const destroyFile = (path: string): void => {
  try {
    const file = openSync(path, 'r+');
    try {
      writeOver(file, fstatSync(file).size);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    rmSync(path, { force: true });
  } catch (cause) {
    throw new StoreError('store/write', `${path}: can't be removed`, { cause });
  }
};

/**
 * Destroys a temporary file that a crash has left, `<name>.<pid>.tmp`. Of one that had become the second name of a file by
 * then (`makePrivateFile`) only the name goes.
 *
 * @throws StoreError `store/write`
 */
export const destroyTemporary = (path: string): void => {
  const file = path.replace(/\.\d+\.tmp$/, '');
  const isSecondName = file !== path && statSync(file, { throwIfNoEntry: false })?.ino === statSync(path).ino;
  if (isSecondName) rmSync(path);
  else destroyFile(path);
};

/** Stands in a data folder while it is restored. */
export const restoreMark = (folder: string): string => join(folder, 'restore.unfinished');

/** @throws ConfigError when what is in that data folder is half of a backup */
export const refuseUnfinishedRestore = (folder: string): void => {
  if (existsSync(restoreMark(folder)))
    throw new ConfigError(`${folder}: a restore was cut off here; run the same \`mixmailer restore\` again`);
};

// Of a database the rows are in what SQLite keeps beside it, until it is closed.
const temporaryForm = /(?:\.\d+|^restore)\.tmp(?:-journal|-wal|-shm)?$/;

/**
 * Overwrites and removes what `writePrivateFile`, a backup or a restore left unfinished in that folder when the power went:
 * such a file may hold a key, or rows of the database. One that somebody may be writing now stays.
 *
 * @returns how many
 * @throws StoreError `store/write`
 */
export const removeTemporaries = (folder: string, now: number): number => {
  let removed = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!temporaryForm.test(name) || now - statSync(path).mtimeMs < abandonedMs) continue;
    destroyTemporary(path);
    removed++;
  }
  if (removed > 0) syncFolder(folder);
  return removed;
};

/** What SQLite keeps beside a database. It makes them with the database's own mode. */
const besides = ['', '-journal', '-wal', '-shm'];

/**
 * Makes an empty database file that its owner alone may read and change, whatever the umask; of one that is there takes
 * from others what they may do. SQLite itself makes files that everybody may read.
 *
 * @throws StoreError `store/open`
 */
export const makePrivateDatabase = (path: string): void => {
  try {
    // One that is there is not opened: closing it would end the locks that this process holds on it by SQLite.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    for (const file of besides.map((suffix) => `${path}${suffix}`))
      if (hasModes && existsSync(file) && (statSync(file).mode & forbiddenBits.owner) !== 0) chmodSync(file, 0o600);
  } catch (cause) {
    throw new StoreError('store/open', `${path} can't be opened: is its folder there and writable?`, { cause });
  }
};

/** Makes renames and removals in a folder durable. */
export const syncFolder = (path: string): void => {
  if (!hasModes) return; // Windows opens no folders
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
};

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
