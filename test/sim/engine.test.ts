import { expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { ourTrial, compareDefaults } from '../../src/sim/compare.js';
import { simulate } from '../../src/sim/engine.js';
import type { Scenario } from '../../src/sim/scenario.js';
import type { Flush, Sighting } from '../../src/sim/sighting.js';

const scenario = (more: Partial<Scenario> = {}): Scenario => ({
  ...ourTrial({ ...compareDefaults, days: 0.1, load: 0.5 }),
  warmUpMs: hourMs,
  drainMs: 6 * hourMs,
  transportMs: () => minuteMs,
  ...more,
});

it('gives the same run for the same seed, and another for another', () => {
  const watch = (seed: number): readonly Sighting[] => {
    const seen: Sighting[] = [];
    simulate(scenario({ seed, see: (sighting) => seen.push(sighting) }));
    return seen;
  };
  expect(watch(7)).toEqual(watch(7));
  expect(watch(7)).not.toEqual(watch(8));
});

it('loses nothing: every message arrives, and every packet that a mail brings was sent by a client or a node', () => {
  const seen: Flush[] = [];
  const outcome = simulate(scenario({ see: (sighting) => sighting.kind === 'flush' && seen.push(sighting) }));
  expect(outcome.messages).toBeGreaterThan(500);
  expect(outcome.undelivered).toBe(0);
  for (const { left, mails, deliveries } of seen) {
    const sent = mails.reduce((sum, { packets }) => sum + packets, 0) + deliveries.length;
    // The rest are answers to mailboxes.
    expect(sent).toBeLessThanOrEqual((left?.fresh ?? 0) + (left?.seasoned ?? 0));
    for (const { packets } of mails) expect(packets).toBeLessThanOrEqual(64);
  }
});

it('has clients send whether or not they have a message', () => {
  const mailsWith = (messagesPerMinute: number): number => {
    const { traffic } = scenario();
    return simulate(scenario({ traffic: { ...traffic, messagesPerMinute } })).clientMails;
  };
  const idle = mailsWith(0);
  const clients = scenario().traffic.clients;
  const expected = (clients * 0.1 * dayMs) / (20 * minuteMs);
  expect(idle / expected).toBeGreaterThan(0.95);
  expect(idle / expected).toBeLessThan(1.05);
  expect(mailsWith(5) / idle).toBeGreaterThan(0.95);
  expect(mailsWith(5) / idle).toBeLessThan(1.05);
});

it('lets an attacker hold mails back, and a node hold its pool', () => {
  const blocked = simulate(scenario({ letsPass: ({ from }) => from !== undefined }));
  expect(blocked.latenciesMs).toHaveLength(0);
  const held = simulate(scenario({ holds: () => true }));
  // Loops pass the pools that are held, and nothing else does.
  expect(Math.max(...held.relayMails)).toBeGreaterThan(0);
  expect(held.latenciesMs).toHaveLength(0);
});
