import { type Rng, seededRng, uniformInt, unitInterval } from '../../src/base/random.js';

/** What can go wrong; `docs/testing.md` says what each does. */
export const faultKinds = [
  'kill',
  'restart',
  'cut',
  'freeze',
  'answers',
  'full',
  'disk',
  'uidvalidity',
  'clock',
  'duplicate',
  'delay',
  'junk',
  'rewrite',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** One fault: its numbers from 0 to 1 choose among what there is. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** Since the beginning. */
  readonly atMs: number;
  readonly whom: number;
  readonly how: number;
  readonly howLong: number;
}

export interface PlannedLetter {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export interface Plan {
  readonly faults: readonly PlannedFault[];
  readonly letters: readonly PlannedLetter[];
}

/** Most letters are one packet; every eighth has some. */
const smallBytes = 12_000;
const largeBytes = 200_000;
const largeShare = 0.12;

/** Moments of a Poisson process until the end. */
const moments = (rng: Rng, meanMs: number, endMs: number): readonly number[] => {
  const found: number[] = [];
  for (let at = 0; ;) {
    at -= Math.log(1 - unitInterval(rng)) * meanMs;
    if (at >= endMs) return found;
    found.push(at);
  }
};

export interface PlanWishes {
  readonly seed: number;
  /** Real time in which letters are written and things go wrong. */
  readonly lengthMs: number;
  readonly kinds: readonly FaultKind[];
  readonly faults: number;
  readonly letters: number;
}

const seedOf = (seed: number, what: number): Uint8Array => {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setFloat64(0, seed);
  bytes[31] = what;
  return bytes;
};

/** The randomness of one part of a run with that seed. */
export const soakRng = (seed: number, what: number): Rng => seededRng(seedOf(seed, what));

/**
 * Everything that a run does, by its seed. That many faults and letters on average; every kind at least once.
 *
 * The first of each kind come in turn, the others as chance has it.
 */
export const planOf = ({ seed, lengthMs, kinds, faults, letters }: PlanWishes): Plan => {
  const rng = soakRng(seed, 1);
  const order = kinds.map((kind) => ({ kind, key: unitInterval(rng) })).sort((a, b) => a.key - b.key);
  const others = soakRng(seed, 2);
  return {
    faults:
      kinds.length === 0
        ? []
        : moments(rng, lengthMs / faults, lengthMs).map((atMs, i) => ({
            kind: (order[i] ?? order[uniformInt(rng, order.length)])?.kind ?? 'kill',
            atMs,
            whom: unitInterval(rng),
            how: unitInterval(rng),
            howLong: unitInterval(rng),
          })),
    letters: moments(others, lengthMs / letters, lengthMs).map((atMs) => ({
      atMs,
      from: unitInterval(others),
      to: unitInterval(others),
      bytes: Math.ceil((unitInterval(others) < largeShare ? largeBytes : smallBytes) * (0.1 + unitInterval(others))),
    })),
  };
};
