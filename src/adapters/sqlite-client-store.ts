import { fromHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import { messageIdOf } from '../base/ids.js';
import type { ClientStore, QueueStore } from '../ports/stores.js';
import { openStore } from './sqlite.js';
import type { Sql } from './sqlite.js';
import { outgoingStore, poolStore, sharedTables, sharedTables2 } from './sqlite-tables.js';

const schema = [
  `${sharedTables}
  CREATE TABLE queue (
    id BLOB PRIMARY KEY, recipient TEXT NOT NULL, message BLOB NOT NULL, queued_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE fingerprint (fingerprint BLOB PRIMARY KEY, queued_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  sharedTables2,
];

const queueStore = (sql: Sql): QueueStore => ({
  queueMessage: ({ id, recipient, message }, fingerprint, now) => {
    const isNew =
      sql.run(
        'INSERT OR IGNORE INTO fingerprint (fingerprint, queued_at) VALUES (?, ?)',
        fingerprint,
        Math.floor(now),
      ) === 1;
    if (isNew) {
      const bytes = fromHex(id);
      if (bytes === undefined) throw new Bug('a message id is hex');
      sql.run(
        'INSERT INTO queue (id, recipient, message, queued_at) VALUES (?, ?, ?, ?)',
        bytes,
        recipient,
        message,
        Math.floor(now),
      );
    }
    return isNew;
  },
  queuedMessages: () =>
    sql.all('SELECT id, recipient, message FROM queue ORDER BY queued_at').map((row) => ({
      id: messageIdOf(row.bytes('id')),
      recipient: row.text('recipient'),
      message: row.bytes('message'),
    })),
  unqueueMessage: (id) => {
    sql.run('DELETE FROM queue WHERE id = ?', fromHex(id) ?? null);
  },
  forgetFingerprints: (queuedBefore) => {
    sql.run('DELETE FROM fingerprint WHERE queued_at < ?', Math.floor(queuedBefore));
  },
});

/**
 * A client's store in one SQLite file; `mixmailer sendmail` writes into it beside the running client.
 *
 * @throws StoreError 'store/open', 'store/version'
 */
export const sqliteClientStore = (file: string): ClientStore & { readonly close: () => void } => {
  const { sql, atomically, close } = openStore(file, schema);
  return { atomically, close, ...poolStore(sql), ...outgoingStore(sql), ...queueStore(sql) };
};
