import { messageIdOf } from '../base/ids.js';
import type { MessageId, NodeId } from '../base/ids.js';
import { Bug, StoreError } from '../base/errors.js';
import type {
  ClockStore,
  CursorStore,
  Destination,
  LoopStore,
  NoteStore,
  OutgoingKind,
  OutgoingStore,
  PoolStore,
} from '../ports/stores.js';
import { fromHex } from '../base/bytes.js';
import type { Row, Sql } from './sqlite.js';

/** Tables that a node and a client both have. */
export const sharedTables = `
  CREATE TABLE cursor (folder TEXT PRIMARY KEY, uid_validity TEXT NOT NULL, uid INTEGER NOT NULL) STRICT;
  CREATE TABLE pool (
    id INTEGER PRIMARY KEY, next_hop BLOB, ready_at INTEGER NOT NULL, bytes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE outgoing (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, recipient TEXT NOT NULL, raw BLOB NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, next_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX outgoing_next ON outgoing (next_at);
  CREATE TABLE pause (id INTEGER PRIMARY KEY CHECK (id = 1), until INTEGER NOT NULL) STRICT;
`;

/** Their second version: the ends of replies wait in the pool too, and a delivery knows its message. */
export const sharedTables2 = `
  ALTER TABLE pool ADD COLUMN address TEXT;
  ALTER TABLE outgoing ADD COLUMN message_id BLOB;
  ALTER TABLE outgoing ADD COLUMN in_attempt INTEGER NOT NULL DEFAULT 0;
`;

/** Their third version: small records, and loops that leave a pool that is held. */
export const sharedTables3 = `
  ALTER TABLE pool ADD COLUMN through_hold INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Loops of whoever sends them. */
export const loopTable = `
  CREATE TABLE loop (id BLOB PRIMARY KEY, sent_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX loop_sent ON loop (sent_at);
`;

/** @throws Bug when it is no hex */
export const bytesOf = (id: MessageId): Uint8Array => {
  const bytes = fromHex(id);
  if (bytes === undefined) throw new Bug('a message id is hex');
  return bytes;
};

export const cursorStore = (sql: Sql): CursorStore => ({
  cursor: (folder) => {
    const row = sql.first('SELECT uid_validity, uid FROM cursor WHERE folder = ?', folder);
    return row === undefined ? undefined : { uidValidity: row.text('uid_validity'), uid: row.number('uid') };
  },
  setCursor: (folder, { uidValidity, uid }) => {
    sql.run(
      `INSERT INTO cursor (folder, uid_validity, uid) VALUES (?, ?, ?)
       ON CONFLICT (folder) DO UPDATE SET uid_validity = excluded.uid_validity, uid = excluded.uid`,
      folder,
      uidValidity,
      uid,
    );
  },
});

const destinationOf = (row: Row): Destination => {
  const address = row.optionalText('address');
  if (address !== undefined) return { kind: 'mailbox', address };
  const nextHop = row.optionalText('next_hop_text');
  return nextHop === undefined ? { kind: 'here' } : { kind: 'node', nextHop: nextHop as NodeId };
};

export const poolStore = (sql: Sql): PoolStore => ({
  addToPool: (entry) => {
    sql.run(
      'INSERT INTO pool (id, next_hop, address, ready_at, through_hold, bytes) VALUES (random(), ?, ?, ?, ?, ?)',
      entry.kind === 'forward' ? (fromHex(entry.nextHop) ?? null) : null,
      entry.kind === 'mailbox' ? entry.address : null,
      Math.ceil(entry.readyAt),
      entry.kind === 'forward' && entry.throughHold === true ? 1 : 0,
      entry.bytes,
    );
  },
  poolSize: () => sql.first('SELECT count(*) AS n FROM pool')?.number('n') ?? 0,
  poolCensus: () => {
    const rows = sql.all(
      `SELECT CASE WHEN next_hop IS NULL THEN NULL ELSE lower(hex(next_hop)) END AS node, count(address) AS mailboxes,
         count(*) AS entries FROM pool GROUP BY next_hop`,
    );
    const nodes = new Map<NodeId, number>();
    let mailboxes = 0;
    for (const row of rows) {
      const node = row.optionalText('node');
      if (node !== undefined) nodes.set(node as NodeId, row.number('entries'));
      mailboxes += row.number('mailboxes');
    }
    return { mailboxes, nodes };
  },
  waiting: (now) =>
    sql
      .all(
        `SELECT id, CASE WHEN next_hop IS NULL THEN NULL ELSE lower(hex(next_hop)) END AS next_hop_text, address, ready_at,
           through_hold
         FROM pool WHERE ready_at <= ?`,
        Math.floor(now),
      )
      .map((row) => ({
        id: row.bigint('id'),
        to: destinationOf(row),
        readyAt: row.number('ready_at'),
        throughHold: row.number('through_hold') === 1,
      })),
  takeFromPool: (id) => {
    const row = sql.first('DELETE FROM pool WHERE id = ? RETURNING bytes', id);
    if (row === undefined) throw new StoreError('store/write', 'the pool entry is gone');
    return row.bytes('bytes');
  },
  expirePool: (then) => sql.run('DELETE FROM pool WHERE ready_at < ?', Math.floor(then)),
});

/** As many placeholders as kinds. */
const anyOf = (kinds: readonly OutgoingKind[]): string => `kind IN (${kinds.map(() => '?').join()})`;
const isPaused = (sql: Sql, now: number): boolean => (sql.first('SELECT until FROM pause')?.number('until') ?? 0) > now;

export const outgoingStore = (sql: Sql): OutgoingStore => ({
  addOutgoing: (mail, now) => {
    sql.run(
      'INSERT INTO outgoing (kind, recipient, raw, message_id, created_at, next_at) VALUES (?, ?, ?, ?, ?, ?)',
      mail.kind,
      mail.to,
      mail.raw,
      mail.kind === 'delivery' ? bytesOf(mail.messageId) : null,
      now,
      now,
    );
  },
  dueOutgoing: (now, kinds = []) =>
    isPaused(sql, now)
      ? []
      : sql
          .all(
            `SELECT id FROM outgoing WHERE next_at <= ? ${kinds.length === 0 ? '' : `AND ${anyOf(kinds)}`}
             ORDER BY next_at, id`,
            Math.floor(now),
            ...kinds,
          )
          .map((row) => row.number('id')),
  dueOutgoingCount: (now) =>
    isPaused(sql, now)
      ? 0
      : (sql.first('SELECT count(*) AS n FROM outgoing WHERE next_at <= ?', Math.floor(now))?.number('n') ?? 0),
  firstOutgoing: (kinds) =>
    sql
      .all(`SELECT id FROM outgoing WHERE next_at <= 0 AND ${anyOf(kinds)} ORDER BY id`, ...kinds)
      .map((row) => row.number('id')),
  agedOutgoing: (then, now, kinds) =>
    sql
      .all(
        // What was never tried has been due since it was added: its other columns, behind megabytes of mail, are not read.
        `SELECT id FROM outgoing WHERE next_at <= ? AND ${anyOf(kinds)}
         AND CASE WHEN next_at < ? OR attempts > 0 THEN created_at < ? ELSE 0 END ORDER BY next_at, id`,
        Math.floor(now),
        ...kinds,
        Math.floor(then),
        Math.floor(then),
      )
      .map((row) => row.number('id')),
  untriedOutgoing: (kind) =>
    sql.first('SELECT count(*) AS n FROM outgoing WHERE kind = ? AND attempts = 0', kind)?.number('n') ?? 0,
  beginAttempt: (id, retryAt) => {
    const row = sql.first(
      `UPDATE outgoing SET attempts = attempts + 1, next_at = ?, in_attempt = 1 WHERE id = ?
       RETURNING kind, recipient, raw, message_id, attempts, created_at`,
      Math.ceil(retryAt),
      id,
    );
    if (row === undefined) return undefined;
    const messageId = row.optionalBytes('message_id');
    return {
      id,
      kind: row.text('kind') as OutgoingKind,
      to: row.text('recipient'),
      raw: row.bytes('raw'),
      messageId: messageId && messageIdOf(messageId),
      attempts: row.number('attempts') - 1,
      createdAt: row.number('created_at'),
    };
  },
  retryOutgoingAt: (id, at) => {
    sql.run('UPDATE outgoing SET next_at = ?, in_attempt = 0 WHERE id = ?', Math.ceil(at), id);
  },
  resumeOutgoing: (now) => {
    sql.run(
      "UPDATE outgoing SET next_at = ?, in_attempt = 0 WHERE in_attempt = 1 AND kind IN ('packets', 'directory')",
      Math.floor(now),
    );
  },
  pauseOutgoing: (until) => {
    sql.run(
      'INSERT INTO pause (id, until) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)',
      Math.ceil(until),
    );
  },
  removeOutgoing: (id) => {
    sql.run('DELETE FROM outgoing WHERE id = ?', id);
  },
  outgoingCount: () => sql.first('SELECT count(*) AS n FROM outgoing')?.number('n') ?? 0,
});

/** @param waits columns of times, as `table.column`, beside those of mails to hand over */
export const clockStore = (sql: Sql, waits: readonly string[]): ClockStore => ({
  setBack: (byMs) => {
    sql.run('UPDATE outgoing SET next_at = next_at - ? WHERE next_at <> 0', Math.floor(byMs));
    for (const name of ['pause.until', ...waits]) {
      const [table = '', column = ''] = name.split('.');
      sql.run(`UPDATE ${table} SET ${column} = ${column} - ?`, Math.floor(byMs));
    }
  },
});

export const noteStore = (sql: Sql): NoteStore => ({
  note: (name) => sql.first('SELECT text FROM note WHERE name = ?', name)?.text('text'),
  setNote: (name, text) => {
    sql.run(
      'INSERT INTO note (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text',
      name,
      text,
    );
  },
});

export const loopStore = (sql: Sql): LoopStore => ({
  addLoop: (id, sentAt) => {
    sql.run('INSERT INTO loop (id, sent_at) VALUES (?, ?)', id, Math.floor(sentAt));
  },
  takeLoop: (id) => sql.first('DELETE FROM loop WHERE id = ? RETURNING sent_at', id)?.number('sent_at'),
  forgetLoops: (then) => {
    sql.run('DELETE FROM loop WHERE sent_at < ?', Math.floor(then));
  },
});
