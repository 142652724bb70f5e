import { minuteMs } from '../base/units.js';

/** What a network's mails hide among. */
export interface Flow {
  /** Mails that its exits hand over, in a minute, all together. */
  readonly deliveriesPerMinute: number;
  /** Packets that come to a node between two of its flushes, cover among them. */
  readonly packetsPerInterval: number;
  readonly intervalMs: number;
  readonly hops: number;
  readonly pool: { readonly minimum: number; readonly rate: number };
  /** Whether each node has few successors, so that not every mail can come out everywhere. */
  readonly isRestricted: boolean;
}

/** Steps of a mix interval in which times are reckoned. */
const steps = 16;
/** Bits that few successors cost, and that a pool tells by how much of it leaves: as simulated. */
const restrictionBits = 0.5;
const mostIntervals = 64;

const convolved = (a: Float64Array, b: Float64Array): Float64Array => {
  const sum = new Float64Array(a.length);
  a.forEach((p, i) => {
    if (p > 0)
      for (let j = 0; j < b.length && i + j < sum.length; j++) sum[i + j] = (sum[i + j] ?? 0) + p * (b[j] ?? 0);
  });
  return sum;
};

/** Packets that wait at a flush on average, with those that have been passed over before. */
const waitingAtFlush = ({ packetsPerInterval, pool: { minimum, rate } }: Flow): number => {
  let waiting = packetsPerInterval + minimum;
  for (let round = 0; round < 100; round++) {
    const most = Math.max(0.05, 1 - minimum / Math.max(1, waiting));
    waiting = packetsPerInterval * (1 + (1 - Math.min(most, rate)) / most);
  }
  return waiting;
};

/** How long a packet of a known time of arrival is under way, as an observer knows it: one probability a step. */
const spreadOf = (flow: Flow): Float64Array => {
  const { hops, pool } = flow;
  const most = Math.max(0.05, 1 - pool.minimum / Math.max(1, waitingAtFlush(flow)));
  const fresh = Math.min(most, pool.rate);
  const wait = new Float64Array(steps * mostIntervals);
  for (let flush = 0; flush < mostIntervals; flush++)
    wait[flush * steps] = flush === 0 ? fresh : (1 - fresh) * most * (1 - most) ** (flush - 1);
  const between = new Float64Array(steps).fill(1 / steps);
  let spread: Float64Array = wait;
  for (let hop = 1; hop < hops; hop++) spread = convolved(convolved(spread, between), wait);
  return spread;
};

/** Bits of anonymity that such a flow gives a mail, at least 0. */
export const bitsOf = (flow: Flow): number => {
  const entropy = spreadOf(flow).reduce((sum, p) => (p > 0 ? sum - p * Math.log2(p) : sum), 0);
  const widthMinutes = (2 ** entropy * flow.intervalMs) / steps / minuteMs;
  const bits = Math.log2(1 + flow.deliveriesPerMinute * widthMinutes);
  return Math.max(0, bits - (flow.isRestricted ? restrictionBits : 0));
};
