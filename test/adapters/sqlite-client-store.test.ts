import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tools from 'vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/adapters/sqlite.js';
import { clientSchema, sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { messageIdOf, nodeIdOf } from '../../src/base/ids.js';
import { clientStoreContract } from '../../src/testing/client-store.js';

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const id = messageIdOf(bytes(5, 16));
const other = messageIdOf(bytes(6, 16));
const exit = nodeIdOf(bytes(7));
const queued = {
  id,
  recipient: 'bob@example.org',
  message: bytes(4, 100),
  replyBlocks: 2,
  originalMessageId: '<a@b>',
} as const;

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-store-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const file = (): string => path.join(folder, 'store.db');

clientStoreContract(tools, 'sqlite', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'mm-store-'));
  return {
    open: () => sqliteClientStore(path.join(place, 'store.db')),
    stop: () => rmSync(place, { recursive: true }),
  };
});

describe('a client store in a file', () => {
  it('keeps a mail once however often it is handed in, from two processes too', () => {
    const running = sqliteClientStore(file());
    const sendmail = sqliteClientStore(file());
    expect(sendmail.queueMessage(queued, bytes(1), 10)).toBe(id);
    expect(running.queuedMessages()).toEqual([queued]);
    expect(running.queueMessage({ ...queued, id: other }, bytes(1), 11)).toBe(id);
    running.countSending(id, 50, undefined);
    expect(sendmail.queuedMessages()).toEqual([]);
    expect(running.queueMessage({ ...queued, id: other }, bytes(1), 12)).toBe(id);
    running.forgetFingerprints(11);
    expect(running.queueMessage({ ...queued, id: other }, bytes(1), 12)).toBe(other);
    sendmail.close();
    running.close();
  });

  it('keeps nothing of what a message said when it is at its end', () => {
    const store = sqliteClientStore(file());
    store.queueMessage(queued, bytes(1), 10);
    store.settleMessage(id, { state: 'failed', ending: { kind: 'bounced', status: [5, 1, 1] } }, 60);
    store.close();
    const { sql, close } = openStore(file(), clientSchema);
    expect(sql.first('SELECT count(*) AS n FROM message WHERE bytes IS NOT NULL')?.number('n')).toBe(0);
    close();
  });
});

describe('what a client asks at every turn', () => {
  it.each([
    "SELECT bytes FROM message WHERE state = 'waiting' ORDER BY submitted_at, rowid",
    "SELECT bytes FROM message WHERE state = 'in-network' AND next_at <= 1 ORDER BY next_at",
    "SELECT id FROM message WHERE state IN ('waiting', 'in-network') AND submitted_at <= 1",
    'UPDATE message SET recipient = NULL WHERE settled_at < 1 AND recipient IS NOT NULL',
    'DELETE FROM message WHERE recipient IS NULL AND NOT EXISTS (SELECT 1 FROM surb WHERE message_id = message.id)',
    'DELETE FROM surb WHERE expires_at < 1',
    'DELETE FROM fingerprint WHERE queued_at < 1',
    'SELECT reply_id FROM reply WHERE closed = 0 AND begun_at < 1',
  ])('is answered from an index, however much is there: %s', (query) => {
    const { sql, close } = openStore(':memory:', clientSchema);
    const plan = sql.all(`EXPLAIN QUERY PLAN ${query}`).map((row) => row.text('detail'));
    // A partial index that holds nothing else may be gone through.
    expect(plan.filter((step) => /^SCAN (?!message USING INDEX message_nameless)|B-TREE/.test(step))).toEqual([]);
    const [first = ''] = plan;
    expect(first).toContain('INDEX');
    close();
  });
});

describe('the file of a version without receipts', () => {
  it('opens with its queue, its packets and what it knows of mails handed in', () => {
    const [first = ''] = clientSchema;
    const old = openStore(file(), [first]);
    old.sql.run(
      'INSERT INTO queue (id, recipient, message, queued_at) VALUES (?, ?, ?, ?)',
      bytes(5, 16),
      'b@x.org',
      bytes(4),
      77,
    );
    old.sql.run('INSERT INTO fingerprint (fingerprint, queued_at) VALUES (?, ?)', bytes(1), 77);
    old.sql.run('INSERT INTO pool (next_hop, ready_at, bytes) VALUES (?, ?, ?)', bytes(7), 80, bytes(9));
    old.close();
    const store = sqliteClientStore(file());
    expect(store.queuedMessages()).toEqual([
      { id, recipient: 'b@x.org', message: bytes(4), replyBlocks: 0, originalMessageId: undefined },
    ]);
    expect(store.messageStatus(id)).toMatchObject({ state: 'waiting', submittedAt: 77, sendings: 0 });
    // Handed in before; under which id is not known.
    expect(store.queueMessage({ ...queued, id: other }, bytes(1), 99)).toBeUndefined();
    expect(store.queuedMessages()).toHaveLength(1);
    expect(store.waiting(80).map(({ to }) => to)).toEqual([{ kind: 'node', nextHop: exit }]);
    store.close();
  });
});
