import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '../../src/base/random.js';
import { atMostEach, atMostGroups, selectBatch } from '../../src/mix/pool.js';

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

describe('groups with a bound', () => {
  // Evens are in no group, odds in one or another.
  const groupOf = (entry: number): string | undefined => (entry % 2 === 0 ? undefined : `${entry % 3}`);

  it('leave out what is over it, and nothing of what is in no group', () => {
    const all = waiting(300);
    const chosen = atMostEach(20, all, groupOf, rng);
    expect(new Set(chosen).size).toBe(chosen.length);
    expect(chosen.filter((entry) => groupOf(entry) === undefined)).toEqual(all.filter((entry) => entry % 2 === 0));
    for (const group of ['0', '1', '2']) expect(chosen.filter((entry) => groupOf(entry) === group)).toHaveLength(20);
    expect(atMostEach(1000, all, groupOf, rng).toSorted((a, b) => a - b)).toEqual(all);
  });

  it('let each of their entries through equally often, whoever came first', () => {
    const rounds = 4000;
    const counts = new Map<number, number>();
    for (let round = 0; round < rounds; round++)
      for (const entry of atMostEach(3, waiting(20), () => 'one', rng)) counts.set(entry, (counts.get(entry) ?? 0) + 1);
    const probability = 3 / 20;
    const deviation = Math.sqrt(rounds * probability * (1 - probability));
    for (const entry of waiting(20))
      expect(Math.abs((counts.get(entry) ?? 0) - rounds * probability)).toBeLessThan(5 * deviation);
  });
});

describe('groups that are too many', () => {
  const groupOf = (entry: number): string | undefined => (entry % 4 === 0 ? undefined : `${entry % 10}`);

  it('stay behind but for some, each as often as the others, whole', () => {
    const all = waiting(200);
    const times = new Map<string, number>();
    const rounds = 4000;
    for (let round = 0; round < rounds; round++) {
      const chosen = atMostGroups(3, all, groupOf, rng);
      const groups = new Set(chosen.map(groupOf));
      expect(groups.size).toBe(4);
      expect(chosen).toEqual(all.filter((entry) => groups.has(groupOf(entry))));
      for (const group of groups) if (group !== undefined) times.set(group, (times.get(group) ?? 0) + 1);
    }
    const probability = 3 / 10;
    const deviation = Math.sqrt(rounds * probability * (1 - probability));
    expect(times.size).toBe(10);
    for (const count of times.values()) expect(Math.abs(count - rounds * probability)).toBeLessThan(5 * deviation);
    expect(atMostGroups(10, all, groupOf, rng)).toEqual(all);
  });
});
