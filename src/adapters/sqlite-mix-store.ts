import { messageIdOf } from '../base/ids.js';
import type { MixStore, ReassemblyStore, ReplayStore, ReturnStore } from '../ports/mix-store.js';
import { followStore, followTables } from './sqlite-follow.js';
import { membershipStore, membershipTables } from './sqlite-membership.js';
import { openStore } from './sqlite.js';
import type { Opening } from './sqlite.js';
import type { Sql } from './sqlite.js';
import {
  bytesOf,
  clockStore,
  cursorStore,
  loopStore,
  loopTable,
  noteStore,
  outgoingStore,
  poolStore,
  sharedTables,
  sharedTables2,
  sharedTables3,
} from './sqlite-tables.js';

/** The steps from an empty file to this version. */
export const mixSchema: readonly string[] = [
  `${sharedTables}
  CREATE TABLE replay (key_id TEXT NOT NULL, tag BLOB NOT NULL, PRIMARY KEY (key_id, tag)) STRICT, WITHOUT ROWID;
  CREATE TABLE message (
    id BLOB PRIMARY KEY, count INTEGER NOT NULL, first_seen_at INTEGER NOT NULL, closed_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE fragment (
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE, place INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (message_id, place)
  ) STRICT;`,
  `${sharedTables2}
  ALTER TABLE message ADD COLUMN token TEXT;
  ALTER TABLE message ADD COLUMN answer BLOB;
  CREATE INDEX message_token ON message (token);
  CREATE INDEX message_open ON message (first_seen_at) WHERE closed_at IS NULL;
  CREATE INDEX message_closed ON message (closed_at);
  CREATE TABLE answer_block (
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE, purpose TEXT NOT NULL, came_at INTEGER NOT NULL,
    block BLOB NOT NULL, PRIMARY KEY (message_id, purpose)
  ) STRICT;
  CREATE INDEX answer_block_came ON answer_block (came_at) WHERE purpose = 'receipt';
  CREATE TABLE return_address (
    token TEXT PRIMARY KEY, alias BLOB NOT NULL UNIQUE, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX return_address_end ON return_address (expires_at);
  CREATE TABLE reply_block (
    id INTEGER PRIMARY KEY, token TEXT NOT NULL REFERENCES return_address (token) ON DELETE CASCADE, block BLOB NOT NULL
  ) STRICT;
  CREATE INDEX reply_block_token ON reply_block (token);
  CREATE TABLE return_mark (
    token TEXT NOT NULL REFERENCES return_address (token) ON DELETE CASCADE, mark TEXT NOT NULL,
    PRIMARY KEY (token, mark)
  ) STRICT, WITHOUT ROWID;`,
  `${followTables}${membershipTables}`,
  `${sharedTables3}${loopTable}`,
];

const replayStore = (sql: Sql): ReplayStore => ({
  addReplayTag: (keyId, tag) => sql.run('INSERT OR IGNORE INTO replay (key_id, tag) VALUES (?, ?)', keyId, tag) === 1,
  forgetReplayTagsBut: (keyIds) => {
    // From one key to the next over the index: there are few keys and millions of tags.
    const after = (keyId: string): string | undefined =>
      sql.first('SELECT key_id FROM replay WHERE key_id > ? ORDER BY key_id LIMIT 1', keyId)?.text('key_id');
    for (let keyId = after(''); keyId !== undefined; keyId = after(keyId))
      if (!keyIds.includes(keyId)) sql.run('DELETE FROM replay WHERE key_id = ?', keyId);
  },
});

const reassemblyStore = (sql: Sql): ReassemblyStore => ({
  message: (id) => {
    const row = sql.first(
      'SELECT count, closed_at IS NOT NULL AS closed, answer FROM message WHERE id = ?',
      bytesOf(id),
    );
    if (row === undefined) return undefined;
    const kept = sql.all('SELECT place FROM fragment WHERE message_id = ? ORDER BY place', bytesOf(id));
    return {
      count: row.number('count'),
      indexes: kept.map((fragment) => fragment.number('place')),
      closed: row.number('closed') === 1,
      answer: row.optionalBytes('answer'),
    };
  },
  openMessages: () => sql.first('SELECT count(*) AS n FROM message WHERE closed_at IS NULL')?.number('n') ?? 0,
  // By the index alone: a millisecond at the most there are.
  fragmentCount: () => sql.first('SELECT count(*) AS n FROM fragment')?.number('n') ?? 0,
  openMessage: (id, count, now) => {
    sql.run(
      'INSERT OR IGNORE INTO message (id, count, first_seen_at) VALUES (?, ?, ?)',
      bytesOf(id),
      count,
      Math.floor(now),
    );
  },
  addFragment: (id, { index, data }) => {
    sql.run('INSERT INTO fragment (message_id, place, data) VALUES (?, ?, ?)', bytesOf(id), index, data);
  },
  fragments: (id) =>
    sql
      .all('SELECT place, data FROM fragment WHERE message_id = ? ORDER BY place', bytesOf(id))
      .map((row) => ({ index: row.number('place'), data: row.bytes('data') })),
  closeMessage: (id, token, now) => {
    sql.run('DELETE FROM fragment WHERE message_id = ?', bytesOf(id));
    sql.run('UPDATE message SET closed_at = ?, token = ? WHERE id = ?', Math.floor(now), token, bytesOf(id));
  },
  settleMessage: (id, answer, now) => {
    sql.run('DELETE FROM fragment WHERE message_id = ?', bytesOf(id));
    sql.run('UPDATE message SET closed_at = ?, answer = ? WHERE id = ?', Math.floor(now), answer, bytesOf(id));
  },
  messageOfToken: (token) => {
    const row = sql.first('SELECT id FROM message WHERE token = ?', token);
    return row && messageIdOf(row.bytes('id'));
  },
  keepBlock: (id, purpose, block, now) => {
    sql.run(
      'INSERT OR REPLACE INTO answer_block (message_id, purpose, block, came_at) VALUES (?, ?, ?, ?)',
      bytesOf(id),
      purpose,
      block,
      Math.floor(now),
    );
  },
  takeBlock: (id, purpose) =>
    sql
      .first('DELETE FROM answer_block WHERE message_id = ? AND purpose = ? RETURNING block', bytesOf(id), purpose)
      ?.bytes('block'),
  stalledMessages: (then) =>
    sql
      .all(
        `SELECT id FROM message JOIN answer_block ON message_id = id
         WHERE closed_at IS NULL AND purpose = 'receipt' AND came_at < ?`,
        Math.floor(then),
      )
      .map((row) => messageIdOf(row.bytes('id'))),
  overdueMessages: (then) =>
    sql
      .all('SELECT id FROM message WHERE closed_at IS NULL AND first_seen_at < ?', Math.floor(then))
      .map((row) => messageIdOf(row.bytes('id'))),
  forgetBlocks: (then) => {
    sql.run(
      `DELETE FROM answer_block
       WHERE message_id IN (SELECT id FROM message WHERE answer IS NOT NULL AND closed_at < ?)`,
      Math.floor(then),
    );
  },
  forgetMessages: (then) => {
    sql.run('DELETE FROM message WHERE closed_at < ?', Math.floor(then));
  },
});

const returnStore = (sql: Sql): ReturnStore => ({
  addReturnAddress: ({ token, alias, expiresAt }, blocks) => {
    sql.run('DELETE FROM return_address WHERE token = ?', token);
    sql.run(
      'INSERT INTO return_address (token, alias, expires_at) VALUES (?, ?, ?)',
      token,
      alias,
      Math.floor(expiresAt),
    );
    for (const block of blocks) sql.run('INSERT INTO reply_block (token, block) VALUES (?, ?)', token, block);
  },
  tokenOfAlias: (alias) => sql.first('SELECT token FROM return_address WHERE alias = ?', alias)?.text('token'),
  isReturnAddress: (token) => sql.first('SELECT 1 FROM return_address WHERE token = ?', token) !== undefined,
  replyBlocks: (token, now) =>
    sql
      .all(
        `SELECT id, block FROM reply_block JOIN return_address USING (token)
         WHERE token = ? AND expires_at > ? ORDER BY id`,
        token,
        Math.floor(now),
      )
      .map((row) => ({ id: row.number('id'), block: row.bytes('block') })),
  removeReplyBlock: (id) => {
    sql.run('DELETE FROM reply_block WHERE id = ?', id);
  },
  replyBlockCount: () => sql.first('SELECT count(*) AS n FROM reply_block')?.number('n') ?? 0,
  isMarked: (token, mark) =>
    sql.first('SELECT 1 FROM return_mark WHERE token = ? AND mark = ?', token, mark) !== undefined,
  mark: (token, mark) => {
    sql.run('INSERT OR IGNORE INTO return_mark (token, mark) VALUES (?, ?)', token, mark);
  },
  forgetReturnAddresses: (now, then) => {
    sql.run(
      'DELETE FROM reply_block WHERE token IN (SELECT token FROM return_address WHERE expires_at <= ?)',
      Math.floor(now),
    );
    sql.run('DELETE FROM return_address WHERE expires_at < ?', Math.floor(then));
  },
});

/**
 * A mix's store in one SQLite file.
 *
 * @throws StoreError 'store/open', 'store/version'
 */
export const sqliteMixStore = (file: string, how: Opening = 'own'): MixStore & { readonly close: () => void } => {
  const { sql, atomically, scrub, roomBytes, close } = openStore(file, mixSchema, how);
  return {
    atomically,
    scrub,
    roomBytes,
    close,
    ...cursorStore(sql),
    ...poolStore(sql),
    ...outgoingStore(sql),
    ...replayStore(sql),
    ...reassemblyStore(sql),
    ...returnStore(sql),
    ...followStore(sql),
    ...membershipStore(sql),
    ...noteStore(sql),
    ...clockStore(sql, ['pool.ready_at']),
    ...loopStore(sql),
  };
};
