import { describe, expect, it } from 'vitest';
import { compareDefaults, compareSteps, ourRow, type Row } from '../../src/sim/compare.js';

/* Short runs of what `mixmailer simulate --compare` prints. */

const options = { ...compareDefaults, days: 0.4, targets: 150 };

describe('the default, with 30 nodes', () => {
  it('is quick, cheap and uncertain at one packet per node and minute', () => {
    const row = ourRow(options);
    expect(row.medianLatencyMin).toBeLessThanOrEqual(30);
    expect(row.p99LatencyMin).toBeLessThanOrEqual(60);
    expect(row.relayMailsPerNodeDay).toBeLessThanOrEqual(350);
    expect(row.recipientEntropyBits).toBeGreaterThanOrEqual(8);
    expect(row.recipientEntropyMinBits).toBeGreaterThanOrEqual(7.5);
    expect(row.senderEntropyBits).toBeGreaterThanOrEqual(row.recipientEntropyBits + 2);
  });

  it.each([0.2, 0.01])('delivers within two hours at load %d', (load) => {
    const row = ourRow({ ...options, load, days: load < 0.1 ? 3 : 0.5 });
    expect(row.p99LatencyMin).toBeLessThanOrEqual(120);
    expect(row.relayMailsPerNodeDay).toBeLessThanOrEqual(350);
  });

  it('stands its ground against peers at its latency', () => {
    const steps = compareSteps({ ...options, days: 0.25 }).filter(({ name }) => name !== 'loopix');
    const [mine, ...others] = steps.filter((_, i) => i === 0 || i > 2).flatMap(({ rows }) => rows());
    const equal = others.filter(({ tuning }) => tuning === 'equal-latency');
    expect(equal.map(({ name }) => name)).toEqual(['mixmaster', 'yamn', 'mixminion']);
    const own = mine as Row;
    for (const peer of equal) {
      expect(Math.abs(peer.medianLatencyMin / own.medianLatencyMin - 1)).toBeLessThan(0.04);
      expect(peer.recipientEntropyBits, peer.name).toBeLessThanOrEqual(own.recipientEntropyBits + 0.3);
      expect(peer.relayMailsPerNodeDay, peer.name).toBeGreaterThanOrEqual(1.5 * own.relayMailsPerNodeDay);
      expect(peer.senderEntropyBits, peer.name).toBeLessThanOrEqual(own.senderEntropyBits - 2);
    }
  });
});
