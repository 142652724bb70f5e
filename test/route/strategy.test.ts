import { describe, expect, it } from 'vitest';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { hopsOf } from '../../src/route/hop.js';
import { delayFor, delaysFor, longestDelayMs } from '../../src/route/strategy.js';
import { manyNodes, networkOf, now, rngOf } from './nodes.js';

describe('delays', () => {
  it('are drawn by senders only where the network has them do it', () => {
    const rng = rngOf('delays');
    expect(delaysFor({ kind: 'pool', minimum: 2, rate: 0.75 }, rng, 3)).toEqual([0, 0, 0]);
    expect(delaysFor({ kind: 'threshold', count: 9 }, rng, 3)).toEqual([0, 0, 0]);
    expect(delayFor({ kind: 'pool', minimum: 2, rate: 0.75 }, rng)).toBe(0);
  });

  it('are exponential, whole milliseconds, another one at each hop, and none at the last', () => {
    const rng = rngOf('exponential');
    const all = Array.from({ length: 5000 }, () => delaysFor({ kind: 'poisson', meanMs: minuteMs }, rng, 3));
    const drawn = all.flatMap((delays) => delays.slice(0, 2));
    expect(all.every((delays) => delays.length === 3 && delays[2] === 0)).toBe(true);
    expect(drawn.every((delay) => Number.isInteger(delay) && delay >= 0)).toBe(true);
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
    // 5 standard deviations of the mean of 10,000.
    expect(Math.abs(mean - minuteMs)).toBeLessThan((5 * minuteMs) / 100);
    // Half of them are below the mean's ln 2; nothing is cut off near it.
    const half = drawn.filter((delay) => delay < Math.LN2 * minuteMs).length;
    expect(Math.abs(half - drawn.length / 2)).toBeLessThan(5 * Math.sqrt(drawn.length / 4));
    expect(Math.max(...drawn)).toBeGreaterThan(6 * minuteMs);
  });

  it('are never longer than a node accepts', () => {
    const rng = rngOf('long');
    const drawn = Array.from({ length: 200 }, () => delayFor({ kind: 'poisson', meanMs: 7 * dayMs }, rng));
    expect(Math.max(...drawn)).toBe(longestDelayMs);
  });

  it('are in the hops of a packet', () => {
    const nodes = manyNodes(3);
    const network = networkOf(nodes);
    const poisson = {
      ...network,
      parameters: { ...network.parameters, strategy: { kind: 'poisson', meanMs: 5000 } },
    } as const;
    expect(hopsOf(nodes, { network, now, rng: rngOf('hops') }).map(({ delayMs }) => delayMs)).toEqual([0, 0, 0]);
    const hops = hopsOf(nodes, { network: poisson, now, rng: rngOf('hops') });
    expect(hops.map(({ nodeId }) => nodeId)).toEqual(nodes.map(({ nodeId }) => nodeId));
    expect(hops.map(({ delayMs }) => delayMs)).toEqual(delaysFor(poisson.parameters.strategy, rngOf('hops'), 3));
  });
});
