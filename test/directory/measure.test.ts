import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '../../src/base/ids.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { isReliable, measure } from '../../src/directory/measure.js';
import { probeWaitMs } from '../../src/directory/probe.js';
import type { ProbeResult } from '../../src/ports/authority.js';

const [a, b] = [nodeIdOf(new Uint8Array(32).fill(1)), nodeIdOf(new Uint8Array(32).fill(2))];
const probe = (
  sentAt: number | undefined,
  homeAt: number | undefined,
  more: Partial<ProbeResult> = {},
): ProbeResult => ({
  subject: a,
  hops: 1,
  sentAt,
  homeAt,
  ...more,
});

describe('what probes come to', () => {
  const waitMs = hourMs;

  it('is nothing before one has ended', () => {
    const under = [probe(undefined, undefined), probe(0, undefined)];
    expect(measure(under, { waitMs, now: hourMs })).toEqual(new Map());
    expect(measure(under, { waitMs, now: hourMs + 1 }).get(a)).toEqual({
      ended: 1,
      home: 0,
      deliveredPerMille: 0,
      medianMs: undefined,
      p90Ms: undefined,
    });
  });

  it('is the part that came home, however late, and the time of a hop', () => {
    const minutes = [10, 20, 30, 40, 50, 60, 70, 80, 90, 300];
    const results = [
      ...minutes.map((home) => probe(0, home * minuteMs)),
      ...[1, 2].map(() => probe(0, undefined)),
      probe(0, 40 * minuteMs, { subject: b, hops: 2 }),
    ];
    const measured = measure(results, { waitMs, now: 10 * hourMs });
    expect(measured.get(a)).toEqual({
      ended: 12,
      home: 10,
      deliveredPerMille: 833,
      medianMs: 50 * minuteMs,
      p90Ms: 90 * minuteMs,
    });
    expect(measured.get(b)?.medianMs).toBe(20 * minuteMs);
  });

  it('decides who may be on the way of a probe about another one', () => {
    const measured = measure([probe(0, 1), probe(0, undefined)], { waitMs, now: 2 * hourMs });
    expect([isReliable(undefined), isReliable(measured.get(a))]).toEqual([true, false]);
  });

  it('waits a quarter of a period, an hour at least, and never longer than a period', () => {
    expect([24 * hourMs, 2 * hourMs, minuteMs].map(probeWaitMs)).toEqual([6 * hourMs, hourMs, minuteMs]);
  });
});
