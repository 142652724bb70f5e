import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, toHex } from '../../src/base/bytes.js';
import { Bug } from '../../src/base/errors.js';
import { decapsulate, encapsulate, expandKey, keyIdOf } from '../../src/sphinx/kem.js';
import { isPublicKey } from '../../src/sphinx/public-key.js';
import { backends, filled, flipped, rngOf } from './world.js';

interface XWingVector {
  readonly seed: string;
  readonly eseed: string;
  readonly ss: string;
  readonly pk: string;
  readonly ct: string;
}
const file = readFileSync(new URL('../vectors/xwing.json', import.meta.url), 'utf8');
const { vectors } = JSON.parse(file) as { readonly vectors: readonly XWingVector[] };

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

describe.each(backends)('X-Wing on $name', (crypto) => {
  test.each(vectors)('gives the published key, ciphertext and secret of seed $seed', ({ seed, eseed, ss, pk, ct }) => {
    const key = expandKey(crypto, bytes(seed));
    expect(toHex(key.publicKey)).toBe(pk);
    const sealed = encapsulate(crypto, key.publicKey, bytes(eseed));
    expect(sealed && toHex(sealed.ciphertext)).toBe(ct);
    expect(sealed && toHex(sealed.secret)).toBe(ss);
    expect(toHex(decapsulate(crypto, key, bytes(ct)) ?? bytes(''))).toBe(ss);
  });

  test('is what @noble calls X-Wing, for keys and coins nobody published', () => {
    const rng = rngOf(1);
    for (let i = 0; i < 5; i++) {
      const [seed, eseed] = [rng(32), rng(64)];
      const theirs = ml_kem768_x25519.keygen(seed);
      const key = expandKey(crypto, seed);
      expect(key.publicKey).toEqual(theirs.publicKey);
      const { cipherText, sharedSecret } = ml_kem768_x25519.encapsulate(theirs.publicKey, eseed);
      expect(encapsulate(crypto, key.publicKey, eseed)).toEqual({ ciphertext: cipherText, secret: sharedSecret });
    }
  });

  test('a changed ciphertext gives another secret, and @noble the same other secret', () => {
    const [seed, eseed] = [filled(32, 7), filled(64, 8)];
    const key = expandKey(crypto, seed);
    const sealed = encapsulate(crypto, key.publicKey, eseed);
    if (!sealed) throw new Error('not a key');
    for (const bit of [0, 8 * 500, 8 * 1087, 8 * 1088, 8 * 1119]) {
      const changed = flipped(sealed.ciphertext, bit);
      const secret = decapsulate(crypto, key, changed);
      expect(secret).not.toEqual(sealed.secret);
      expect(secret).toEqual(ml_kem768_x25519.decapsulate(changed, seed));
    }
  });

  test('points of small order are refused on both sides', () => {
    const key = expandKey(crypto, filled(32, 7));
    const sealed = encapsulate(crypto, key.publicKey, filled(64, 8));
    if (!sealed) throw new Error('not a key');
    for (const x of smallOrder) {
      const ciphertext = sealed.ciphertext.slice();
      ciphertext.set(x, 1088);
      expect(decapsulate(crypto, key, ciphertext)).toBeUndefined();
      const publicKey = key.publicKey.slice();
      publicKey.set(x, 1184);
      expect(isPublicKey(publicKey)).toBe(false);
      expect(encapsulate(crypto, publicKey, filled(64, 8))).toBeUndefined();
      // The highest bit is not part of the point.
      publicKey[1215] = (publicKey[1215] ?? 0) | 0x80;
      expect(isPublicKey(publicKey)).toBe(false);
      // Nor is a point next to one of them.
      for (const at of [0, 15, 31]) {
        const near = publicKey.slice();
        near[1184 + at] = (near[1184 + at] ?? 0) ^ 4;
        expect(isPublicKey(near)).toBe(true);
      }
    }
  });

  test('only a public key is one', () => {
    const { publicKey } = expandKey(crypto, filled(32, 7));
    expect(isPublicKey(publicKey)).toBe(true);
    expect(isPublicKey(publicKey.subarray(1))).toBe(false);
    expect(isPublicKey(concat(publicKey, filled(1, 0)))).toBe(false);
    // Two numbers below 3329 in every three bytes: the first and the last number of the key.
    const withNumbers = (at: number, three: readonly number[]): Uint8Array => {
      const changed = publicKey.slice();
      changed.set(three, at);
      return changed;
    };
    for (const at of [0, 1149]) {
      expect(isPublicKey(withNumbers(at, [0x00, 0x0d, 0xd0]))).toBe(true);
      for (const three of [
        [0x01, 0x0d, 0x00],
        [0x00, 0x0e, 0x00],
        [0x00, 0x10, 0xd0],
        [0x00, 0x00, 0xd1],
      ]) {
        const changed = withNumbers(at, three);
        expect([at, three, isPublicKey(changed)]).toEqual([at, three, false]);
        expect(encapsulate(crypto, changed, filled(64, 8))).toBeUndefined();
      }
    }
    // The seed of the matrix behind them may be anything.
    expect(isPublicKey(withNumbers(1152, [0xff, 0xff, 0xff]))).toBe(true);
  });

  test('a key of another length is none, and seeds of another length are our own mistake', () => {
    const { publicKey } = expandKey(crypto, filled(32, 7));
    for (const other of [publicKey.subarray(1), concat(publicKey, filled(1, 0)), new Uint8Array(0)])
      expect(encapsulate(crypto, other, filled(64, 8))).toBeUndefined();
    for (const seedBytes of [31, 33]) expect(() => expandKey(crypto, filled(seedBytes, 7))).toThrow(Bug);
    for (const seedBytes of [63, 65]) expect(() => encapsulate(crypto, publicKey, filled(seedBytes, 8))).toThrow(Bug);
  });

  test('a public key changed in place is not mistaken for what it was', () => {
    const [one, other] = [expandKey(crypto, filled(32, 1)), expandKey(crypto, filled(32, 2))];
    const array = one.publicKey.slice();
    const eseed = filled(64, 8);
    expect(encapsulate(crypto, array, eseed)).toEqual(encapsulate(crypto, one.publicKey, eseed));
    array.set(other.publicKey);
    expect(encapsulate(crypto, array, eseed)).toEqual(encapsulate(crypto, other.publicKey, eseed));
  });

  test('a key id is the beginning of the hash of the public key', () => {
    expect(keyIdOf(crypto, new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb924');
  });
});

// Little-endian u-coordinates of order 1, 2, 4 and 8, and 0 and 1 once more above the prime (RFC 7748 section 6.1).
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(bytes);
