import { fromHex } from '../base/bytes.js';
import { messageIdOf, nodeIdOf } from '../base/ids.js';
import type { MessageId, NodeId } from '../base/ids.js';
import { Bug } from '../base/errors.js';
import type { Ending } from '../message/report.js';
import type {
  ClientStore,
  InboundMail,
  InboundStore,
  MessageState,
  MessageStatus,
  MessageStore,
  QueuedMessage,
  QuestionStore,
  QueueStore,
  ReplyStore,
  Sending,
  Surb,
  SurbStore,
} from '../ports/client-store.js';
import { followStore, followTables } from './sqlite-follow.js';
import { openStore } from './sqlite.js';
import type { Opening } from './sqlite.js';
import type { Row, Sql } from './sqlite.js';
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
export const clientSchema: readonly string[] = [
  `${sharedTables}
  CREATE TABLE queue (
    id BLOB PRIMARY KEY, recipient TEXT NOT NULL, message BLOB NOT NULL, queued_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE fingerprint (fingerprint BLOB PRIMARY KEY, queued_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  sharedTables2,
  `CREATE TABLE message (
    id BLOB PRIMARY KEY, recipient TEXT, original_id TEXT, reply_blocks INTEGER NOT NULL,
    state TEXT NOT NULL, submitted_at INTEGER NOT NULL, sendings INTEGER NOT NULL DEFAULT 0, next_at INTEGER,
    settled_at INTEGER, ending TEXT, bytes BLOB
  ) STRICT;
  CREATE INDEX message_next ON message (state, next_at);
  CREATE INDEX message_submitted ON message (state, submitted_at);
  CREATE INDEX message_settled ON message (settled_at) WHERE recipient IS NOT NULL;
  CREATE INDEX message_nameless ON message (id) WHERE recipient IS NULL;
  INSERT INTO message (id, recipient, reply_blocks, bytes, state, submitted_at)
    SELECT id, recipient, 0, message, 'waiting', queued_at FROM queue;
  DROP TABLE queue;
  ALTER TABLE fingerprint ADD COLUMN message_id BLOB;
  CREATE INDEX fingerprint_queued ON fingerprint (queued_at);
  CREATE TABLE sending (
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE, exit BLOB NOT NULL, bytes BLOB NOT NULL,
    confirmed BLOB NOT NULL, unanswered INTEGER NOT NULL, sent_at INTEGER NOT NULL, closed TEXT,
    PRIMARY KEY (message_id, exit)
  ) STRICT;
  CREATE TABLE surb (
    id BLOB PRIMARY KEY, opener BLOB NOT NULL, purpose TEXT NOT NULL,
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE, exit BLOB NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX surb_message ON surb (message_id);
  CREATE INDEX surb_end ON surb (expires_at);
  CREATE TABLE reply (
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE, reply_id BLOB NOT NULL, count INTEGER NOT NULL,
    begun_at INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (message_id, reply_id)
  ) STRICT;
  CREATE INDEX reply_open ON reply (begun_at) WHERE closed = 0;
  CREATE TABLE piece (
    message_id BLOB NOT NULL, reply_id BLOB NOT NULL, place INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (message_id, reply_id, place),
    FOREIGN KEY (message_id, reply_id) REFERENCES reply (message_id, reply_id) ON DELETE CASCADE
  ) STRICT;
  CREATE TABLE inbound (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, about BLOB NOT NULL, mail_id TEXT NOT NULL,
    raw BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
  ) STRICT;`,
  followTables,
  `${sharedTables3}
  ALTER TABLE message ADD COLUMN bits REAL;`,
  `${loopTable}
  ALTER TABLE sending ADD COLUMN ask_at INTEGER;
  ALTER TABLE sending ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sending ADD COLUMN hear_by INTEGER;`,
];

const nodeBytes = (id: NodeId): Uint8Array => {
  const bytes = fromHex(id);
  if (bytes === undefined) throw new Bug('a node id is hex');
  return bytes;
};

const wholeOrNull = (time: number | undefined): number | null => (time === undefined ? null : Math.ceil(time));

const queueStore = (sql: Sql): QueueStore => ({
  queueMessage: ({ id, recipient, message, replyBlocks, originalMessageId }, fingerprint, now) => {
    const earlier = sql.first(
      `SELECT message_id, (SELECT state FROM message WHERE id = message_id) AS state
       FROM fingerprint WHERE fingerprint = ?`,
      fingerprint,
    );
    if (earlier !== undefined && earlier.optionalText('state') !== 'failed') {
      const earlierId = earlier.optionalBytes('message_id');
      return earlierId && messageIdOf(earlierId);
    }
    sql.run(
      'INSERT OR REPLACE INTO fingerprint (fingerprint, queued_at, message_id) VALUES (?, ?, ?)',
      fingerprint,
      Math.floor(now),
      bytesOf(id),
    );
    sql.run(
      `INSERT INTO message (id, recipient, original_id, reply_blocks, bytes, state, submitted_at)
       VALUES (?, ?, ?, ?, ?, 'waiting', ?)`,
      bytesOf(id),
      recipient,
      originalMessageId ?? null,
      replyBlocks,
      message,
      Math.floor(now),
    );
    return id;
  },
  forgetFingerprints: (queuedBefore) => {
    sql.run('DELETE FROM fingerprint WHERE queued_at < ?', Math.floor(queuedBefore));
  },
});

const queuedOf = (row: Row): QueuedMessage => ({
  id: messageIdOf(row.bytes('id')),
  recipient: row.text('recipient'),
  message: row.bytes('bytes'),
  replyBlocks: row.number('reply_blocks'),
  originalMessageId: row.optionalText('original_id'),
});

const statusOf = (row: Row): MessageStatus => {
  const ending = row.optionalText('ending');
  return {
    id: messageIdOf(row.bytes('id')),
    recipient: row.optionalText('recipient'),
    originalMessageId: row.optionalText('original_id'),
    state: row.text('state') as MessageState,
    submittedAt: row.number('submitted_at'),
    sendings: row.number('sendings'),
    nextAt: row.optionalNumber('next_at'),
    settledAt: row.optionalNumber('settled_at'),
    ending: ending === undefined ? undefined : (JSON.parse(ending) as Ending),
    bits: row.optionalNumber('bits'),
  };
};

const queuedColumns = 'id, recipient, bytes, reply_blocks, original_id';
const statusColumns = 'id, recipient, original_id, state, submitted_at, sendings, next_at, settled_at, ending, bits';

const removeSendings = (sql: Sql, id: MessageId): void => {
  sql.run('DELETE FROM sending WHERE message_id = ?', bytesOf(id));
};

const messageStore = (sql: Sql): MessageStore => ({
  queuedMessages: () =>
    sql.all(`SELECT ${queuedColumns} FROM message WHERE state = 'waiting' ORDER BY submitted_at, rowid`).map(queuedOf),
  overdueMessages: (at) =>
    sql
      .all(
        `SELECT ${queuedColumns} FROM message WHERE state = 'in-network' AND next_at <= ? ORDER BY next_at`,
        Math.floor(at),
      )
      .map(queuedOf),
  unsettledMessages: (at) =>
    sql
      .all("SELECT id FROM message WHERE state IN ('waiting', 'in-network') AND submitted_at <= ?", Math.floor(at))
      .map((row) => messageIdOf(row.bytes('id'))),
  messageStatus: (id) => {
    const row = sql.first(`SELECT ${statusColumns} FROM message WHERE id = ?`, bytesOf(id));
    return row && statusOf(row);
  },
  messageStatuses: () =>
    sql
      .all(`SELECT ${statusColumns} FROM message WHERE recipient IS NOT NULL ORDER BY submitted_at, rowid`)
      .map(statusOf),
  sendings: (id) =>
    sql
      .all(
        `SELECT exit, bytes, confirmed, unanswered, sent_at, closed, ask_at, asked, hear_by FROM sending
         WHERE message_id = ? ORDER BY sent_at DESC`,
        bytesOf(id),
      )
      .map((row) => ({
        exit: nodeIdOf(row.bytes('exit')),
        bytes: row.bytes('bytes'),
        confirmed: [...row.bytes('confirmed')],
        unanswered: row.number('unanswered'),
        sentAt: row.number('sent_at'),
        closed: row.optionalText('closed') as Sending['closed'],
        askAt: row.optionalNumber('ask_at'),
        asked: row.number('asked'),
        hearBy: row.optionalNumber('hear_by'),
      })),
  putSending: (id, { exit, bytes, confirmed, unanswered, sentAt, closed, askAt, asked, hearBy }) => {
    sql.run(
      `INSERT OR REPLACE INTO sending
         (message_id, exit, bytes, confirmed, unanswered, sent_at, closed, ask_at, asked, hear_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      bytesOf(id),
      nodeBytes(exit),
      bytes,
      Uint8Array.from(confirmed),
      unanswered,
      Math.floor(sentAt),
      closed ?? null,
      wholeOrNull(askAt),
      asked,
      wholeOrNull(hearBy),
    );
  },
  removeSendings: (id) => {
    removeSendings(sql, id);
  },
  countSending: (id, nextAt, bits) => {
    sql.run(
      "UPDATE message SET state = 'in-network', sendings = sendings + 1, next_at = ?, bits = ? WHERE id = ?",
      Math.ceil(nextAt),
      bits ?? null,
      bytesOf(id),
    );
  },
  setNextAt: (id, nextAt) => {
    sql.run('UPDATE message SET next_at = ? WHERE id = ?', Math.ceil(nextAt), bytesOf(id));
  },
  settleMessage: (id, { state, ending }, now) => {
    removeSendings(sql, id);
    sql.run(
      'UPDATE message SET state = ?, ending = ?, settled_at = ?, next_at = NULL, bytes = NULL WHERE id = ?',
      state,
      ending === undefined ? null : JSON.stringify(ending),
      Math.floor(now),
      bytesOf(id),
    );
  },
  forgetMessages: (then) => {
    sql.run('UPDATE message SET recipient = NULL WHERE settled_at < ? AND recipient IS NOT NULL', Math.floor(then));
    sql.run(
      `DELETE FROM message WHERE recipient IS NULL AND NOT EXISTS (SELECT 1 FROM surb WHERE message_id = message.id)
       AND NOT EXISTS (SELECT 1 FROM reply WHERE message_id = message.id AND closed = 0)`,
    );
  },
});

const questionStore = (sql: Sql): QuestionStore => ({
  openSendings: () =>
    sql
      .all(
        `SELECT message_id, exit, sent_at, ask_at, asked, state FROM sending JOIN message ON message.id = message_id
         WHERE state IN ('in-network', 'delivered') AND closed IS NULL`,
      )
      .map((row) => ({
        messageId: messageIdOf(row.bytes('message_id')),
        exit: nodeIdOf(row.bytes('exit')),
        sentAt: row.number('sent_at'),
        askAt: row.optionalNumber('ask_at'),
        asked: row.number('asked'),
        isDelivered: row.text('state') === 'delivered',
      })),
  noteQuestion: ({ messageId, exit }, { askAt, asked, hearBy }) => {
    sql.run(
      'UPDATE sending SET ask_at = ?, asked = ?, hear_by = ? WHERE message_id = ? AND exit = ?',
      wholeOrNull(askAt),
      asked,
      wholeOrNull(hearBy),
      bytesOf(messageId),
      nodeBytes(exit),
    );
  },
});

const surbStore = (sql: Sql): SurbStore => ({
  addSurb: ({ id, opener, purpose, messageId, exit, expiresAt }) => {
    sql.run(
      'INSERT INTO surb (id, opener, purpose, message_id, exit, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      opener,
      purpose,
      bytesOf(messageId),
      nodeBytes(exit),
      Math.floor(expiresAt),
    );
  },
  surb: (id) => {
    const row = sql.first('SELECT opener, purpose, message_id, exit, expires_at FROM surb WHERE id = ?', id);
    return (
      row && {
        id,
        opener: row.bytes('opener'),
        purpose: row.text('purpose') as Surb['purpose'],
        messageId: messageIdOf(row.bytes('message_id')),
        exit: nodeIdOf(row.bytes('exit')),
        expiresAt: row.number('expires_at'),
      }
    );
  },
  removeSurb: (id) => {
    sql.run('DELETE FROM surb WHERE id = ?', id);
  },
  forgetSurbs: (then) => {
    sql.run('DELETE FROM surb WHERE expires_at < ?', Math.floor(then));
  },
});

const replyStore = (sql: Sql): ReplyStore => ({
  reply: (messageId, replyId) => {
    const row = sql.first(
      'SELECT count, closed FROM reply WHERE message_id = ? AND reply_id = ?',
      bytesOf(messageId),
      replyId,
    );
    if (row === undefined) return undefined;
    const kept = sql.all(
      'SELECT place FROM piece WHERE message_id = ? AND reply_id = ? ORDER BY place',
      bytesOf(messageId),
      replyId,
    );
    return {
      count: row.number('count'),
      closed: row.number('closed') === 1,
      indexes: kept.map((piece) => piece.number('place')),
    };
  },
  addPiece: (messageId, { replyId, index, count, data }, now) => {
    sql.run(
      'INSERT OR IGNORE INTO reply (message_id, reply_id, count, begun_at) VALUES (?, ?, ?, ?)',
      bytesOf(messageId),
      replyId,
      count,
      Math.floor(now),
    );
    sql.run(
      'INSERT INTO piece (message_id, reply_id, place, data) VALUES (?, ?, ?, ?)',
      bytesOf(messageId),
      replyId,
      index,
      data,
    );
  },
  pieces: (messageId, replyId) =>
    sql
      .all(
        'SELECT place, data FROM piece WHERE message_id = ? AND reply_id = ? ORDER BY place',
        bytesOf(messageId),
        replyId,
      )
      .map((row) => ({ index: row.number('place'), data: row.bytes('data') })),
  closeReply: (messageId, replyId) => {
    sql.run('DELETE FROM piece WHERE message_id = ? AND reply_id = ?', bytesOf(messageId), replyId);
    sql.run('UPDATE reply SET closed = 1 WHERE message_id = ? AND reply_id = ?', bytesOf(messageId), replyId);
  },
  staleReplies: (then) =>
    sql
      .all('SELECT message_id, reply_id FROM reply WHERE closed = 0 AND begun_at < ?', Math.floor(then))
      .map((row) => ({ messageId: messageIdOf(row.bytes('message_id')), replyId: row.bytes('reply_id') })),
});

const inboundStore = (sql: Sql): InboundStore => ({
  addInbound: ({ kind, about, mailId, raw }) => {
    sql.run('INSERT INTO inbound (kind, about, mail_id, raw) VALUES (?, ?, ?, ?)', kind, bytesOf(about), mailId, raw);
  },
  inboundIds: () => sql.all('SELECT id FROM inbound ORDER BY attempts, id').map((row) => row.number('id')),
  beginInbound: (id) => {
    const row = sql.first(
      'UPDATE inbound SET attempts = attempts + 1 WHERE id = ? RETURNING kind, about, mail_id, raw, attempts',
      id,
    );
    return (
      row && {
        kind: row.text('kind') as InboundMail['kind'],
        about: messageIdOf(row.bytes('about')),
        mailId: row.text('mail_id'),
        raw: row.bytes('raw'),
        attempts: row.number('attempts') - 1,
      }
    );
  },
  removeInbound: (id) => {
    sql.run('DELETE FROM inbound WHERE id = ?', id);
  },
});

/**
 * A client's store in one SQLite file; `mixmailer sendmail` and `queue` open it beside the running client.
 *
 * @throws StoreError 'store/open', 'store/version'
 */
export const sqliteClientStore = (file: string, how: Opening = 'own'): ClientStore & { readonly close: () => void } => {
  const { sql, atomically, scrub, close } = openStore(file, clientSchema, how);
  return {
    atomically,
    scrub,
    close,
    ...cursorStore(sql),
    ...poolStore(sql),
    ...outgoingStore(sql),
    ...queueStore(sql),
    ...messageStore(sql),
    ...surbStore(sql),
    ...replyStore(sql),
    ...inboundStore(sql),
    ...followStore(sql),
    ...questionStore(sql),
    ...noteStore(sql),
    // When a sending was made is held against what of it waits in the pool.
    ...clockStore(sql, ['pool.ready_at', 'message.next_at', 'sending.sent_at', 'sending.ask_at', 'sending.hear_by']),
    ...loopStore(sql),
  };
};
