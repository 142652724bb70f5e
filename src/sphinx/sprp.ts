import type { SphinxCrypto } from './crypto.js';

/** A payload as the wide-block cipher sees it: left 32 bytes, right all the others. */
export type WideBlock = readonly [left: Uint8Array, right: Uint8Array];

const xor32 = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++) out[i] = (a[i] ?? 0) ^ (b[i] ?? 0);
  return out;
};

const zeros128 = new Uint8Array(128);

/** k1 | k2 | k3 | k4 = the first 128 bytes of the payload key's ChaCha20 key stream. */
const subkeys = (
  crypto: SphinxCrypto,
  payloadKey: Uint8Array,
): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] => {
  const keys = crypto.stream(payloadKey, zeros128);
  return [keys.subarray(0, 32), keys.subarray(32, 64), keys.subarray(64, 96), keys.subarray(96)];
};

/**
 * LIONESS: a permutation of the whole payload in which every output bit depends on every input bit. Nothing of a
 * payload survives a change of one bit, so a changed payload can't be recognized further on.
 *
 *   right ^= ChaCha20(left ^ k1);  left ^= HMAC(k2, right);  right ^= ChaCha20(left ^ k3);  left ^= HMAC(k4, right)
 *
 * The stream's nonce is fixed: its key `left ^ k` takes the place of both. Keys of a payload belong to one hop of one
 * packet and are used once; a reply block used twice repeats only the first stream key, and what comes out of that
 * round is covered by the third round's, whose key depends on every bit of the right part.
 *
 * @param payloadKey 32 bytes
 *
 * Source: Anderson and Biham, "Two practical and provably secure block ciphers: BEAR and LION" (1996).
 */
export const encryptWide = (crypto: SphinxCrypto, payloadKey: Uint8Array, [l0, r0]: WideBlock): WideBlock => {
  const [k1, k2, k3, k4] = subkeys(crypto, payloadKey);
  const r1 = crypto.stream(xor32(l0, k1), r0);
  const l1 = xor32(l0, crypto.hmac(k2, r1));
  const r2 = crypto.stream(xor32(l1, k3), r1);
  return [xor32(l1, crypto.hmac(k4, r2)), r2];
};

/** The inverse of `encryptWide`. */
export const decryptWide = (crypto: SphinxCrypto, payloadKey: Uint8Array, [l2, r2]: WideBlock): WideBlock => {
  const [k1, k2, k3, k4] = subkeys(crypto, payloadKey);
  const l1 = xor32(l2, crypto.hmac(k4, r2));
  const r1 = crypto.stream(xor32(l1, k3), r2);
  const l0 = xor32(l1, crypto.hmac(k2, r1));
  return [l0, crypto.stream(xor32(l0, k1), r1)];
};
