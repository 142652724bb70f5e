import { fromHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { MessageId } from '../base/ids.js';
import type { MixStore, ReassemblyStore, ReplayStore } from '../ports/stores.js';
import { openStore } from './sqlite.js';
import type { Sql } from './sqlite.js';
import { cursorStore, outgoingStore, poolStore, sharedTables, sharedTables2 } from './sqlite-tables.js';

const schema = [
  `${sharedTables}
  CREATE TABLE replay (key_id TEXT NOT NULL, tag BLOB NOT NULL, PRIMARY KEY (key_id, tag)) STRICT, WITHOUT ROWID;
  CREATE TABLE message (
    id BLOB PRIMARY KEY, count INTEGER NOT NULL, first_seen_at INTEGER NOT NULL, closed_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE fragment (
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE, place INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (message_id, place)
  ) STRICT;`,
  sharedTables2,
];

const bytesOf = (id: MessageId): Uint8Array => {
  const bytes = fromHex(id);
  if (bytes === undefined) throw new Bug('a message id is hex');
  return bytes;
};

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
      'SELECT count, first_seen_at, closed_at IS NOT NULL AS closed FROM message WHERE id = ?',
      bytesOf(id),
    );
    if (row === undefined) return undefined;
    const kept = sql.all(
      'SELECT place, length(data) AS bytes FROM fragment WHERE message_id = ? ORDER BY place',
      bytesOf(id),
    );
    return {
      count: row.number('count'),
      indexes: kept.map((fragment) => fragment.number('place')),
      bytes: kept.reduce((sum, fragment) => sum + fragment.number('bytes'), 0),
      firstSeenAt: row.number('first_seen_at'),
      closed: row.number('closed') === 1,
    };
  },
  openMessages: () => sql.first('SELECT count(*) AS n FROM message WHERE closed_at IS NULL')?.number('n') ?? 0,
  addFragment: (id, { index, count, data }, now) => {
    sql.run(
      'INSERT OR IGNORE INTO message (id, count, first_seen_at) VALUES (?, ?, ?)',
      bytesOf(id),
      count,
      Math.floor(now),
    );
    sql.run('INSERT INTO fragment (message_id, place, data) VALUES (?, ?, ?)', bytesOf(id), index, data);
  },
  fragments: (id) =>
    sql
      .all(
        `SELECT place, count, data FROM fragment JOIN message ON message.id = message_id
         WHERE message_id = ? ORDER BY place`,
        bytesOf(id),
      )
      .map((row) => ({ index: row.number('place'), count: row.number('count'), data: row.bytes('data') })),
  closeMessage: (id, now) => {
    sql.run('DELETE FROM fragment WHERE message_id = ?', bytesOf(id));
    sql.run('UPDATE message SET closed_at = ? WHERE id = ?', Math.floor(now), bytesOf(id));
  },
  expireMessages: (then, now) => {
    sql.run(
      'DELETE FROM fragment WHERE message_id IN (SELECT id FROM message WHERE closed_at IS NULL AND first_seen_at < ?)',
      Math.floor(then),
    );
    return sql.run(
      'UPDATE message SET closed_at = ? WHERE closed_at IS NULL AND first_seen_at < ?',
      Math.floor(now),
      Math.floor(then),
    );
  },
  forgetMessages: (then) => {
    sql.run('DELETE FROM message WHERE closed_at < ?', Math.floor(then));
  },
});

/**
 * A mix's store in one SQLite file.
 *
 * @throws StoreError 'store/open', 'store/version'
 */
export const sqliteMixStore = (file: string): MixStore & { readonly close: () => void } => {
  const { sql, atomically, close } = openStore(file, schema);
  return {
    atomically,
    close,
    ...cursorStore(sql),
    ...poolStore(sql),
    ...outgoingStore(sql),
    ...replayStore(sql),
    ...reassemblyStore(sql),
  };
};
