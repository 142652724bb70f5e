import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '../../src/base/random.js';
import { enoughToLeave, type Held, leaving, stricter } from '../../src/mix/strategy.js';
import type { Strategy } from '../../src/route/strategy.js';

const rng = seededRng(new Uint8Array(32).fill(3));
const pool = (minimum: number, rate: number): Strategy => ({ kind: 'pool', minimum, rate });
/** Packets 0, 1, 2, ...; the first so many of them have been passed over. */
const waiting = (count: number, passedOver = 0): readonly Held<number>[] =>
  Array.from({ length: count }, (_, entry) => ({ entry, passedOver: entry < passedOver }));

/** 5 standard deviations of a binomial count. */
const expectShare = (left: number, trials: number, probability: number): void => {
  const deviation = Math.sqrt(trials * probability * (1 - probability));
  expect(Math.abs(left - trials * probability)).toBeLessThanOrEqual(5 * deviation);
};

describe('a pool', () => {
  it('lets nothing out while no more than the minimum waits, however long it has waited', () => {
    for (let round = 0; round < 200; round++) {
      expect(leaving(pool(2, 1), waiting(2), rng)).toEqual([]);
      expect(leaving(pool(2, 1), waiting(2, 2), rng)).toEqual([]);
      expect(leaving(pool(0, 1), [], rng)).toEqual([]);
    }
    const lowest = (bytes: number): Uint8Array => new Uint8Array(bytes);
    expect(leaving(pool(2, 1), waiting(2), lowest)).toEqual([]);
    expect(leaving(pool(2, 1), waiting(3), lowest)).toHaveLength(3);
  });

  it.each([
    [3, 1 / 3],
    [4, 1 / 2],
    [10, 0.75],
    [100, 0.75],
  ])('lets each of %i packets that are new out with probability %f', (count, probability) => {
    const rounds = Math.ceil(20_000 / count);
    let left = 0;
    for (let round = 0; round < rounds; round++) left += leaving(pool(2, 0.75), waiting(count), rng).length;
    expectShare(left, rounds * count, probability);
  });

  it('lets each that was passed over out unless it is needed as company', () => {
    const rounds = 2000;
    let [old, fresh] = [0, 0];
    for (let round = 0; round < rounds; round++)
      for (const entry of leaving(pool(2, 0.6), waiting(20, 5), rng))
        if (entry < 5) old++;
        else fresh++;
    expectShare(old, rounds * 5, 0.9);
    expectShare(fresh, rounds * 15, 0.6);
  });

  it('keeps at least the minimum on average, passed over or not', () => {
    const rounds = 4000;
    let stayed = 0;
    for (let round = 0; round < rounds; round++) stayed += 8 - leaving(pool(3, 1), waiting(8, 8), rng).length;
    expectShare(stayed, rounds * 8, 3 / 8);
  });

  it('lets them out in an order that does not tell when they came, nor which were passed over', () => {
    let inOrder = 0;
    const rounds = 2000;
    for (let round = 0; round < rounds; round++) {
      const [a = 0, b = 0] = leaving(pool(1, 1), waiting(40, 20), rng);
      if (a < b) inOrder++;
    }
    expectShare(inOrder, rounds, 1 / 2);
  });

  it('never makes packets up and never lets one out twice', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ entry: fc.integer(), passedOver: fc.boolean() }), {
          selector: ({ entry }) => entry,
        }),
        fc.nat(50),
        fc.double({ min: 0.01, max: 1 }),
        (held, minimum, rate) => {
          const batch = leaving(pool(minimum, rate), held, rng);
          expect(new Set(batch).size).toBe(batch.length);
          expect(batch.every((packet) => held.some(({ entry }) => entry === packet))).toBe(true);
        },
      ),
      { seed: 1 },
    );
  });
});

describe('the other strategies', () => {
  it('let out all that are ready, or all once there are enough, in an order by chance', () => {
    const all = waiting(30);
    const sorted = all.map(({ entry }) => entry);
    const orders = [
      leaving({ kind: 'poisson', meanMs: 1000 }, all, rng),
      leaving({ kind: 'threshold', count: 30 }, all, rng),
    ];
    for (const order of orders) {
      expect(order.toSorted((a, b) => a - b)).toEqual(sorted);
      expect(order).not.toEqual(sorted);
    }
    expect(leaving({ kind: 'threshold', count: 31 }, all, rng)).toEqual([]);
  });

  it('let something leave with as many packets as they say, and not with fewer', () => {
    const strategies: readonly Strategy[] = [
      pool(2, 0.75),
      { kind: 'poisson', meanMs: 1 },
      { kind: 'threshold', count: 7 },
    ];
    expect(strategies.map(enoughToLeave)).toEqual([4, 1, 7]);
    for (const strategy of strategies) {
      const left = Array.from({ length: 200 }, () => leaving(strategy, waiting(enoughToLeave(strategy)), rng).length);
      expect(Math.max(...left)).toBeGreaterThan(0);
    }
  });
});

describe('a node', () => {
  it('is as strict as its network at least', () => {
    expect(stricter(pool(2, 0.75), { minimum: 0, rate: 1 })).toEqual(pool(2, 0.75));
    expect(stricter(pool(2, 0.75), { minimum: 5, rate: 0.5 })).toEqual(pool(5, 0.5));
    expect(stricter({ kind: 'threshold', count: 4 }, { minimum: 2, rate: 1 })).toEqual({ kind: 'threshold', count: 4 });
    expect(stricter({ kind: 'threshold', count: 4 }, { minimum: 9, rate: 1 })).toEqual({
      kind: 'threshold',
      count: 10,
    });
    const poisson: Strategy = { kind: 'poisson', meanMs: 5000 };
    expect(stricter(poisson, { minimum: 9, rate: 0.1 })).toEqual(poisson);
  });
});
