import { describe, expect, it } from 'vitest';
import { streamRng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { type Measured, measure, meanOf, quantile } from '../../src/sim/measure.js';
import { trafficOf } from '../../src/sim/ours.js';
import { referenceProtocol, sketch, type Sketched } from '../../src/sim/reference.js';

/* A short run of what `mixmailer simulate --study reference` prints. */

const rows = sketch.map(
  (one) => [`${one.topology}, ${one.successors ?? 'all'}, ${one.rate}, ${one.minimum}`, one] as const,
);

const measured = (one: Sketched): Measured =>
  measure({
    protocol: referenceProtocol(one, { nodes: 30, seed: 1 }),
    traffic: trafficOf(1, 30, 3),
    seed: 1,
    warmUpMs: 4 * hourMs,
    measuredMs: 0.4 * dayMs,
    drainMs: 8 * hourMs,
    targets: 60,
  });

describe('the networks by which the defaults were chosen', () => {
  it.each(rows)('come out as they were sketched: %s', (_, one) => {
    const { outcome, recipients } = measured(one);
    const { latenciesMs, relayMails, measuredDays } = outcome;
    const nearly = (value: number, expected: number, part: number): void => {
      expect(Math.abs(value / expected - 1)).toBeLessThan(part);
    };
    nearly(quantile(latenciesMs, 0.5) / minuteMs, one.medianLatencyMin, 0.1);
    nearly(quantile(latenciesMs, 0.99) / minuteMs, one.p99LatencyMin, 0.1);
    nearly(meanOf([...relayMails]) / measuredDays, one.relayMailsPerNodeDay, 0.04);
    // Its observer didn't count hops. Even successors are worth up to half a bit more than drawn ones.
    const bits = meanOf(recipients.blind.map((found) => found.bits));
    expect(bits).toBeGreaterThan(one.recipientEntropyBits - 0.2);
    expect(bits).toBeLessThan(one.recipientEntropyBits + 0.6);
  });

  it('have walks over different nodes, each to one of its successors', () => {
    const plain = { topology: 'free', successors: 3, rate: 0.9, minimum: 2 } as const;
    const { routes } = referenceProtocol(plain, { nodes: 9, seed: 1 });
    const rng = streamRng(1);
    const followers = new Map<number, Set<number>>();
    for (let i = 0; i < 500; i++) {
      const way = routes.message(rng);
      expect(new Set(way).size).toBe(3);
      way.slice(1).forEach((to, hop) => {
        const from = way[hop] ?? -1;
        followers.set(from, (followers.get(from) ?? new Set()).add(to));
      });
    }
    expect([...followers.values()].map(({ size }) => size)).toEqual(Array.from({ length: 9 }, () => 3));
  });
});
