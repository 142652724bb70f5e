import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/adapters/sqlite.js';
import { clientSchema, sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { messageIdOf, nodeIdOf } from '../../src/base/ids.js';
import type { Surb } from '../../src/ports/client-store.js';

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
const surb: Surb = { id: bytes(1, 16), opener: bytes(2, 128), purpose: 'reply', messageId: id, exit, expiresAt: 100 };

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-store-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const file = (): string => path.join(folder, 'store.db');

describe('a client store', () => {
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

  it('keeps a mail anew that is handed in again after it failed: its user was told to', () => {
    const store = sqliteClientStore(file());
    const end = { kind: 'no-answer', sendings: 3 } as const;
    store.queueMessage(queued, bytes(1), 10);
    store.settleMessage(id, { state: 'failed', ending: end }, 20);
    expect(store.queueMessage({ ...queued, id: other }, bytes(1), 30)).toBe(other);
    expect(store.queuedMessages()).toEqual([{ ...queued, id: other }]);
    // From then on that one counts.
    expect(store.queueMessage({ ...queued, id: messageIdOf(bytes(9, 16)) }, bytes(1), 40)).toBe(other);
    store.forgetFingerprints(30);
    store.settleMessage(other, { state: 'delivered', ending: { kind: 'handed-over', code: 250 } }, 50);
    expect(store.queueMessage({ ...queued, id: messageIdOf(bytes(9, 16)) }, bytes(1), 60)).toBe(other);
    store.close();
  });

  it('knows how far a message is, and of one at its end only that', () => {
    const store = sqliteClientStore(file());
    store.queueMessage(queued, bytes(1), 10);
    const sent = { exit, bytes: bytes(4, 100), confirmed: [], unanswered: 1, sentAt: 20, closed: undefined };
    const sending = { ...sent, askAt: undefined, asked: 0, hearBy: undefined };
    store.putSending(id, sending);
    store.putSending(id, { ...sending, exit: nodeIdOf(bytes(8)), sentAt: 30 });
    store.countSending(id, 50, 7.25);
    expect(store.overdueMessages(49)).toEqual([]);
    expect(store.overdueMessages(50)).toEqual([queued]);
    store.putSending(id, { ...sending, confirmed: [0, 254], closed: 'expired' });
    expect(store.sendings(id)).toEqual([
      { ...sending, exit: nodeIdOf(bytes(8)), sentAt: 30 },
      { ...sending, confirmed: [0, 254], closed: 'expired' },
    ]);
    expect([store.unsettledMessages(9), store.unsettledMessages(10)]).toEqual([[], [id]]);
    store.settleMessage(id, { state: 'failed', ending: { kind: 'bounced', status: [5, 1, 1] } }, 60);
    expect(store.messageStatus(id)).toEqual({
      id,
      recipient: 'bob@example.org',
      originalMessageId: '<a@b>',
      state: 'failed',
      submittedAt: 10,
      sendings: 1,
      nextAt: undefined,
      settledAt: 60,
      ending: { kind: 'bounced', status: [5, 1, 1] },
      bits: 7.25,
    });
    expect(store.sendings(id)).toEqual([]);
    expect(store.unsettledMessages(99)).toEqual([]);
    store.close();
    // Nothing of what it said is left in the file.
    const { sql, close } = openStore(file(), clientSchema);
    expect(sql.first('SELECT count(*) AS n FROM message WHERE bytes IS NOT NULL')?.number('n')).toBe(0);
    close();
  });

  it('forgets the recipient of a message in time, and all of it when no answer can come any more', () => {
    const store = sqliteClientStore(file());
    store.queueMessage(queued, bytes(1), 10);
    store.queueMessage({ ...queued, id: other }, bytes(2), 10);
    store.addSurb(surb);
    for (const one of [id, other]) store.settleMessage(one, { state: 'sent', ending: undefined }, 20);
    store.forgetMessages(20);
    expect(store.messageStatuses()).toHaveLength(2);
    store.forgetMessages(21);
    expect(store.messageStatuses()).toEqual([]);
    expect(store.messageStatus(other)).toBeUndefined();
    expect(store.messageStatus(id)).toMatchObject({ recipient: undefined, originalMessageId: '<a@b>' });
    store.forgetSurbs(100);
    expect(store.surb(surb.id)).toEqual(surb);
    store.forgetSurbs(101);
    store.forgetMessages(21);
    expect(store.messageStatus(id)).toBeUndefined();
    store.close();
  });

  it('keeps the pieces of a reply until it is closed, and remembers it then', () => {
    const store = sqliteClientStore(file());
    store.queueMessage(queued, bytes(1), 10);
    const replyId = bytes(3, 16);
    expect(store.reply(id, replyId)).toBeUndefined();
    store.addPiece(id, { replyId, index: 1, count: 3, data: bytes(1, 5) }, 100);
    store.addPiece(id, { replyId, index: 0, count: 3, data: bytes(2, 5) }, 200);
    expect(store.reply(id, replyId)).toEqual({ count: 3, closed: false, indexes: [0, 1] });
    expect(store.pieces(id, replyId)).toEqual([
      { index: 0, data: bytes(2, 5) },
      { index: 1, data: bytes(1, 5) },
    ]);
    expect([store.staleReplies(100), store.staleReplies(101)]).toEqual([[], [{ messageId: id, replyId }]]);
    store.closeReply(id, replyId);
    expect(store.reply(id, replyId)).toEqual({ count: 3, closed: true, indexes: [] });
    expect(store.staleReplies(101)).toEqual([]);
    store.settleMessage(id, { state: 'sent', ending: undefined }, 20);
    store.forgetMessages(21);
    expect(store.reply(id, replyId)).toBeUndefined();
    store.close();
  });

  it('has a reply block once', () => {
    const store = sqliteClientStore(file());
    store.queueMessage(queued, bytes(1), 10);
    store.addSurb(surb);
    expect(store.surb(bytes(9, 16))).toBeUndefined();
    store.removeSurb(surb.id);
    expect(store.surb(surb.id)).toBeUndefined();
    store.close();
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

describe('sendings that are to be asked about', () => {
  it('are those that nobody has closed, of messages under way and delivered, until they are removed', () => {
    const store = sqliteClientStore(file());
    const [first, second, third] = [id, messageIdOf(bytes(9, 16)), messageIdOf(bytes(10, 16))];
    const sending = {
      ...{ exit, bytes: bytes(4), confirmed: [], unanswered: 1, sentAt: 20, closed: undefined },
      ...{ askAt: 30, asked: 1, hearBy: undefined },
    };
    for (const [i, one] of [first, second, third].entries()) {
      store.queueMessage({ ...queued, id: one }, bytes(20 + i), 10);
      store.countSending(one, 50, undefined);
    }
    store.putSending(first, sending);
    store.putSending(second, { ...sending, closed: 'gave-up' });
    for (const [one, state] of [
      [second, 'delivered'],
      [third, 'failed'],
    ] as const) {
      store.settleMessage(one, { state, ending: undefined }, 40);
      expect(store.sendings(one)).toEqual([]);
      store.putSending(one, { ...sending, bytes: bytes(0, 0) });
    }
    const open = { exit, sentAt: 20, askAt: 30, asked: 1 };
    expect(new Set(store.openSendings())).toEqual(
      new Set([
        { messageId: first, isDelivered: false, ...open },
        { messageId: second, isDelivered: true, ...open },
      ]),
    );
    store.removeSendings(second);
    expect(store.openSendings().map(({ messageId }) => messageId)).toEqual([first]);
    expect(store.messageStatus(second)).toMatchObject({ state: 'delivered', settledAt: 40 });
    store.close();
  });
});

describe('a clock that was set back', () => {
  it('leaves what waits as long to wait as it had', () => {
    const store = sqliteClientStore(file());
    store.queueMessage(queued, bytes(1), 1000);
    store.countSending(id, 1050, undefined);
    store.putSending(id, {
      ...{ exit, bytes: bytes(4), confirmed: [], unanswered: 1, sentAt: 1000, closed: undefined },
      ...{ askAt: undefined, asked: 0, hearBy: undefined },
    });
    const [sending = expect.fail()] = store.openSendings();
    store.noteQuestion(sending, { askAt: 1020, asked: 1, hearBy: 1060 });
    store.addToPool({ kind: 'forward', nextHop: exit, readyAt: 1000, bytes: bytes(2) });
    store.setBack(900);
    expect([store.overdueMessages(149), store.overdueMessages(150).map((one) => one.id)]).toEqual([[], [id]]);
    expect(store.messageStatus(id)).toMatchObject({ submittedAt: 1000 });
    expect(store.sendings(id)).toMatchObject([{ sentAt: 100, askAt: 120, hearBy: 160 }]);
    expect([store.waiting(99), store.waiting(100).length]).toEqual([[], 1]);
    store.close();
  });
});
