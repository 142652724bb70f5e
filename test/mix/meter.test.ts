import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/base/units.js';
import { bitsOf, type Flow, flowOf, hopBitsOf, isOverFloor, meterOf } from '../../src/mix/meter.js';
import { defaultNetworkParameters, type Network } from '../../src/route/network.js';
import { manyNodes, networkOf } from '../route/nodes.js';

/** 30 nodes in three layers, as a list's defaults are: so many packets of messages a node and minute, and three loops. */
const layered = (load: number, more: Partial<Flow> = {}): Flow => ({
  deliveriesPerMinute: 10 * load,
  exits: 10,
  packetsPerInterval: 12 * load + 9,
  intervalMs: 12 * minuteMs,
  hops: 3,
  strategy: { kind: 'pool', minimum: 2, rate: 0.72 },
  ...more,
});

// What the simulator's observer has left of 300 messages, on average; the first seed. It sees how many packets of each
// node stay and leave, more than anybody can.
const simulated: readonly (readonly [what: string, flow: Flow, bits: number])[] = [
  ['load 5', layered(5), 10.69],
  ['load 1', layered(1), 8.16],
  ['load 0.5', layered(0.5), 6.82],
  ['load 0.2', layered(0.2), 4.8],
  ['load 0.05', layered(0.05), 2.4],
  ['load 0.01', layered(0.01), 1.24],
  ['a rate of 0.5', layered(1, { strategy: { kind: 'pool', minimum: 2, rate: 0.5 } }), 8.47],
  ['a rate of 0.9', layered(1, { strategy: { kind: 'pool', minimum: 2, rate: 0.9 } }), 7.56],
  ['a minimum of 6', layered(1, { strategy: { kind: 'pool', minimum: 6, rate: 0.72 } }), 8.35],
  ['flushes every 4 minutes', layered(1, { intervalMs: 4 * minuteMs, packetsPerInterval: 4 + 9 }), 5.96],
  ['one loop', layered(1, { packetsPerInterval: 12 + 3 }), 8.32],
  ['one loop at load 0.2', layered(0.2, { packetsPerInterval: 2.4 + 3 }), 5.54],
  ['four layers of 8', layered(1, { deliveriesPerMinute: 8, exits: 8, hops: 4, packetsPerInterval: 12 + 12 }), 8.43],
  // 12 of 100 exits can be reached from a first node.
  ['300 nodes', layered(1, { deliveriesPerMinute: 12, exits: 12 }), 8.47],
  ['free routes', layered(1, { exits: undefined }), 8.54],
  ['free routes at load 0.2', layered(0.2, { exits: undefined }), 6.43],
  ['delays of 8 minutes', layered(1, { strategy: { kind: 'poisson', meanMs: 8 * minuteMs } }), 8.92],
  ['delays of 30 minutes', layered(1, { strategy: { kind: 'poisson', meanMs: 30 * minuteMs } }), 10.6],
  ['a threshold of 20', layered(1, { strategy: { kind: 'threshold', count: 20 } }), 6.55],
  ['a threshold of 40', layered(1, { strategy: { kind: 'threshold', count: 40 } }), 7.23],
];

describe('the meter', () => {
  it.each(simulated)('says what the simulator finds, to half a bit: %s', (_, flow, bits) => {
    expect(Math.abs(bitsOf(flow) - bits)).toBeLessThan(0.5);
  });

  it('grows with what is handed over, from 0 on', () => {
    const bits = [0, 0.001, 0.01, 0.1, 1, 10, 100].map((load) => bitsOf(layered(load)));
    expect(bits[0]).toBe(0);
    expect(bits).toEqual(bits.toSorted((a, b) => a - b));
    expect(new Set(bits).size).toBe(bits.length);
  });
});

describe('the meter of a list', () => {
  const exits = manyNodes(30, () => ['mix', 'exit']);
  const listOf = (load: (index: number) => { packets: number; deliveries: number } | undefined): Network => {
    const nodes = exits.map((node, index) => ({ ...node, load: load(index) }));
    return {
      ...networkOf(nodes),
      parameters: {
        ...defaultNetworkParameters,
        strategy: { kind: 'pool', minimum: 2, rate: 0.72 },
        topology: { kind: 'layers', successors: [4, 3, 1] },
      },
    };
  };

  it('takes all exits together, and packets as they are on average', () => {
    const flow = flowOf(listOf((index) => ({ packets: index < 15 ? 20 : 22, deliveries: index < 10 ? 1440 : 0 })));
    expect(flow).toEqual(layered(1));
  });

  it('counts no exit that says nothing, and can’t tell where none says anything', () => {
    expect(flowOf(listOf((index) => (index < 5 ? { packets: 21, deliveries: 1440 } : undefined)))).toMatchObject({
      deliveriesPerMinute: 5,
      exits: 5,
    });
    expect(meterOf(listOf(() => undefined))).toBeUndefined();
    expect(meterOf(listOf(() => ({ packets: 9, deliveries: 0 })))).toBe(0);
  });

  it('counts only the exits to which a first node leads', () => {
    const list = listOf(() => ({ packets: 21, deliveries: 480 }));
    const parameters = { ...list.parameters, topology: { kind: 'layers', successors: [2, 2, 1] } } as const;
    expect(flowOf({ ...list, parameters })?.deliveriesPerMinute).toBeCloseTo(4);
  });
});

describe('a floor', () => {
  it('is met by as many bits, and by nothing that is not known', () => {
    expect(isOverFloor({ bits: 6, floorBits: 6 })).toBe(true);
    expect(isOverFloor({ bits: 5.99, floorBits: 6 })).toBe(false);
    expect(isOverFloor({ bits: undefined, floorBits: 6 })).toBe(false);
    expect(isOverFloor({ bits: undefined, floorBits: 0 })).toBe(true);
  });
});

it('a flush adds the logarithm of what waited', () => {
  expect([1, 2, 20, 27].map(hopBitsOf)).toEqual([0, 1, 4.3, 4.8]);
});
