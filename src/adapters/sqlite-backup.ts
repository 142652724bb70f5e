import { existsSync, readFileSync, rmSync } from 'node:fs';
import { authoritySchema } from './sqlite-authority.js';
import { clientSchema } from './sqlite-client-store.js';
import { mixSchema } from './sqlite-mix-store.js';
import type { BackupRole } from './backup-file.js';
import { destroyFile } from './owner-only.js';
import { openStore } from './sqlite.js';

/** Tables of a role's database: what a backup takes of each, in an order in which they can be filled, and what it leaves. */
export interface BackupTables {
  readonly schema: readonly string[];
  /** By table: the rows and columns that are taken over. */
  readonly kept: Readonly<Record<string, string>>;
  readonly left: readonly string[];
}

const all = (table: string): string => `SELECT * FROM source.${table}`;
const allOf = (...tables: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(tables.map((table) => [table, all(table)]));

// How far the mailbox is read only grows; an account's pause and budget are kept because they hold something back, those of a
// node's further accounts too. Which of its addresses others know is no secret.
const account = {
  ...allOf('cursor', 'pause'),
  note: "SELECT * FROM source.note WHERE name IN ('account', 'published') OR name GLOB 'account *'",
};
// Older lists than one had are refused, and two of one number are told of.
const followed = allOf('follow_consensus', 'follow_past', 'follow_fork', 'follow_endorsement');
const followedLeft = ['follow_plan', 'follow_ask', 'follow_answer'];

export const backupTables: Readonly<Record<BackupRole, BackupTables>> = {
  node: {
    schema: mixSchema,
    kept: {
      ...account,
      ...followed,
      ...allOf('challenge'),
      // What was announced names mix keys that are not kept.
      membership: 'SELECT id, NULL, NULL, leaving_at FROM source.membership',
      // A copy of a mail that has been dealt with is known for one.
      message: 'SELECT * FROM source.message WHERE closed_at IS NOT NULL',
    },
    left: [
      ...followedLeft,
      ...['pool', 'outgoing', 'replay', 'fragment', 'loop'],
      // Blocks serve once: which of them have since, nobody would know.
      ...['answer_block', 'return_address', 'reply_block', 'return_mark'],
    ],
  },
  client: {
    schema: clientSchema,
    kept: {
      ...account,
      ...followed,
      ...allOf('fingerprint'),
      // Without what was to be sent: it is not sent again.
      message: `SELECT id, recipient, original_id, reply_blocks, state, submitted_at, sendings, next_at, settled_at, ending,
        NULL, bits FROM source.message`,
      ...allOf('surb', 'reply', 'piece'),
      // It may have been put into the inbox since, so that is looked at first.
      inbound: 'SELECT id, kind, about, mail_id, raw, max(attempts, 1) FROM source.inbound',
    },
    left: [...followedLeft, 'pool', 'outgoing', 'sending', 'loop'],
  },
  authority: {
    schema: authoritySchema,
    kept: {
      ...account,
      ...followed,
      ...allOf('candidate', 'challenge', 'member', 'probe'),
      ...allOf('council', 'signed_body', 'contradiction', 'done', 'wanted'),
    },
    // The secret of a vote must not be read before it is opened, and that vote is not gone on with.
    left: [...followedLeft, 'pool', 'outgoing', 'vote_secret'],
  },
};

/**
 * A database with what a backup takes of another one, as it is at this moment; beside the process that works on it. What is
 * left out is never written anywhere.
 *
 * @param temporary where it is made, and destroyed again
 * @returns undefined if there is no database
 * @throws StoreError, `store/version` when the database is of an older or newer version; it is left as it is
 */
export const backupOfDatabase = (file: string, role: BackupRole, temporary: string): Uint8Array | undefined => {
  if (!existsSync(file)) return undefined;
  const { schema, kept } = backupTables[role];
  openStore(file, schema, 'beside').close();
  removeDatabase(temporary);
  try {
    const { sql, atomically, close } = openStore(temporary, schema);
    try {
      sql.run('ATTACH DATABASE ? AS source', file);
      atomically(() => {
        for (const [table, rows] of Object.entries(kept)) sql.run(`INSERT OR REPLACE INTO ${table} ${rows}`);
      });
      sql.run('DETACH DATABASE source');
    } finally {
      close();
    }
    return new Uint8Array(readFileSync(temporary));
  } finally {
    removeDatabase(temporary);
  }
};

/** Writes over a database and what lies beside it, and removes it. @throws StoreError */
export const removeDatabase = (file: string): void => {
  for (const one of [`${file}-wal`, file]) if (existsSync(one)) destroyFile(one);
  rmSync(`${file}-shm`, { force: true });
};
