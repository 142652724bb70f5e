import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { blockade, type Noticed } from '../../src/sim/adversary-n1.js';
import { scenarioOf } from './ours.js';

const intervalMs = 12 * minuteMs;
const from = 6 * hourMs;
const until = from + 10 * intervalMs;

const attack = (node: number, loopsPerInterval: number, more: { from?: number; until?: number } = {}): Noticed =>
  blockade({ scenario: scenarioOf(0.5, loopsPerInterval, 9), node, loopsPerInterval, from, until, ...more });

describe('a node from which all mail is kept', () => {
  it('holds its pool within three mix intervals, and lets go when mail comes again', () => {
    for (const [place, node] of [0, 4, 8, 11].entries()) {
      const begun = from + place * 3 * minuteMs;
      const attacked = attack(node, 3, { from: begun, until: begun + 10 * intervalMs });
      expect(attacked.heldAfterMs).toBeLessThanOrEqual(3 * intervalMs);
      expect(attacked.flushesBefore).toBeLessThanOrEqual(2);
      // A loop takes three hops home, and two intervals are looked at.
      expect(attacked.releasedAfterMs).toBeLessThan(6 * intervalMs);
    }
  });

  it('holds the sooner the more loops it sends', () => {
    const mean = (loops: number): number =>
      [0, 4, 8].reduce((sum, node) => sum + attack(node, loops).heldAfterMs, 0) / 3 / intervalMs;
    expect(mean(2)).toBeGreaterThan(mean(4));
  });

  it('never finds out without loops', () => {
    expect(attack(3, 0)).toMatchObject({ heldAfterMs: Infinity, othersHeld: 0, falseAlarms: 0 });
  });

  it('rarely thinks so where nothing is kept from it', () => {
    const { falseAlarms, nodeDays } = blockade({
      scenario: scenarioOf(0.2, 3, 72),
      node: 0,
      loopsPerInterval: 3,
      from: 72 * hourMs,
      until: 72 * hourMs,
    });
    expect(nodeDays).toBe(36);
    // One in three days of a node, as test/mix/false-alarms has it, would be 12.
    expect(falseAlarms).toBeLessThanOrEqual(16);
  });
});
