import { chacha20 } from '@noble/ciphers/chacha.js';
import { Bug } from './errors.js';

/** Gives that many fresh random bytes. The system's generator outside tests (adapters/system), a seeded one in them. */
export type Rng = (lengthBytes: number) => Uint8Array;

/**
 * A deterministic generator: the ChaCha20 key stream of a 32-byte seed. For tests and simulation only.
 *
 * @param seed 32 bytes
 */
export const seededRng = (seed: Uint8Array): Rng => {
  if (seed.length !== 32) throw new Bug('seed is 32 bytes');
  let counter = 0;
  return (lengthBytes) => {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(0, counter++);
    return chacha20(seed, nonce, new Uint8Array(lengthBytes));
  };
};

/** Bytes of key stream that `streamRng` makes at a time. */
const streamBlockBytes = 65_536;

/**
 * A deterministic generator as `seededRng`, for those who draw by the million: it makes its key stream in blocks of 64 KB
 * and hands out views into them. For simulation only.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 */
export const streamRng = (seed: number): Rng => {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Bug('a seed is a whole number, at least 0');
  const key = new Uint8Array(32);
  new DataView(key.buffer).setBigUint64(0, BigInt(seed));
  const next = seededRng(key);
  let block = next(streamBlockBytes);
  let used = 0;
  return (lengthBytes) => {
    if (lengthBytes > streamBlockBytes) throw new Bug('a draw is at most 64 KB');
    if (used + lengthBytes > streamBlockBytes) {
      block = next(streamBlockBytes);
      used = 0;
    }
    return block.subarray(used, (used += lengthBytes));
  };
};

/** Uniform in [0, 1), with 48 bits of randomness. */
export const unitInterval = (rng: Rng): number => {
  let value = 0;
  for (const byte of rng(6)) value = value * 256 + byte;
  return value / 2 ** 48;
};

/** Uniform integer in [0, below), without modulo bias beyond 2^-16 for `below` up to 2^32. */
export const uniformInt = (rng: Rng, below: number): number => {
  if (!Number.isInteger(below) || below < 1) throw new Bug('uniformInt needs a positive bound');
  return Math.floor(unitInterval(rng) * below);
};

/** Exponentially distributed with the given mean, in the mean's unit. Not capped: a cap biases the mean. */
export const exponential = (rng: Rng, mean: number): number => -Math.log(1 - unitInterval(rng)) * mean;

/** Poisson distributed count with the given mean (sum of exponential gaps). */
export const poissonCount = (rng: Rng, mean: number): number => {
  let count = 0;
  for (let at = exponential(rng, 1); at <= mean; at += exponential(rng, 1)) count++;
  return count;
};

/** A count with the given mean that is one of the two whole numbers beside it. */
export const wholeCount = (rng: Rng, mean: number): number => Math.floor(mean + unitInterval(rng));

/** A uniformly shuffled copy (Fisher-Yates). */
export const shuffled = <T>(rng: Rng, items: readonly T[]): T[] => {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = uniformInt(rng, i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
};
