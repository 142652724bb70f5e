import { exponential, poissonCount, type Rng, shuffled, uniformInt, unitInterval } from '../base/random.js';
import { minuteMs } from '../base/units.js';
import { type Held, leaving } from '../mix/strategy.js';
import { noCover, type Mixing, type Protocol, type Routes } from './protocol.js';
import type { World } from './world.js';

/* How the peers mix, as far as their sources, sample configurations and papers say. Mails: each packet is one, as they
   send it. Ours bundles packets, they don't; that is most of the difference in mails, and none of that in entropy. */

/** A peer, slowed down or quickened: its interval, pool and delays times this, so that latency can be made equal. */
export type Peer = (world: World, scale: number) => Protocol;

/** So many different nodes in any order, none of them the one given. */
const anyNodes = (
  rng: Rng,
  nodes: number,
  { count, but }: { readonly count: number; readonly but?: number },
): number[] => {
  const way: number[] = [];
  while (way.length < Math.min(count, nodes - 1)) {
    const node = uniformInt(rng, nodes);
    if (node !== but && !way.includes(node)) way.push(node);
  }
  return way;
};

/** Free routes over all nodes, all pairs. */
export const freeRoutes = (world: World, length: (rng: Rng) => number, dropHops: number): Routes => {
  const nodes = world.network.nodes.length;
  return {
    message: (rng) => anyNodes(rng, nodes, { count: length(rng) }),
    loop: (rng, node) => [node, ...anyNodes(rng, nodes, { count: length(rng) - 1, but: node }), node],
    drop: (rng, node) => [node, ...anyNodes(rng, nodes, { count: dropHops, but: node })],
    clientDrop: (rng) => anyNodes(rng, nodes, { count: dropHops }),
    answer: undefined,
  };
};

/** Trials until one fails: dummies are made as long as a number drawn is below the chance. */
const untilFailure = (rng: Rng, chance: number): number => {
  let count = 0;
  while (unitInterval(rng) < chance) count++;
  return count;
};
const once = (rng: Rng, chance: number): number => (unitInterval(rng) < chance ? 1 : 0);

/** Each node flushes at a time of its own: who starts a remailer doesn't look at the clock. */
const scattered = (world: World): readonly number[] =>
  // Multiples of the golden ratio, shuffled by a step that shares no factor with usual numbers of nodes.
  world.network.nodes.map((_, node) => (node * 7919 * 0.6180339887498949) % 1);

/** A binomial pool: each packet with probability min(1 - minimum / n, rate), whenever it came. */
export const binomialPool = (world: World, pool: { intervalMs: number; minimum: number; rate: number }): Mixing => {
  const chance = (count: number): number => Math.max(0, Math.min(1 - pool.minimum / Math.max(1, count), pool.rate));
  return {
    intervalMs: pool.intervalMs,
    phases: scattered(world),
    leaving: <T>(waiting: readonly Held<T>[], rng: Rng) => {
      const p = chance(waiting.length);
      return waiting.filter(() => unitInterval(rng) < p).map(({ entry }) => entry);
    },
    chance,
    delayMs: () => 0,
  };
};

/**
 * Mixmaster with its sample configuration: POOLSIZE 45, RATE 65, SENDPOOLTIME 15 minutes, four hops, INDUMMYP 3 (dummies
 * for each message that comes in), OUTDUMMYP 10 (in each round of the pool), of four hops.
 */
export const mixmaster: Peer = (world, scale) => ({
  name: 'mixmaster',
  world,
  hops: 4,
  routes: freeRoutes(world, () => 4, 4),
  mixing: binomialPool(world, { intervalMs: 15 * minuteMs * scale, minimum: 45 * scale, rate: 0.65 }),
  cover: {
    ...noCover,
    dropsOnArrival: (rng) => untilFailure(rng, 0.03),
    dropsAtFlush: (rng) => untilFailure(rng, 0.1),
  },
  mails: 'one-a-packet',
});

/**
 * YAMN as it comes: a pool of 5, every 5 minutes; its rate of 65 % is applied twice, so 42 % leave. Three hops; a dummy
 * of two hops with 55/256 of all forwarded, and with 80/256 of all that a client sends.
 */
export const yamn: Peer = (world, scale) => ({
  name: 'yamn',
  world,
  hops: 3,
  routes: freeRoutes(world, () => 3, 2),
  mixing: binomialPool(world, { intervalMs: 5 * minuteMs * scale, minimum: 5 * scale, rate: 0.42 }),
  cover: {
    ...noCover,
    dropsOnArrival: (rng) => once(rng, 55 / 256),
    dropsBesideMessage: (rng) => once(rng, 80 / 256),
  },
  mails: 'one-a-packet',
});

/** Normally distributed, by the method of Box and Muller. */
const normal = (rng: Rng, mean: number, deviation: number): number =>
  mean + deviation * Math.sqrt(2 * exponential(rng, 1)) * Math.cos(2 * Math.PI * unitInterval(rng));

/** Hops of a path: a whole number near a normally distributed one. */
const mixminionHops = (rng: Rng): number => Math.min(10, Math.max(2, Math.round(normal(rng, 5, 1.5))));

/**
 * Mixminion: timed dynamic pool, every 30 minutes at most 60 % of the pool, of which at least 5 stay; paths of 5 hops on
 * average, with a deviation of 1.5.
 */
export const mixminion: Peer = (world, scale) => {
  const batch = (count: number): number => Math.max(0, Math.min(count - 5 * scale, count * 0.6));
  return {
    name: 'mixminion',
    world,
    hops: undefined,
    routes: freeRoutes(world, mixminionHops, 5),
    mixing: {
      intervalMs: 30 * minuteMs * scale,
      phases: scattered(world),
      leaving: <T>(waiting: readonly Held<T>[], rng: Rng) =>
        shuffled(rng, waiting)
          .slice(0, Math.floor(batch(waiting.length)))
          .map(({ entry }) => entry),
      chance: (count) => batch(count) / Math.max(1, count),
      delayMs: () => 0,
    },
    cover: noCover,
    mails: 'one-a-packet',
  };
};

/**
 * Loopix, and Katzenpost after it, at the pace of e-mail: three layers, any node after any of the layer before, delays
 * drawn by the sender with a mean of 8 minutes a hop (theirs are a second or so, which no mail server keeps up with);
 * clients who mail at drawn times whether or not they have a message; loops of nodes as many as ours.
 *
 * @param world in layers in which all follow all
 */
export const loopix =
  (routes: Routes, loopsPerMinute: number): Peer =>
  (world, scale) => ({
    name: 'loopix',
    world,
    hops: 3,
    routes: { ...routes, answer: undefined },
    mixing: {
      intervalMs: 0,
      phases: [],
      leaving: (waiting, rng) => leaving({ kind: 'poisson', meanMs: 8 * minuteMs * scale }, waiting, rng),
      chance: () => 1,
      delayMs: (rng) => exponential(rng, 8 * minuteMs * scale),
    },
    cover: { ...noCover, loopsAtFlush: (rng) => poissonCount(rng, loopsPerMinute) },
    mails: 'one-a-packet',
  });
