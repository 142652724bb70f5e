import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '../../src/base/random.js';
import { selectBatch } from '../../src/mix/pool.js';

const rng = seededRng(new Uint8Array(32).fill(3));
const waiting = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('the timed dynamic pool', () => {
  it('lets nothing out while no more than the minimum waits', () => {
    for (let round = 0; round < 200; round++) {
      expect(selectBatch(waiting(2), { minimum: 2, rate: 1 }, rng)).toEqual([]);
      expect(selectBatch([], { minimum: 0, rate: 1 }, rng)).toEqual([]);
    }
  });

  it.each([
    [3, 1 / 3],
    [4, 1 / 2],
    [10, 0.8],
    [100, 0.9],
  ])('lets each of %i packets out with probability %f', (count, probability) => {
    const rounds = 20_000 / count;
    let left = 0;
    for (let round = 0; round < rounds; round++)
      left += selectBatch(waiting(count), { minimum: 2, rate: 0.9 }, rng).length;
    // 5 standard deviations of a binomial count.
    const trials = rounds * count;
    expect(Math.abs(left - trials * probability)).toBeLessThan(5 * Math.sqrt(trials * probability * (1 - probability)));
  });

  it('lets them out in an order that does not tell when they came', () => {
    let inOrder = 0;
    const rounds = 2000;
    for (let round = 0; round < rounds; round++) {
      const [a = 0, b = 0] = selectBatch(waiting(40), { minimum: 2, rate: 0.9 }, rng);
      if (a < b) inOrder++;
    }
    expect(Math.abs(inOrder - rounds / 2)).toBeLessThan(5 * Math.sqrt(rounds / 4));
  });

  it('never makes packets up and never lets one out twice', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer()), fc.nat(50), fc.double({ min: 0.01, max: 1 }), (pool, minimum, rate) => {
        const batch = selectBatch(pool, { minimum, rate }, rng);
        expect(new Set(batch).size).toBe(batch.length);
        expect(batch.every((packet) => pool.includes(packet))).toBe(true);
      }),
    );
  });
});
