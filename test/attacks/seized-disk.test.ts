import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKeys } from '../../src/adapters/file-keys.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { DatabaseSync } from '@photostructure/sqlite';
import { openStore } from '../../src/adapters/sqlite.js';
import { clientSchema, sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { inlineUnwrapper } from '../../src/adapters/unwrap-workers.js';
import { toHex } from '../../src/base/bytes.js';
import { messageIdOf, nodeIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { destroyExpiredKeys } from '../../src/node/mix-node.js';
import { scrubOnce } from '../../src/post/scrub.js';
import { epochAt, epochSpan } from '../../src/route/epoch.js';

// Somebody takes the disk away and reads it, byte by byte: what the program has deleted must not be there any more.

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-seized-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const startAt = Date.UTC(2026, 0, 15);
const rule = { lengthMs: 7 * dayMs, graceMs: 7 * dayMs };
const file = (): string => path.join(folder, 'data', 'mixmailer.db');

/** Everything that lies in the data folder, the log of the database included. */
const bytesOnDisk = (): Buffer => {
  const data = path.join(folder, 'data');
  return Buffer.concat(readdirSync(data).map((name) => readFileSync(path.join(data, name))));
};
/** A packet is looked for in pieces, at any place of it. */
const isThere = (disk: Buffer, bytes: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; at += 2000)
    if (disk.includes(Buffer.from(bytes.subarray(at, at + 16)))) return true;
  return false;
};
const countThere = (all: readonly Uint8Array[]): number => {
  const disk = bytesOnDisk();
  return all.filter((bytes) => isThere(disk, bytes)).length;
};

const rng = seededRng(new Uint8Array(32).fill(9));
const names = Array.from({ length: 60 }, (_, i) => `${toHex(rng(6))}.${i}@recipient.example`);
const asBytes = (texts: readonly string[]): readonly Uint8Array[] => texts.map((text) => Buffer.from(text));

describe('a seized disk of a node', () => {
  const seize = async () => {
    const keyStore = fileKeys(path.join(folder, 'data'), {
      rng,
      spanAt: (at) => epochSpan(rule, epochAt(rule, at)),
    });
    const store = sqliteMixStore(file());
    let now = startAt;
    const clock = { now: () => now };
    const [dying, next] = keyStore.mixKeys(now);
    if (dying === undefined || next === undefined) return expect.fail('no keys');
    const tags = Array.from({ length: 400 }, () => rng(32));
    const kept = Array.from({ length: 100 }, () => rng(32));
    const packets = Array.from({ length: 60 }, (_, i) => rng(i % 3 === 0 ? 32_768 : 300 + 40 * i));
    const fragments = Array.from({ length: 20 }, () => rng(25_000));
    for (let part = 0; part < 20; part++)
      store.atomically(() => {
        for (const tag of tags.slice(20 * part, 20 * part + 20)) store.addReplayTag(dying.keyId, tag);
        for (const tag of kept.slice(5 * part, 5 * part + 5)) store.addReplayTag(next.keyId, tag);
        for (const bytes of packets.slice(3 * part, 3 * part + 3))
          store.addToPool({ kind: 'exit', readyAt: now, bytes });
        const id = messageIdOf(rng(16));
        store.openMessage(id, 2, now);
        store.addFragment(id, { index: 0, data: fragments[part] ?? new Uint8Array() });
        for (const to of names.slice(3 * part, 3 * part + 3))
          store.addOutgoing({ kind: 'delivery', to, raw: rng(100), messageId: id }, now);
        store.closeMessage(id, toHex(rng(16)), now);
      });
    // Not all at once: what leaves a page that others stay in is what a database forgets to wipe.
    for (const { id } of store.waiting(now)) store.takeFromPool(id);
    for (const id of store.dueOutgoing(now)) store.removeOutgoing(id);
    store.forgetMessages(now + 1);
    now += 14 * dayMs;
    const deps = { keyStore, store, clock, unwrapper: inlineUnwrapper(chooseCrypto()) };
    await destroyExpiredKeys(deps);
    return { store, deps, dying, tags, kept, packets, fragments, passMs: (ms: number) => (now += ms) };
  };

  it('holds no tag of a dead key, no packet that has left, no part and no recipient of a mail that is gone', async () => {
    const { store, deps, dying, tags, kept, packets, fragments } = await seize();
    const gone = [...tags, ...packets, ...fragments, ...asBytes(names), dying.seed, Buffer.from(toHex(dying.seed))];
    // So the test would see them: deleting alone leaves them in the log.
    expect(countThere(gone)).toBeGreaterThan(400);
    scrubOnce(deps);
    expect(countThere(gone)).toBe(0);
    expect(countThere(kept)).toBe(kept.length);
    store.close();
    expect(countThere(gone)).toBe(0);
  });

  it('is wiped when others have done with reading', async () => {
    const { store, deps, tags, passMs } = await seize();
    const reader = new DatabaseSync(file());
    reader.exec('BEGIN; SELECT count(*) FROM replay');
    scrubOnce(deps);
    expect(countThere(tags)).toBe(tags.length);
    reader.close();
    passMs(hourMs);
    scrubOnce(deps);
    expect(countThere(tags)).toBe(0);
    store.close();
  });

  it('gives back the room of what is gone', async () => {
    const { store, deps } = await seize();
    store.scrub('log');
    const before = statSync(file()).size;
    scrubOnce(deps);
    expect(statSync(file()).size).toBeLessThan(before / 4);
    store.close();
  });
});

describe('a seized disk of a client', () => {
  it('holds neither recipient nor text of a message that is forgotten', () => {
    const store = sqliteClientStore(file());
    const texts = names.map(() => rng(900));
    const ids = names.map((recipient, i) => {
      const message = texts[i] ?? new Uint8Array();
      const queued = { id: messageIdOf(rng(16)), recipient, message, replyBlocks: 0, originalMessageId: undefined };
      return store.queueMessage(queued, rng(32), startAt) ?? expect.fail('not queued');
    });
    const exit = nodeIdOf(rng(32));
    for (const [i, id] of ids.entries()) {
      // Half of them have been forgotten when the other half is sent.
      store.countSending(id, startAt, undefined);
      const bytes = texts[i] ?? new Uint8Array();
      const open = { askAt: undefined, asked: 0, hearBy: undefined, closed: undefined };
      store.putSending(id, { exit, bytes, confirmed: [], unanswered: 0, sentAt: startAt, ...open });
      store.settleMessage(id, { state: 'delivered', ending: undefined }, startAt + i);
      if (i === 30) store.forgetMessages(startAt + 30);
    }
    store.forgetMessages(startAt + 50);
    scrubOnce({ store, clock: { now: () => startAt + dayMs } });
    expect(countThere(asBytes(names.slice(0, 50)))).toBe(0);
    expect(countThere(texts)).toBe(0);
    expect(countThere(asBytes(names.slice(50)))).toBe(10);
    store.close();
    const { sql, close } = openStore(file(), clientSchema);
    expect(sql.first('PRAGMA freelist_count')?.number('freelist_count')).toBe(0);
    close();
  });
});
