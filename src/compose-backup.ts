import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Backup, type BackupRole, packBackup, readBackup } from './adapters/backup-file.js';
import { isKeyFileText, readKeyFile, writeKeyFile } from './adapters/key-files.js';
import { destroyFile, readPrivateFile, restoreMark, syncFolder, writePrivateFile } from './adapters/owner-only.js';
import type { Seal } from './adapters/seal.js';
import { openStore, lockFolder } from './adapters/sqlite.js';
import { sqliteAuthorityStore } from './adapters/sqlite-authority.js';
import { backupOfDatabase, backupTables, removeDatabase } from './adapters/sqlite-backup.js';
import { sqliteClientStore } from './adapters/sqlite-client-store.js';
import { sqliteMixStore } from './adapters/sqlite-mix-store.js';
import { ConfigError } from './base/errors.js';
import { changing, settle } from './client/status.js';
import { authorityDatabaseOf } from './compose-authority.js';
import { databaseOf } from './compose-joined.js';
import type { Config } from './config.js';
import { sectionsIn } from './config-mail.js';
import { invitationFile } from './config-network.js';
import { noteRestored } from './directory/abstain.js';
import { finishSealingOf, sealOf } from './node-keys.js';
import { drainAccount } from './post/account.js';

/** Where what is in a backup lies on the disk. */
interface Places {
  readonly role: BackupRole;
  readonly key: { readonly name: string; readonly file: string } | undefined;
  /** Small files, by their names in the backup. */
  readonly files: Readonly<Record<string, string>>;
  readonly database: { readonly name: string; readonly file: string };
}

const placesOf = (config: Config): Places => {
  const { data, node, client, authority } = config;
  if (node !== undefined && client !== undefined)
    throw new ConfigError(`client: expected either [node] or [client], got both (in ${config.file})`);
  if (authority !== undefined)
    return {
      role: 'authority',
      key: { name: 'authority.key', file: authority.key },
      files: {},
      database: { name: 'authority.db', file: authorityDatabaseOf(config) },
    };
  const database = { name: 'mixmailer.db', file: databaseOf(config) };
  const invitation = invitationFile(data);
  return client === undefined
    ? {
        role: 'node',
        key: { name: 'identity.key', file: path.join(data, 'identity.key') },
        files: { invitation, 'plus-address': path.join(data, 'plus-address') },
        database,
      }
    : {
        role: 'client',
        key: undefined,
        files: { invitation, 'submission.token': client.submission.tokenFile },
        database,
      };
};

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * A backup of the role of that configuration, beside the running process or without it: who it is and where it stands, and
 * nothing that a second time would do harm. Sealed if the configuration has a passphrase.
 *
 * @throws ConfigError when there is nothing to back up; StoreError
 */
export const makeBackup = (config: Config, now: number): Uint8Array => {
  const { role, key, files, database } = placesOf(config);
  const seal = sealOf(config);
  finishSealingOf(config, seal);
  const found = new Map<string, Uint8Array>();
  if (key !== undefined) {
    const secret = readKeyFile(key.file, seal);
    if (secret === undefined) throw new ConfigError(`${key.file}: expected a key to back up, got no such file`);
    found.set(key.name, utf8(secret));
  }
  for (const [name, file] of Object.entries(files)) {
    const content = readPrivateFile(file);
    if (content !== undefined) found.set(name, utf8(content));
  }
  const rows = backupOfDatabase(database.file, role, path.join(config.data, `backup.${process.pid}.tmp`));
  if (rows !== undefined) found.set(database.name, rows);
  if (found.size === 0) throw new ConfigError(`${config.data}: expected something to back up, got nothing`);
  return packBackup({ role, madeAt: now, files: found }, seal);
};

/**
 * What must be known before the process starts: that the account's mails of the last day were not counted, that numbers
 * may have been signed, that nobody knows what became of the messages under way.
 */
const settleRestored = (file: string, role: BackupRole, config: Config, { now, madeAt }: RestoreTimes): void => {
  const rules = sectionsIn(config.mail).map(({ account, further }) => ({ ...account.budget, now, further }));
  switch (role) {
    case 'node': {
      const store = sqliteMixStore(file);
      for (const one of rules) drainAccount(store, one);
      store.close();
      break;
    }
    case 'authority': {
      const store = sqliteAuthorityStore(file);
      for (const one of rules) drainAccount(store, one);
      // A clock that is behind the backup is wrong now, or was then.
      noteRestored(store, Math.max(now, madeAt));
      store.close();
      break;
    }
    case 'client': {
      const store = sqliteClientStore(file);
      for (const one of rules) drainAccount(store, one);
      const notices = config.client?.notices ?? 'none';
      const deps = { store, from: config.mail.address, notices };
      changing(deps, () => {
        for (const id of store.unsettledMessages(Number.MAX_SAFE_INTEGER)) {
          const status = store.messageStatus(id);
          if (status !== undefined) settle(deps, status, { kind: 'restored' }, now);
        }
      });
      store.close();
      break;
    }
  }
};

interface RestoreTimes {
  readonly now: number;
  readonly madeAt: number;
}

const isMixKey = (name: string): boolean => /^mix-[0-9a-f]{32}\.key$/.test(name);

/** What is in a data folder that a restore would replace. */
const presentIn = (config: Config, { key, files, database }: Places): readonly string[] => {
  const { data } = config;
  const mixKeys = existsSync(data) ? readdirSync(data).filter(isMixKey) : [];
  // A key elsewhere is kept elsewhere; another one is not replaced in any case.
  const keys = key !== undefined && path.dirname(key.file) === data ? [key.file] : [];
  const named = [...keys, ...Object.values(files), database.file];
  return [...mixKeys.map((name) => path.join(data, name)), ...named.filter((file) => existsSync(file))];
};

/** A key that is there is lost for good when another one takes its place. */
const refuseOtherKey = ({ key }: Places, backup: Backup, seal: Seal | undefined): void => {
  const there = key && readKeyFile(key.file, seal);
  if (key !== undefined && there !== undefined && there !== text(backup.files.get(key.name) ?? utf8('')))
    throw new ConfigError(`${key.file}: is another key than that of the backup; move it away first`);
};

/** What a restore has done. */
export interface Restored {
  readonly role: BackupRole;
  readonly madeAt: number;
  /** Messages of a client of which nobody knows what became. */
  readonly unknown: number;
}

/**
 * Puts a backup into the data folder of that configuration. Mix keys that are there are destroyed, as all that waited: the
 * process starts with new ones. Nothing is changed unless all of it can be read; cut off after that, nothing starts until
 * the restore is run again.
 *
 * @param source of the bytes, for errors
 * @throws ConfigError, and StoreError `store/version`, when the backup can't be used, or the folder is not empty and
 *   nothing was said of replacing; StoreError `store/locked` while a process works on it
 */
export const restoreBackup = (
  config: Config,
  { bytes, source }: { readonly bytes: Uint8Array; readonly source: string },
  { now, replace }: { readonly now: number; readonly replace: boolean },
): Restored => {
  const places = placesOf(config);
  const { role, key, files, database } = places;
  const seal = sealOf(config);
  const backup = readBackup(bytes, seal, source);
  const { madeAt } = backup;
  if (backup.role !== role)
    throw new ConfigError(
      `${source}: expected the backup of a ${role}, got one of a ${backup.role} (in ${config.file})`,
    );
  const secret = key && backup.files.get(key.name);
  if (key !== undefined && !isKeyFileText(text(secret ?? utf8(''))))
    throw new ConfigError(`${source}: damaged: there is no key in it`);
  const { data } = config;
  const lock = lockFolder(data, { evenUnfinished: true });
  const temporary = path.join(data, 'restore.tmp');
  try {
    const present = presentIn(config, places);
    if (present.length > 0 && !replace && !existsSync(restoreMark(data)))
      throw new ConfigError(
        `${data}: expected an empty data folder, got one with ${present.length} files; --replace destroys them (in ${config.file})`,
      );
    refuseOtherKey(places, backup, seal);
    removeDatabase(temporary);
    const rows = backup.files.get(database.name);
    if (rows !== undefined) writePrivateFile(temporary, rows);
    openStore(temporary, backupTables[role].schema).close();
    settleRestored(temporary, role, config, { now, madeAt });
    writePrivateFile(restoreMark(data), `${source}\n`);
    for (const file of present) if (isMixKey(path.basename(file))) destroyFile(file);
    removeDatabase(database.file);
    for (const [name, file] of Object.entries(files)) {
      const content = backup.files.get(name);
      if (content !== undefined) writePrivateFile(file, content);
      else if (existsSync(file)) destroyFile(file);
    }
    if (key !== undefined && secret !== undefined) writeKeyFile(key.file, text(secret), seal);
    renameSync(temporary, database.file);
    syncFolder(data);
    rmSync(restoreMark(data));
    syncFolder(data);
    return { role, madeAt, unknown: role === 'client' ? restoredIn(database.file) : 0 };
  } finally {
    removeDatabase(temporary);
    lock.release();
  }
};

const restoredIn = (file: string): number => {
  const store = sqliteClientStore(file);
  try {
    return store.messageStatuses().filter(({ ending }) => ending?.kind === 'restored').length;
  } finally {
    store.close();
  }
};
