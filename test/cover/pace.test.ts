import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { drawSlot, hopsWithRoom, keptSlot, loadsOf, meanOn, slotText } from '../../src/cover/pace.js';

const rngOf = (seed: number) => seededRng(new Uint8Array(32).fill(seed));
const hop = (number: number) => nodeIdOf(new Uint8Array(32).fill(number));
const meanMs = 20 * minuteMs;

describe('slots', () => {
  it('are a Poisson process: gaps have the mean and the spread of one, and an hour the counts', () => {
    const rng = rngOf(1);
    const days = 200;
    const times: number[] = [];
    for (let at = drawSlot(rng, meanMs, 0); at < days * dayMs; at = drawSlot(rng, meanMs, at)) times.push(at);
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    const mean = gaps.reduce((a, b) => a + b) / gaps.length;
    const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean / meanMs).toBeCloseTo(1, 1);
    expect(spread / meanMs).toBeCloseTo(1, 1);
    const counts = new Array<number>(days * 24).fill(0);
    for (const at of times) counts[Math.floor(at / hourMs)] = (counts[Math.floor(at / hourMs)] ?? 0) + 1;
    // Of a Poisson process the variance of the counts is their mean; of regular times it is 0.
    const variance = counts.reduce((sum, count) => sum + (count - 3) ** 2, 0) / counts.length;
    expect(variance / 3).toBeCloseTo(1, 1);
  });

  it('are kept, and one that was slept through is one', () => {
    expect(keptSlot(slotText(1234.5), meanMs, 1000)).toBe(1234.5);
    expect(keptSlot(slotText(1000), meanMs, 30 * dayMs)).toBe(1000);
  });

  it('are drawn anew where none is kept, or one that waits for a clock that was set back', () => {
    expect(keptSlot(undefined, meanMs, 0)).toBeUndefined();
    expect(keptSlot('soon', meanMs, 0)).toBeUndefined();
    expect(keptSlot(slotText(dayMs), meanMs, 0)).toBeUndefined();
    const rng = rngOf(2);
    for (let i = 0; i < 10_000; i++) {
      const at = drawSlot(rng, meanMs, 0);
      expect(keptSlot(slotText(at), meanMs, 0)).toBe(at);
    }
  });

  it('take two thirds of what an account may send, and are no more frequent for a large one', () => {
    expect(dayMs / meanOn(meanMs, 33)).toBeCloseTo(22);
    expect(meanOn(meanMs, 108)).toBe(meanMs);
    expect(meanOn(meanMs, 5000)).toBe(meanMs);
  });
});

describe('what a mail takes', () => {
  it('is what waits longest, with what goes to the same node, as far as there is room', () => {
    const waiting = [
      { name: 'f', nextHop: hop(1), readyAt: 6 },
      { name: 'b', nextHop: hop(1), readyAt: 2 },
      { name: 'a', nextHop: hop(2), readyAt: 1 },
      { name: 'e', nextHop: hop(1), readyAt: 5 },
      { name: 'd', nextHop: hop(2), readyAt: 4 },
      { name: 'c', nextHop: hop(1), readyAt: 3 },
    ];
    const loads = loadsOf(rngOf(3), waiting, 3).map(({ nextHop, packets }) => [
      nextHop,
      packets.map(({ name }) => name).join(''),
    ]);
    expect(loads).toEqual([
      [hop(2), 'ad'],
      [hop(1), 'bce'],
    ]);
    expect(loadsOf(rngOf(3), [], 3)).toEqual([]);
  });

  it('is drawn by chance among what waits equally long', () => {
    const rng = rngOf(4);
    const waiting = [1, 2, 3].map((number) => ({ nextHop: hop(number), readyAt: 7 }));
    const first = Array.from({ length: 300 }, () => loadsOf(rng, waiting, 1)[0]?.nextHop);
    for (const number of [1, 2, 3])
      expect(Math.abs(first.filter((nextHop) => nextHop === hop(number)).length - 100)).toBeLessThan(40);
  });

  it('has room for a packet more unless its last mail is full', () => {
    const waiting = new Map([1, 2, 3, 4, 5, 8, 9].map((count) => [hop(count), count] as const));
    expect(hopsWithRoom(waiting, 4)).toEqual([1, 2, 3, 5, 9].map(hop));
    expect(hopsWithRoom(waiting, 1)).toEqual([]);
  });
});
