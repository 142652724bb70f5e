import { describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { createPacket, unwrapPacket } from '../../src/sphinx/packet.js';

// An observer who holds the mail a node received and the mail it sent looks for anything that is in both.

const crypto = chooseCrypto();
const rng = seededRng(new Uint8Array(32).fill(11));
const mixes = [1, 2, 3].map((n) => {
  const key = expandKey(crypto, rng(32));
  return { key, nodeId: nodeIdOf(new Uint8Array(32).fill(n)), publicKey: key.publicKey, delayMs: 0 };
});

const windowBytes = 16;

/**
 * Whether the two have any 16 bytes in common, at any offset. Any such run covers a whole 8-byte block of `a` at a
 * multiple of 8, so those blocks are looked up at every offset of `b`, by a 2^20-bit table first.
 */
const shareBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  const viewA = new DataView(a.buffer, a.byteOffset, a.length);
  const viewB = new DataView(b.buffer, b.byteOffset, b.length);
  const table = new Uint8Array(1 << 20);
  const blocks = new Map<number, number[]>();
  for (let at = 0; at + 8 <= a.length; at += 8) {
    const word = viewA.getUint32(at);
    table[word & 0xfffff] = 1;
    const places = blocks.get(word);
    if (places === undefined) blocks.set(word, [at]);
    else places.push(at);
  }
  for (let at = 0; at + 8 <= b.length; at++) {
    const word = viewB.getUint32(at);
    if (table[word & 0xfffff] === 0) continue;
    for (const place of blocks.get(word) ?? []) {
      let before = 0;
      while (before < place && before < at && a[place - before - 1] === b[at - before - 1]) before++;
      let after = 0;
      while (place + after < a.length && at + after < b.length && a[place + after] === b[at + after]) after++;
      if (before + after >= windowBytes) return true;
    }
  }
  return false;
};

describe('a packet before and after a hop', () => {
  it('is found to share bytes where it does', () => {
    const a = rng(geometry.packetBytes);
    const b = rng(geometry.packetBytes);
    expect(shareBytes(a, b)).toBe(false);
    b.set(a.subarray(1003, 1003 + windowBytes), 20_001);
    expect(shareBytes(a, b)).toBe(true);
    b[20_008] = (b[20_008] ?? 0) ^ 1;
    expect(shareBytes(a, b)).toBe(false);
  });

  it('has the same size and no 16 bytes in common, over thousands of hops', { timeout: 240_000 }, () => {
    let hops = 0;
    // Payloads a careless construction would show through: empty, all alike, and text.
    const payloads = [new Uint8Array(), new Uint8Array(geometry.userPayloadBytes).fill(65), rng(20_000)];
    for (let n = 0; n < 1050; n++) {
      const payload = payloads[n % payloads.length] ?? new Uint8Array();
      let packet = createPacket(crypto, { hops: mixes, last: { kind: 'exit' }, payload, rng });
      expect(packet.length).toBe(32_768);
      for (const { key } of mixes) {
        const unwrapped = unwrapPacket(crypto, key, packet);
        if (unwrapped.kind !== 'forward') break;
        expect(unwrapped.packet.length).toBe(32_768);
        expect(shareBytes(packet, unwrapped.packet)).toBe(false);
        packet = unwrapped.packet;
        hops++;
      }
    }
    expect(hops).toBe(2100);
  });
});
