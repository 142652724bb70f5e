import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poissonCount, seededRng } from '../../src/base/random.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { atMostBy, beat, newHeartbeat } from '../../src/mix/heartbeat.js';
import type { Heartbeat } from '../../src/mix/heartbeat.js';

const intervalMs = 12 * minuteMs;
const rngOf = (seed: number) => seededRng(new Uint8Array(32).fill(seed));

/** Lives through intervals, one after the other, of which it is said how many loops come home. */
class Life {
  heart: Heartbeat = newHeartbeat;
  now = Date.UTC(2026, 0, 15);
  readonly #sent: number;
  constructor(sent: number) {
    this.#sent = sent;
  }
  /** @returns whether the pool is held after each of them */
  pass(homes: readonly number[], sent = this.#sent): readonly boolean[] {
    return homes.map((home) => {
      this.now += intervalMs;
      this.heart = beat(this.heart, { sent, home, now: this.now });
      return this.heart.holding;
    });
  }
}

const times = (count: number, home: number): readonly number[] => Array.from({ length: count }, () => home);

/** A node that has lived for long enough to know its heartbeat. */
const grown = (sent: number, home: number): Life => {
  const life = new Life(sent);
  expect(life.pass(times(200, home))).not.toContain(true);
  return life;
};

describe('the chance of so few', () => {
  it.each([
    [9, 0, 1.234e-4],
    [9, 1, 1.234e-3],
    [2.3, 2, 0.596],
    [3, 1000, 1],
    [0, 0, 1],
    [2000, 1800, 3.2e-6],
  ])('of a mean of %f no more than %i', (mean, most, chance) => {
    expect(atMostBy(mean, most)).toBeGreaterThan(chance * 0.9);
    expect(atMostBy(mean, most)).toBeLessThan(chance * 1.1);
  });
});

describe('a node whose loops stop coming home', () => {
  it.each([
    [3, 3, 2],
    [3, 2.4, 3],
    [10, 10, 1],
    [4, 4, 2],
    [2, 1.7, 6],
    [1, 0.9, 11],
  ])('with %f sent and %f home in an interval holds its pool after %i more', (sent, home, after) => {
    const held = grown(sent, home).pass(times(after, 0));
    expect(held).toEqual([...times(after - 1, 0).map(() => false), true]);
  });

  it('that begins with none at home counts the intervals, until one is', () => {
    const life = new Life(3);
    life.pass(times(4, 0), 0);
    expect(life.heart.unheard).toBe(0);
    life.pass(times(20, 0));
    expect([life.heart.unheard, life.heart.holding]).toEqual([20, false]);
    life.pass([1]);
    expect(life.heart.unheard).toBe(0);
    life.pass(times(5, 0));
    expect(life.heart.unheard).toBe(0);
  });

  it('says what came and what should have', () => {
    const life = grown(3, 3);
    life.pass(times(2, 0));
    expect(life.heart.home).toBe(0);
    expect(life.heart.expected).toBeGreaterThan(5);
    expect(life.heart.expected).toBeLessThanOrEqual(6);
  });

  it('does so in its first hours too, by the number that mostly comes home, once one has', () => {
    const life = new Life(3);
    expect(life.pass(times(100, 0))).not.toContain(true);
    life.pass([1]);
    const held = life.pass(times(24, 0));
    const first = held.indexOf(true);
    expect(first).toBeGreaterThanOrEqual(5);
    expect(first).toBeLessThanOrEqual(11);
    expect(held.slice(first)).not.toContain(false);
  });

  it('notices when most are missing, but not all', () => {
    expect(grown(6, 6).pass(times(12, 1))).toContain(true);
    expect(grown(6, 6).pass(times(12, 5))).not.toContain(true);
  });

  it('does not get used to it: what is missed while the pool is held is not learned', () => {
    const life = grown(3, 3);
    life.pass(times(3, 0));
    const { returned } = life.heart;
    expect(life.pass(times(1000, 0))).not.toContain(false);
    expect(life.heart.returned).toBe(returned);
  });
});

describe('a pool that is held', () => {
  it('is released when an interval, or two, have brought half of what they should, and not sooner', () => {
    const life = grown(3, 3);
    life.pass(times(10, 0));
    expect(life.pass([1, 1, 1])).toEqual([true, true, true]);
    expect(life.pass([2])).toEqual([false]);
    const other = grown(9, 9);
    other.pass(times(10, 0));
    expect(other.pass([4, 4])).toEqual([true, true]);
    expect(other.pass([5])).toEqual([false]);
  });

  it('counts for how long', () => {
    const life = grown(3, 3);
    life.pass(times(1, 0));
    expect(life.heart.heldFor).toBe(0);
    life.pass(times(4, 0));
    expect(life.heart.heldFor).toBe(4);
    life.pass([3]);
    expect(life.heart.heldFor).toBe(0);
  });

  it('and released is held again when silence comes back, but not for the silence before', () => {
    const life = grown(10, 10);
    life.pass(times(10, 0));
    expect(life.pass([4, 5, 4, 10])).toEqual([true, false, false, false]);
    expect(life.pass([0])).toEqual([true]);
  });

  it('stays held over a sleep, after which one loop is not enough', () => {
    const life = grown(3, 3);
    life.pass(times(3, 0));
    life.now += dayMs;
    expect(life.pass([1, 1, 2])).toEqual([true, true, false]);
  });
});

describe('a node that can’t tell', () => {
  it('because it makes no loops, or so few that none may come, holds nothing', () => {
    expect(new Life(0).pass(times(300, 0))).not.toContain(true);
    expect(grown(0.5, 0.5).pass(times(30, 0))).not.toContain(true);
  });

  it('because it sent none for a while judges none of the intervals in which they would have come', () => {
    const life = grown(3, 3);
    expect(life.pass([3, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0], 0)).not.toContain(true);
    // Sending again: for a round trip none come.
    expect(life.pass([0, 0, 0, 1, 2, 3, 3, 3])).not.toContain(true);
    expect(life.pass([0, 0])).toEqual([false, true]);
  });

  it('because it slept waits until loops should be home again', () => {
    const life = grown(3, 3);
    life.now += dayMs;
    expect(life.pass([9, 0, 0, 1, 2, 3, 3, 3, 3, 3])).not.toContain(true);
    expect(life.pass([0, 0])).toEqual([false, true]);
  });

  it('because its clock was set back begins anew, and does not stop for it', () => {
    const life = grown(3, 3);
    life.now -= dayMs;
    expect(life.pass([3, 0, 0, 1])).not.toContain(true);
    expect(life.pass(times(20, 3))).not.toContain(true);
    expect(life.pass([0, 0])).toEqual([false, true]);
  });
});

describe('what a node learns', () => {
  it('is of the last interval: a part of one that was missed counts at once', () => {
    const life = grown(3, 3);
    const { returned } = life.heart;
    life.pass([1]);
    expect(life.heart.returned).toBeCloseTo(returned + (1 / 3 - returned) / 120, 10);
  });

  it('is nothing in the interval at whose end it holds its pool', () => {
    const life = grown(3, 3);
    life.pass([0]);
    const { returned } = life.heart;
    expect(life.pass([0])).toEqual([true]);
    expect(life.heart.returned).toBe(returned);
  });

  it('is nothing while loops begin to come again, since how many should is not known', () => {
    const life = grown(3, 3);
    life.pass(times(12, 0), 0);
    const { returned } = life.heart;
    life.pass([0, 0, 0, 0]);
    expect(life.heart.returned).toBe(returned);
    life.pass(times(12, 3));
    expect(life.heart.returned).not.toBe(returned);
  });

  it('is of the last twelve intervals, however long it lives', () => {
    expect(grown(3, 3).heart.beats).toHaveLength(12);
  });
});

describe('an interval', () => {
  it('may end twice at one moment, and three may pass at once: nothing is forgotten for that', () => {
    const life = grown(3, 3);
    life.now -= intervalMs;
    life.pass([0]);
    expect(life.heart.beats).toHaveLength(12);
    expect(life.heart.intervalMs).toBe(intervalMs);
    life.now += 2 * intervalMs;
    life.pass([3]);
    expect(life.heart.beats).toHaveLength(12);
    life.heart = { ...life.heart, intervalMs };
    life.now += 2 * intervalMs + 1;
    life.pass([3]);
    expect(life.heart.beats).toHaveLength(1);
  });

  it('that brings exactly half of what it should releases the pool', () => {
    const life = grown(4, 4);
    life.pass(times(4, 0));
    life.heart = { ...life.heart, returned: 1 };
    expect(life.pass([1, 2])).toEqual([true, false]);
  });
});

describe('whatever comes', () => {
  it('a heartbeat outlives its process as JSON, and its numbers stay in their bounds', () => {
    const interval = fc.record({
      sent: fc.double({ min: 0, max: 1000, noNaN: true }),
      home: fc.nat(2000),
      gap: fc.integer({ min: -1_000_000, max: 100_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 60 }), (intervals) => {
        let heart = newHeartbeat;
        let now = 1e12;
        for (const { sent, home, gap } of intervals) {
          now += gap;
          heart = beat(heart, { sent, home, now });
          expect(JSON.parse(JSON.stringify(heart))).toEqual(heart);
          expect(heart.beats.length).toBeLessThanOrEqual(12);
          expect(heart.returned).toBeGreaterThanOrEqual(0);
          expect(heart.returned).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('a node of whose loops half are lost, because a node on one of two rings is off', () => {
  it('holds its pool now and then in the first day, and then has learned to expect fewer', () => {
    const rng = rngOf(3);
    const life = new Life(3);
    const heldIn = (intervals: number, home: number): number =>
      life.pass(Array.from({ length: intervals }, () => poissonCount(rng, home))).filter((isHeld) => isHeld).length;
    heldIn(1200, 2.9);
    expect(heldIn(120, 1.45)).toBeLessThan(12);
    expect(heldIn(600, 1.45)).toBeLessThan(6);
  });
});
