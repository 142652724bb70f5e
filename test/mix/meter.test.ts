import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/base/units.js';
import { bitsOf, type Flow, flowOf, hopBitsOf, isOverFloor, meterOf } from '../../src/mix/meter.js';
import { defaultNetworkParameters, type Network } from '../../src/route/network.js';
import { manyNodes, networkOf } from '../route/nodes.js';

/**
 * 30 nodes in three layers, as a list's defaults are: so many packets of messages a node and minute, as many of receipts,
 * and three loops. 9 of the 10 exits can be reached from a first node.
 */
const layered = (load: number, more: Partial<Flow> = {}): Flow => ({
  deliveriesPerMinute: 9 * load,
  exits: 9,
  packetsPerInterval: 24 * load + 9,
  intervalMs: 12 * minuteMs,
  hops: 3,
  strategy: { kind: 'pool', minimum: 2, rate: 0.75 },
  ...more,
});

// What the simulator's observer has left of 300 messages, on average, as `mixmailer simulate --study meter` prints it. It
// sees how many packets of each node stay and leave, more than anybody can.
const simulated: readonly (readonly [what: string, flow: Flow, bits: number])[] = [
  ['load 5', layered(5), 10.77],
  ['load 1', layered(1), 8.37],
  ['load 0.5', layered(0.5), 7.24],
  ['load 0.2', layered(0.2), 5.68],
  ['load 0.05', layered(0.05), 3.47],
  ['load 0.01', layered(0.01), 1.39],
  ['a rate of 0.5', layered(1, { strategy: { kind: 'pool', minimum: 2, rate: 0.5 } }), 8.75],
  ['a rate of 0.9', layered(1, { strategy: { kind: 'pool', minimum: 2, rate: 0.9 } }), 7.72],
  ['a minimum of 6', layered(1, { strategy: { kind: 'pool', minimum: 6, rate: 0.75 } }), 8.41],
  ['flushes every 4 minutes', layered(1, { intervalMs: 4 * minuteMs, packetsPerInterval: 8 + 9 }), 6.53],
  ['one loop', layered(1, { packetsPerInterval: 24 + 3 }), 8.36],
  ['one loop at load 0.2', layered(0.2, { packetsPerInterval: 4.8 + 3 }), 5.83],
  ['four layers of 8', layered(1, { deliveriesPerMinute: 8, exits: 8, hops: 4, packetsPerInterval: 24 + 12 }), 8.5],
  // 9 of 100 exits can be reached from a first node.
  ['300 nodes', layered(1), 8.35],
  ['free routes', layered(1, { deliveriesPerMinute: 10, exits: undefined }), 8.6],
  ['free routes at load 0.2', layered(0.2, { deliveriesPerMinute: 2, exits: undefined }), 6.45],
  ['delays of 8 minutes', layered(1, { strategy: { kind: 'poisson', meanMs: 8 * minuteMs } }), 9.04],
  ['delays of 30 minutes', layered(1, { strategy: { kind: 'poisson', meanMs: 30 * minuteMs } }), 10.71],
  ['a threshold of 20', layered(1, { strategy: { kind: 'threshold', count: 20 } }), 6.66],
  ['a threshold of 40', layered(1, { strategy: { kind: 'threshold', count: 40 } }), 7.23],
];

// Where it says too much, printed by the same command.
const tooHigh: typeof simulated = [
  ['a threshold of 20 at load 0.01', layered(0.01, { strategy: { kind: 'threshold', count: 20 } }), 1.04],
  ['successors 4, 3, 1 at load 0.2', layered(0.2, { deliveriesPerMinute: 2, exits: 10 }), 4.95],
  ['no loops at load 0.02', layered(0.02, { packetsPerInterval: 0.48 }), 3.72],
];

describe('the meter', () => {
  it.each(simulated)('says what the simulator finds, to half a bit: %s', (_, flow, bits) => {
    expect(Math.abs(bitsOf(flow) - bits)).toBeLessThan(0.5);
  });

  it.each(simulated)('never promises more than that: %s', (_, flow, bits) => {
    expect(bitsOf(flow)).toBeLessThan(bits);
  });

  it.each(tooHigh)(
    'promises less than a bit too much in networks that are not as they should be: %s',
    (_, flow, bits) => {
      expect(bitsOf(flow)).toBeGreaterThan(bits);
      expect(bitsOf(flow) - bits).toBeLessThan(0.9);
    },
  );

  it('does not jump where few packets come to a node', () => {
    const bits = [0.48, 0.485, 0.486, 0.49, 0.5].map((packetsPerInterval) =>
      bitsOf(layered(0.02, { packetsPerInterval })),
    );
    expect(Math.max(...bits) - Math.min(...bits)).toBeLessThan(0.1);
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
        topology: { kind: 'layers', successors: [3, 3, 2] },
      },
    };
  };

  it('takes all exits together, and packets as they are on average', () => {
    const flow = flowOf(listOf((index) => ({ packets: index < 15 ? 32 : 34, deliveries: index < 10 ? 1440 : 0 })));
    expect(flow).toEqual(layered(1));
  });

  it('counts no exit that says nothing, and can’t tell where none says anything', () => {
    expect(flowOf(listOf((index) => (index < 5 ? { packets: 33, deliveries: 1440 } : undefined)))).toMatchObject({
      deliveriesPerMinute: 4.5,
      exits: 4.5,
    });
    expect(meterOf(listOf(() => undefined))).toBeUndefined();
    expect(meterOf(listOf(() => ({ packets: 9, deliveries: 0 })))).toBe(0);
  });

  it('counts only the exits to which a first node leads', () => {
    const list = listOf(() => ({ packets: 33, deliveries: 480 }));
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
