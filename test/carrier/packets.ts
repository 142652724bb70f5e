import { concat } from '../../src/base/bytes.js';
import { seededRng, type Rng } from '../../src/base/random.js';
import { geometry } from '../../src/sphinx/geometry.js';

const { packetBytes } = geometry;

/** A generator that gives the same bytes in every run. */
export const rngOf = (seed: number): Rng => seededRng(new Uint8Array(32).fill(seed));

/** Bytes that look like a packet: version 1, then noise. */
export const packetOf = (rng: Rng): Uint8Array => concat(Uint8Array.of(1), rng(packetBytes - 1));

export const packetsOf = (count: number, rng: Rng): readonly Uint8Array[] =>
  Array.from({ length: count }, () => packetOf(rng));
