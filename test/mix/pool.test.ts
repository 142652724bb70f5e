import { describe, expect, it } from 'vitest';
import { seededRng } from '../../src/base/random.js';
import { atMostEach, atMostGroups } from '../../src/mix/pool.js';

const rng = seededRng(new Uint8Array(32).fill(3));
const waiting = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

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
