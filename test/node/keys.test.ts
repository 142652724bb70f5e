import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKeys } from '../../src/adapters/file-keys.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { inlineUnwrapper } from '../../src/adapters/unwrap-workers.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import { destroyExpiredKeys } from '../../src/node/mix-node.js';
import type { KeyStore } from '../../src/ports/keys.js';
import type { Unwrapper } from '../../src/ports/unwrapper.js';
import { epochAt, epochSpan } from '../../src/route/epoch.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-keys-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const rule = { lengthMs: 7 * dayMs, graceMs: 7 * dayMs };
const startAt = Date.UTC(2026, 0, 15);
const tag = new Uint8Array(32).fill(1);

const node = () => {
  const rng = seededRng(new Uint8Array(32).fill(3));
  const keyStore = fileKeys(folder, { rng, spanAt: (at) => epochSpan(rule, epochAt(rule, at)) });
  const store = sqliteMixStore(':memory:');
  const inline = inlineUnwrapper(chooseCrypto());
  const given: (readonly string[])[] = [];
  const unwrapper: Unwrapper = {
    ...inline,
    unwrap: (packets, keys) => {
      given.push(keys.map(({ keyId }) => keyId));
      return inline.unwrap(packets, keys);
    },
  };
  let now = startAt;
  const clock = { now: () => now };
  const turn = (keys: KeyStore = keyStore): Promise<void> =>
    destroyExpiredKeys({ keyStore: keys, store, clock, unwrapper });
  return { keyStore, store, given, turn, passMs: (ms: number) => (now += ms), now: () => now };
};

const keyFiles = (): number => readdirSync(folder).filter((name) => name.startsWith('mix-')).length;

describe('a mix key whose time is over', () => {
  it('is destroyed with its replay tags, on the disk and in memory, and no other is', async () => {
    const { keyStore, store, given, turn, passMs, now } = node();
    const [running, next] = keyStore.mixKeys(now());
    if (running === undefined || next === undefined) return expect.fail('no keys');
    for (const { keyId } of [running, next]) store.addReplayTag(keyId, tag);
    passMs(13 * dayMs);
    await turn();
    expect(store.addReplayTag(running.keyId, tag)).toBe(false);
    passMs(dayMs);
    await turn();
    const living = keyStore.mixKeys(now()).map(({ keyId }) => keyId);
    expect(living).not.toContain(running.keyId);
    expect(living).toContain(next.keyId);
    expect(keyFiles()).toBe(living.length);
    expect(given.at(-1)).toEqual(living);
    expect(store.addReplayTag(running.keyId, tag)).toBe(true);
    expect(store.addReplayTag(next.keyId, tag)).toBe(false);
  });

  it('takes its tags along though the process was killed between the two', async () => {
    const { keyStore, store, turn, passMs, now } = node();
    const [running] = keyStore.mixKeys(now());
    if (running === undefined) return expect.fail('no keys');
    store.addReplayTag(running.keyId, tag);
    passMs(14 * dayMs);
    const killed: KeyStore = {
      ...keyStore,
      destroyExpired: (at) => {
        keyStore.destroyExpired(at);
        throw new Error('power cut');
      },
    };
    await expect(turn(killed)).rejects.toThrow('power cut');
    await turn();
    expect(store.addReplayTag(running.keyId, tag)).toBe(true);
  });
});
