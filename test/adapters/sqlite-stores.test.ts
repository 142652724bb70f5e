import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { messageIdOf, nodeIdOf } from '../../src/base/ids.js';

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const nextHop = nodeIdOf(bytes(7));
const message = messageIdOf(bytes(5, 16));

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-store-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const file = (): string => path.join(folder, 'store.db');

describe('a mix store', () => {
  it('knows a replay tag after a restart, until its key dies', () => {
    const before = sqliteMixStore(file());
    expect(before.addReplayTag('key-a', bytes(1))).toBe(true);
    expect(before.addReplayTag('key-b', bytes(1))).toBe(true);
    expect(before.addReplayTag('key-a', bytes(1))).toBe(false);
    before.close();
    const after = sqliteMixStore(file());
    expect(after.addReplayTag('key-a', bytes(1))).toBe(false);
    after.forgetReplayTagsBut(['key-b', 'key-c']);
    expect(after.addReplayTag('key-a', bytes(1))).toBe(true);
    expect(after.addReplayTag('key-b', bytes(1))).toBe(false);
    after.close();
  });

  it('undoes everything of a transaction that fails', () => {
    const store = sqliteMixStore(file());
    expect(() =>
      store.atomically(() => {
        store.addReplayTag('key', bytes(1));
        store.addToPool({ kind: 'forward', nextHop, readyAt: 0, bytes: bytes(2) });
        throw new Error('power cut');
      }),
    ).toThrow('power cut');
    expect(store.waiting(1)).toEqual([]);
    expect(store.addReplayTag('key', bytes(1))).toBe(true);
    store.close();
  });

  it('shows a pool entry only when its delay is over, and gives it once', () => {
    const store = sqliteMixStore(file());
    store.addToPool({ kind: 'forward', nextHop, readyAt: 1000, bytes: bytes(2) });
    store.addToPool({ kind: 'exit', readyAt: 2000, bytes: bytes(3) });
    expect(store.waiting(999)).toEqual([]);
    expect(store.waiting(1000).map((entry) => entry.nextHop)).toEqual([nextHop]);
    const late = store.waiting(2000);
    expect(late).toHaveLength(2);
    const fragment = late.find((entry) => entry.nextHop === undefined);
    expect(fragment && store.takeFromPool(fragment.id)).toEqual(bytes(3));
    expect(() => fragment && store.takeFromPool(fragment.id)).toThrow('gone');
    expect(store.expirePool(1000)).toBe(0);
    expect(store.expirePool(1001)).toBe(1);
    expect(store.waiting(9999)).toEqual([]);
    store.close();
  });

  it('stores of a view into larger memory what is in view, as workers hand their packets over', () => {
    const store = sqliteMixStore(file());
    const memory = Uint8Array.from({ length: 100 }, (_, i) => i);
    store.addToPool({ kind: 'exit', readyAt: 0, bytes: memory.subarray(10, 13) });
    const [entry] = store.waiting(0);
    expect(entry && [...store.takeFromPool(entry.id)]).toEqual([10, 11, 12]);
    expect(store.addReplayTag('key', memory.subarray(0, 3))).toBe(true);
    expect(store.addReplayTag('key', memory.subarray(1, 4))).toBe(true);
    expect(store.addReplayTag('key', Uint8Array.of(1, 2, 3))).toBe(false);
    store.close();
  });

  it('keeps fragments until the message is closed, and then its id', () => {
    const store = sqliteMixStore(file());
    store.addFragment(message, { index: 1, count: 2, data: bytes(9, 10) }, 50);
    expect(store.message(message)).toEqual({ count: 2, indexes: [1], bytes: 10, firstSeenAt: 50, closed: false });
    store.addFragment(message, { index: 0, count: 2, data: bytes(8, 20) }, 60);
    expect(store.fragments(message).map(({ index, data }) => [index, data[0]])).toEqual([
      [0, 8],
      [1, 9],
    ]);
    expect(store.openMessages()).toBe(1);
    store.closeMessage(message, 100);
    expect(store.openMessages()).toBe(0);
    expect(store.message(message)).toMatchObject({ closed: true, indexes: [] });
    store.forgetMessages(100);
    expect(store.message(message)).toBeDefined();
    store.forgetMessages(101);
    expect(store.message(message)).toBeUndefined();
    store.close();
  });

  it('lets a message that never became whole expire', () => {
    const store = sqliteMixStore(file());
    store.addFragment(message, { index: 0, count: 2, data: bytes(8) }, 50);
    expect(store.expireMessages(50, 99)).toBe(0);
    expect(store.expireMessages(51, 99)).toBe(1);
    expect(store.message(message)).toMatchObject({ closed: true, indexes: [] });
    store.close();
  });

  it('counts an attempt before it is made and keeps the mail until it is removed', () => {
    const store = sqliteMixStore(file());
    store.addOutgoing({ kind: 'packets', to: 'n@example.org', raw: bytes(1) }, 10);
    const [id = 0] = store.dueOutgoing(10);
    expect(store.beginAttempt(id, 500)).toMatchObject({ attempts: 0, createdAt: 10, to: 'n@example.org' });
    expect(store.dueOutgoing(499)).toEqual([]);
    store.close();
    const restarted = sqliteMixStore(file());
    expect(restarted.dueOutgoing(500)).toEqual([id]);
    expect(restarted.beginAttempt(id, 900)).toMatchObject({ attempts: 1 });
    restarted.pauseOutgoing(5000);
    expect(restarted.dueOutgoing(4999)).toEqual([]);
    expect(restarted.dueOutgoing(5000)).toEqual([id]);
    restarted.removeOutgoing(id);
    expect(restarted.outgoingCount()).toBe(0);
    restarted.close();
  });

  it('remembers how far a folder was read', () => {
    const store = sqliteMixStore(file());
    expect(store.cursor('INBOX')).toBeUndefined();
    store.setCursor('INBOX', { uidValidity: '77', uid: 3 });
    store.setCursor('INBOX', { uidValidity: '78', uid: 1 });
    expect(store.cursor('INBOX')).toEqual({ uidValidity: '78', uid: 1 });
    store.close();
  });
});

describe('a client store', () => {
  it('keeps a mail once however often it is handed in, from two processes too', () => {
    const running = sqliteClientStore(file());
    const sendmail = sqliteClientStore(file());
    const queued = { id: message, recipient: 'bob@example.org', message: bytes(4, 100) };
    expect(sendmail.queueMessage(queued, bytes(1), 10)).toBe(true);
    expect(running.queuedMessages()).toEqual([queued]);
    expect(running.queueMessage({ ...queued, id: messageIdOf(bytes(6, 16)) }, bytes(1), 11)).toBe(false);
    running.unqueueMessage(message);
    expect(sendmail.queuedMessages()).toEqual([]);
    expect(running.queueMessage(queued, bytes(1), 12)).toBe(false);
    running.forgetFingerprints(11);
    expect(running.queueMessage(queued, bytes(1), 12)).toBe(true);
    sendmail.close();
    running.close();
  });
});

describe('a data folder', () => {
  it('belongs to one process at a time', () => {
    const lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow('in use by another');
    lock.release();
    lockFolder(folder).release();
  });
});
