import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tools from 'vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder, openStore } from '../../src/adapters/sqlite.js';
import { mixSchema, sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { messageIdOf } from '../../src/base/ids.js';
import { mixStoreContract } from '../../src/testing/mix-store.js';

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const message = messageIdOf(bytes(5, 16));

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-store-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const file = (): string => path.join(folder, 'store.db');

mixStoreContract(tools, 'sqlite', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'mm-store-'));
  return { open: () => sqliteMixStore(path.join(place, 'store.db')), stop: () => rmSync(place, { recursive: true }) };
});

describe('a mix store', () => {
  it('written by the version before is read, and its mails go out', () => {
    const old = openStore(file(), [mixSchema[0] ?? expect.fail()]);
    old.sql.run('INSERT INTO message (id, count, first_seen_at) VALUES (?, 2, 50)', bytes(5, 16));
    old.sql.run(
      "INSERT INTO outgoing (kind, recipient, raw, created_at, next_at) VALUES ('delivery', 'b@x.test', ?, 10, 10)",
      bytes(1),
    );
    old.close();
    const store = sqliteMixStore(file());
    expect(store.message(message)).toMatchObject({ count: 2, closed: false, answer: undefined });
    const [id = 0] = store.dueOutgoing(10);
    expect(store.beginAttempt(id, 500)).toMatchObject({ kind: 'delivery', messageId: undefined });
    store.close();
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

describe('what a mix asks at every packet or flush', () => {
  it.each([
    'SELECT count(*) AS n FROM message WHERE closed_at IS NULL',
    'SELECT id FROM message WHERE closed_at IS NULL AND first_seen_at < 1',
    "SELECT id FROM message JOIN answer_block ON message_id = id WHERE closed_at IS NULL AND purpose = 'receipt' AND came_at < 1",
    'DELETE FROM answer_block WHERE message_id IN (SELECT id FROM message WHERE answer IS NOT NULL AND closed_at < 1)',
    'DELETE FROM message WHERE closed_at < 1',
    'DELETE FROM reply_block WHERE token IN (SELECT token FROM return_address WHERE expires_at <= 1)',
    'DELETE FROM return_address WHERE expires_at < 1',
  ])('is answered from an index, however many messages have passed: %s', (query) => {
    const { sql, close } = openStore(':memory:', mixSchema);
    const plan = sql.all(`EXPLAIN QUERY PLAN ${query}`).map((row) => row.text('detail'));
    // The index of the open messages holds nothing else, and may be gone through.
    expect(plan.filter((step) => /^SCAN (?!message USING (?:COVERING )?INDEX message_open)/.test(step))).toEqual([]);
    close();
  });
});
