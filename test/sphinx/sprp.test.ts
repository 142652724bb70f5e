import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { decryptWide, encryptWide, type WideBlock } from '../../src/sphinx/sprp.js';
import { filled, flipped, native, rngOf } from './world.js';

const wide = (bytes: Uint8Array): WideBlock => [bytes.subarray(0, 32), bytes.subarray(32)];
const key = filled(32, 9);
const payloadBytes = 25_670;

const bitsSet = (a: Uint8Array, b: Uint8Array): number => {
  let count = 0;
  for (let i = 0; i < a.length; i++) for (let x = (a[i] ?? 0) ^ (b[i] ?? 0); x > 0; x >>= 1) count += x & 1;
  return count;
};

test('decryption undoes encryption, and encryption decryption', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 33, maxLength: 600 }), (bytes) => {
      expect(concat(...decryptWide(native, key, encryptWide(native, key, wide(bytes))))).toEqual(bytes);
      expect(concat(...encryptWide(native, key, decryptWide(native, key, wide(bytes))))).toEqual(bytes);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['encryption', encryptWide],
  ['decryption', decryptWide],
] as const)('in %s one changed bit anywhere changes half of all bits', (_, permute) => {
  const bytes = rngOf(2)(payloadBytes);
  const before = concat(...permute(native, key, wide(bytes)));
  for (const bit of [0, 255, 256, 8 * 13_000 + 3, 8 * payloadBytes - 1]) {
    const after = concat(...permute(native, key, wide(flipped(bytes, bit))));
    const share = bitsSet(before, after) / (8 * payloadBytes);
    expect(share).toBeGreaterThan(0.49);
    expect(share).toBeLessThan(0.51);
    // The left block too: it is what tells the last hop.
    expect(bitsSet(before.subarray(0, 32), after.subarray(0, 32))).toBeGreaterThan(80);
  }
});

test('another key gives another permutation', () => {
  const bytes = filled(100, 1);
  const one = concat(...encryptWide(native, key, wide(bytes)));
  expect(concat(...encryptWide(native, filled(32, 8), wide(bytes)))).not.toEqual(one);
});
