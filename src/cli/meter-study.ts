import { Bug } from '../base/errors.js';
import { dayMs, minuteMs } from '../base/units.js';
import { bitsOf, type Flow, flowOf } from '../mix/meter.js';
import type { Network, NetworkParameters } from '../route/network.js';
import { better } from '../sim/compare.js';
import { meanOf, measure, quantile, type Trial } from '../sim/measure.js';
import type { OurSettings } from '../sim/ours.js';
import type { Outcome } from '../sim/scenario.js';
import type { Findings } from './adversaries.js';
import { minutes, rounded, type Size, trialOf } from './studies.js';

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
const layers = (...successors: readonly number[]): Partial<NetworkParameters> => ({
  topology: { kind: 'layers', successors },
});
const free: Partial<NetworkParameters> = { topology: { kind: 'free' } };

/** What the meter is fitted to; and, last of all, networks of which it says too much. */
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
    parameters: { pathLength: 4, ...layers(3, 3, 3, 2) },
  },
  { network: '300 nodes', load: 1, nodes: 300 },
  { network: 'free routes', load: 1, parameters: free },
  { network: 'free routes', load: 0.2, parameters: free },
  { network: 'delays of 8 minutes', load: 1, parameters: poisson(8) },
  { network: 'delays of 30 minutes', load: 1, parameters: poisson(30) },
  { network: 'a threshold of 20', load: 1, parameters: threshold(20) },
  { network: 'a threshold of 40', load: 1, parameters: threshold(40) },
  { network: 'a threshold of 20', load: 0.01, parameters: threshold(20) },
  { network: 'successors 4 3 1', load: 0.2, parameters: layers(4, 3, 1) },
  { network: 'no loops', load: 0.02, settings: { loopsPerInterval: 0 } },
];

/** Where few write, it takes longer until there are enough messages. */
const longer = (size: Size, load: number): Size => ({
  ...size,
  days: size.days * Math.min(8, Math.max(1, 0.1 / load)),
});

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

const hundredths = (value: number): number => Number(value.toFixed(2));

/** What the meter reckons from there. */
const flowIn = (trial: Trial, outcome: Outcome): Flow => {
  const flow = flowOf(withLoads(trial, outcome));
  if (flow === undefined) throw new Bug('a simulated network tells its load');
  return flow;
};

/** What the meter says of networks, and what the observer of the simulator is left with. */
export const findMeter = (size: Size): Findings => ({
  name: 'meter',
  title: 'The meter, and the observer of the simulator',
  rows: cases.map(({ network, load, nodes = size.nodes, ...more }) => {
    const trial = { ...trialOf(longer({ ...size, nodes }, load), load, more), drainMs: dayMs / 2, targets: 300 };
    const { outcome, recipients } = measure(trial);
    const flow = flowIn(trial, outcome);
    return {
      network,
      load,
      deliveriesPerMinute: rounded(flow.deliveriesPerMinute),
      exits: flow.exits ?? 'any',
      packetsPerNodeInterval: rounded(flow.packetsPerInterval),
      recipientEntropyBits: hundredths(meanOf(better(recipients).map(({ bits }) => bits))),
      meterBits: hundredths(bitsOf(flow)),
    };
  }),
  meaning:
    'Deliveries and exits are those to which one first node leads. The meter reckons from these, the packets and the parameters.',
});

/** What is left of anonymity and latency when fewer people write, and whether the meter knows. */
export const findLoads = (size: Size, loads: readonly number[]): Findings => ({
  name: 'load',
  title: 'The defaults under less load, and what the meter says',
  rows: loads.map((load) => {
    const trial = trialOf(longer(size, load), load);
    const { outcome, recipients } = measure(trial);
    const flow = flowIn(trial, outcome);
    const bits = better(recipients).map((one) => one.bits);
    return {
      load,
      medianLatencyMin: minutes(quantile(outcome.latenciesMs, 0.5)),
      p99LatencyMin: minutes(quantile(outcome.latenciesMs, 0.99)),
      recipientEntropyBits: rounded(meanOf(bits)),
      meterBits: rounded(bitsOf(flow)),
      packetsPerNodeInterval: rounded(flow.packetsPerInterval),
      relayMailsPerNodeDay: Math.round(meanOf([...outcome.relayMails]) / outcome.measuredDays),
    };
  }),
  meaning:
    'The meter reckons from what a list says: deliveries a minute, packets a node and interval, parameters. It sees no mail.',
});
