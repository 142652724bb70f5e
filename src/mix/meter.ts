import { unreachable } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { Network } from '../route/network.js';
import { meanIntervalMs } from '../route/schedule.js';
import type { Strategy } from '../route/strategy.js';
import { chanceToLeave } from './strategy.js';

type PoolStrategy = Extract<Strategy, { kind: 'pool' }>;

/** What a network's mails hide among. */
export interface Flow {
  /** Mails that a packet's possible exits hand over, in a minute, all together. */
  readonly deliveriesPerMinute: number;
  /** How many exits these are; undefined where any node may follow any other. */
  readonly exits: number | undefined;
  /** Packets that come to a node between two of its flushes, cover among them. */
  readonly packetsPerInterval: number;
  readonly intervalMs: number;
  readonly hops: number;
  readonly strategy: Strategy;
}

/**
 * Of all mails that could be the one, what is left to an observer who counts how many packets stay and leave, where any node
 * may follow any other.
 */
const partsLeft = { pool: 0.72, poisson: 1.2, threshold: 0.4 } as const;
/** Mails handed over by an exit at a flush, with which half of that is left in layers: of few it is known where any are. */
const halfAtPerFlush = 1;
/** However few they are. */
const leastPart = 0.35;

/**
 * The same for that flow, fitted to the observer of the simulator so that the meter says no more than that one has left, and
 * less than half a bit less (`mixmailer simulate --study meter`): for 30 to 300 nodes, in free routes or with the usual
 * successors, pools at 0.01 to 5 packets of messages a node and minute, delays and thresholds at 1.
 */
const partLeft = ({ strategy, deliveriesPerMinute, exits, intervalMs }: Flow): number => {
  const part = partsLeft[strategy.kind];
  if (exits === undefined) return part;
  const perFlush = (deliveriesPerMinute * intervalMs) / minuteMs / exits;
  return Math.max(leastPart, (part * perFlush) / (perFlush + halfAtPerFlush));
};

/** Cells in which times are reckoned: of an interval, or of what else a packet waits, and in all. */
const cellsPerWait = 16;
const mostCells = 1024;

/** How likely something takes how long: one probability a cell. */
type Times = Float64Array;

const sumOf = (a: Times, b: Times): Times => {
  const sum = new Float64Array(mostCells);
  a.forEach((p, i) => {
    if (p > 1e-9) for (let j = 0; i + j < mostCells; j++) sum[i + j] = (sum[i + j] ?? 0) + p * (b[j] ?? 0);
  });
  return sum;
};

const evenly = (cells: number): Times =>
  new Float64Array(mostCells).fill(1 / Math.max(1, cells), 0, Math.max(1, cells));

/** Of a timed pool: the flushes that a packet waits beyond the first. */
const flushesWaited = ({ packetsPerInterval }: Flow, pool: PoolStrategy, cells: number): Times => {
  const chance = (count: number, passedOver: boolean): number => Math.max(0.05, chanceToLeave(pool, count, passedOver));
  let waiting = packetsPerInterval + pool.minimum;
  // Those that came, and those that were passed over; the one follows from the other. Half the way at a time: where few
  // packets come, whole steps swing between two answers for ever.
  for (let round = 0; round < 50; round++)
    waiting = (waiting + packetsPerInterval * (1 + (1 - chance(waiting, false)) / chance(waiting, true))) / 2;
  const seasoned = chance(waiting, true);
  const fresh = chance(waiting, false);
  const times = new Float64Array(mostCells);
  for (let flush = 0; flush * cells < mostCells; flush++)
    times[flush * cells] = flush === 0 ? fresh : (1 - fresh) * seasoned * (1 - seasoned) ** (flush - 1);
  return times;
};

/** What a packet waits at a node beyond the node's next flush. */
const waitAt = (flow: Flow, cellMs: number, isLast: boolean): Times => {
  const { strategy, intervalMs, packetsPerInterval } = flow;
  switch (strategy.kind) {
    case 'pool':
      return flushesWaited(flow, strategy, Math.round(intervalMs / cellMs));
    case 'poisson': {
      if (isLast) return evenly(1);
      const stays = Math.exp(-cellMs / strategy.meanMs);
      return new Float64Array(mostCells).map((_, cell) => (1 - stays) * stays ** cell);
    }
    case 'threshold':
      return evenly(Math.round((strategy.count / Math.max(1e-6, packetsPerInterval)) * (intervalMs / cellMs)));
    default:
      return unreachable(strategy);
  }
};

/** The longest of the usual waits of a packet at a node. */
const usualWaitMs = ({ strategy, intervalMs, packetsPerInterval }: Flow): number => {
  switch (strategy.kind) {
    case 'pool':
      return intervalMs;
    case 'poisson':
      return Math.max(intervalMs, strategy.meanMs);
    case 'threshold':
      return intervalMs * Math.max(1, strategy.count / Math.max(1e-6, packetsPerInterval));
    default:
      return unreachable(strategy);
  }
};

/**
 * Minutes over which the delivery of a mail is spread for who knows when it was sent: as many as would be if each of them
 * were as likely, 2 to the entropy of the time it takes. When nodes flush is known; so the first flush adds nothing, the
 * phases of the others do.
 */
const spreadMinutes = (flow: Flow): number => {
  const cellMs = usualWaitMs(flow) / cellsPerWait;
  const between = evenly(Math.round(flow.intervalMs / cellMs));
  let times = waitAt(flow, cellMs, flow.hops === 1);
  for (let hop = 1; hop < flow.hops; hop++)
    times = sumOf(sumOf(times, between), waitAt(flow, cellMs, hop === flow.hops - 1));
  const entropy = times.reduce((sum, p) => (p > 0 ? sum - p * Math.log2(p) : sum), 0);
  return (2 ** entropy * cellMs) / minuteMs;
};

/**
 * Bits of anonymity that such a flow gives a mail: the logarithm of how many mails that are handed over could be it, for
 * somebody who sees all mails of all nodes. At least 0.
 *
 * It is a mean over mails, and meant to be rather too low. It does not know
 *
 * - cover of clients, which blurs who sent; this is about who gets;
 * - what single mails have: at little traffic some can be followed with certainty, whatever the mean;
 * - networks unlike those it was fitted to. It is too high by 0.4 bits for a threshold, by 0.6 behind a last layer with one
 *   successor, and by 0.8 without loops, all of that where traffic is small;
 * - an observer who reckons better than the simulator's, has nodes or providers on its side, keeps mails back, or sees many
 *   messages of one person.
 */
export const bitsOf = (flow: Flow): number =>
  Math.log2(1 + partLeft(flow) * flow.deliveriesPerMinute * spreadMinutes(flow));

const minutesADay = 24 * 60;

/** The part of the exits to which packets can come from one first node: few successors lead to few of many. */
const partReached = ({ parameters: { topology, pathLength }, nodes }: Network): number => {
  if (topology.kind === 'free' || pathLength === 1) return 1;
  const reached = topology.successors.slice(0, -1).reduce((product, count) => product * count, 1);
  return Math.min(1, (reached * pathLength) / nodes.length);
};

/** The flow of a network as its list tells it; undefined where no exit says how much it hands over. */
export const flowOf = (network: Network): Flow | undefined => {
  const { parameters } = network;
  const loads = network.nodes.flatMap(({ roles, load }) => (load === undefined ? [] : [{ roles, ...load }]));
  const exits = loads.filter(({ roles, deliveries }) => roles.includes('exit') && deliveries > 0);
  const intervalMs = meanIntervalMs(parameters.mixSchedule);
  if (!loads.some(({ roles }) => roles.includes('exit')) || intervalMs === undefined) return undefined;
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const reached = partReached(network);
  return {
    deliveriesPerMinute: (reached * sum(exits.map(({ deliveries }) => deliveries))) / minutesADay,
    exits: parameters.topology.kind === 'free' ? undefined : Math.max(1, reached * exits.length),
    packetsPerInterval: sum(loads.map(({ packets }) => packets)) / loads.length,
    intervalMs,
    hops: parameters.pathLength,
    strategy: parameters.strategy,
  };
};

/**
 * The meter: bits of anonymity of a mail that is sent now through the network of that list, by its nodes' own word;
 * undefined where the list doesn't tell.
 */
export const meterOf = (network: Network): number | undefined => {
  const flow = flowOf(network);
  return flow && bitsOf(flow);
};

/** What the meter says now, and what is asked for. */
export interface Meter {
  /** Undefined: it can't tell. */
  readonly bits: number | undefined;
  /** Below these nothing is sent; 0: it is sent whatever the meter says. */
  readonly floorBits: number;
}

/** Whether messages may go. Where nothing is known, a floor is not met. */
export const isOverFloor = ({ bits, floorBits }: Meter): boolean =>
  floorBits === 0 || (bits !== undefined && bits >= floorBits);

/**
 * What one flush of one node adds: the logarithm of how many packets could be any one of those that left, to a tenth.
 *
 * @param count packets that waited, cover among them; at least 1
 */
export const hopBitsOf = (count: number): number => Math.round(10 * Math.log2(count)) / 10;
