import { dayMs, hourMs, minuteMs } from '../base/units.js';
import { bitsOf, type Flow, flowOf } from '../mix/meter.js';
import type { Network, NetworkParameters } from '../route/network.js';
import { better } from '../sim/compare.js';
import { meanOf, measure, type Trial } from '../sim/measure.js';
import { ourDefaults, ours, type OurSettings, trafficOf } from '../sim/ours.js';
import type { Outcome } from '../sim/scenario.js';
import { layeredParameters, worldOf } from '../sim/world.js';
import type { Findings } from './adversaries.js';

/** A network under a load, other than the defaults in what is said. */
interface Case {
  readonly network: string;
  readonly load: number;
  readonly nodes?: number;
  readonly parameters?: Partial<NetworkParameters>;
  readonly settings?: Partial<OurSettings>;
}

const pool = (minimum: number, rate: number): Partial<NetworkParameters> => ({
  strategy: { kind: 'pool', minimum, rate },
});
const poisson = (minutes: number): Partial<NetworkParameters> => ({
  strategy: { kind: 'poisson', meanMs: minutes * minuteMs },
});
const threshold = (count: number): Partial<NetworkParameters> => ({ strategy: { kind: 'threshold', count } });
const free: Partial<NetworkParameters> = { topology: { kind: 'free' } };

/** What the meter is held against, `test/mix/meter.test.ts` first of all. */
const cases: readonly Case[] = [
  { network: 'the defaults', load: 5 },
  { network: 'the defaults', load: 1 },
  { network: 'the defaults', load: 0.5 },
  { network: 'the defaults', load: 0.2 },
  { network: 'the defaults', load: 0.05 },
  { network: 'the defaults', load: 0.01 },
  { network: 'a rate of 0.5', load: 1, parameters: pool(2, 0.5) },
  { network: 'a rate of 0.9', load: 1, parameters: pool(2, 0.9) },
  { network: 'a minimum of 6', load: 1, parameters: pool(6, 0.75) },
  { network: 'flushes every 4 minutes', load: 1, settings: { intervalMs: 4 * minuteMs } },
  { network: 'one loop', load: 1, settings: { loopsPerInterval: 1 } },
  { network: 'one loop', load: 0.2, settings: { loopsPerInterval: 1 } },
  {
    network: 'four layers of 8',
    load: 1,
    nodes: 32,
    parameters: { pathLength: 4, topology: { kind: 'layers', successors: [3, 3, 3, 2] } },
  },
  { network: '300 nodes', load: 1, nodes: 300 },
  { network: 'free routes', load: 1, parameters: free },
  { network: 'free routes', load: 0.2, parameters: free },
  { network: 'delays of 8 minutes', load: 1, parameters: poisson(8) },
  { network: 'delays of 30 minutes', load: 1, parameters: poisson(30) },
  { network: 'a threshold of 20', load: 1, parameters: threshold(20) },
  { network: 'a threshold of 40', load: 1, parameters: threshold(40) },
];

const trialOf = ({ load, nodes = 30, ...more }: Case, { seed, days }: { seed: number; days: number }): Trial => {
  const settings = { ...ourDefaults, ...more.settings };
  const parameters = { ...layeredParameters(settings.intervalMs), ...more.parameters };
  return {
    protocol: ours(worldOf({ nodes, parameters, seed }), settings),
    traffic: trafficOf(load, nodes, parameters.pathLength),
    seed,
    warmUpMs: 6 * hourMs,
    // Where few write, it takes longer until there are enough messages.
    measuredMs: days * Math.min(8, Math.max(1, 0.1 / load)) * dayMs,
    drainMs: 12 * hourMs,
    targets: 300,
  };
};

/** The network's list as it is once its nodes have said what they carry. */
const withLoads = ({ protocol, traffic }: Trial, { handled, measuredDays }: Outcome): Network => {
  const { network, layers } = protocol.world;
  const { intervalMs } = protocol.mixing;
  const delivers = (node: number): boolean => layers === undefined || layers[node] === network.parameters.pathLength;
  const exits = network.nodes.filter((_, node) => delivers(node)).length;
  const nodes = network.nodes.map((descriptor, node) => ({
    ...descriptor,
    load: {
      packets: (handled[node] ?? 0) / ((measuredDays * dayMs) / intervalMs),
      deliveries: delivers(node) ? (traffic.messagesPerMinute * (dayMs / minuteMs)) / exits : 0,
    },
  }));
  return { ...network, nodes };
};

const rounded = (value: number): number => Number(value.toPrecision(3));
const cents = (value: number): number => Number(value.toFixed(2));

/** What the meter says of networks, and what the observer of the simulator is left with. */
export const findMeter = (size: { readonly seed: number; readonly days: number }): Findings => ({
  name: 'meter',
  title: 'The meter, and the observer of the simulator',
  rows: cases.flatMap((one) => {
    const trial = trialOf(one, size);
    const { outcome, recipients } = measure(trial);
    const flow: Flow | undefined = flowOf(withLoads(trial, outcome));
    if (flow === undefined) return [];
    const recipientEntropyBits = cents(meanOf(better(recipients).map(({ bits }) => bits)));
    return [
      {
        network: one.network,
        load: one.load,
        deliveriesPerMinute: rounded(flow.deliveriesPerMinute),
        exitsReached: flow.exits ?? 'any',
        packetsPerNodeInterval: rounded(flow.packetsPerInterval),
        recipientEntropyBits,
        meterBits: cents(bitsOf(flow)),
      },
    ];
  }),
  meaning:
    'Deliveries are those of the exits to which one first node leads. The meter reckons from these, the parameters and nothing else.',
});
