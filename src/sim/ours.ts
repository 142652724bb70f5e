import { exponential, wholeCount } from '../base/random.js';
import { minuteMs } from '../base/units.js';
import { usualLoopsPerInterval } from '../cover/loops.js';
import { chanceToLeave, leaving } from '../mix/strategy.js';
import { phaseOf } from '../path/phase.js';
import { unreachable } from '../base/errors.js';
import { noCover, type Protocol } from './protocol.js';
import { ourRoutes } from './routes.js';
import type { Traffic } from './scenario.js';
import type { World } from './world.js';

/** What nodes and clients do beside what stands in the list. */
export interface OurSettings {
  readonly intervalMs: number;
  /** Loops of a node in a mix interval, on average. */
  readonly loopsPerInterval: number;
}

export const ourDefaults: OurSettings = { intervalMs: 12 * minuteMs, loopsPerInterval: usualLoopsPerInterval };

/** MixMailer, as the world's list has its parameters. */
export const ours = (world: World, settings: OurSettings = ourDefaults): Protocol => {
  const { network } = world;
  const { strategy } = network.parameters;
  return {
    name: 'mixmailer',
    world,
    hops: network.parameters.pathLength,
    routes: ourRoutes(world),
    mixing: {
      intervalMs: settings.intervalMs,
      phases: network.nodes.map(({ nodeId }) => phaseOf(network, nodeId)),
      leaving: (waiting, rng) => leaving(strategy, waiting, rng),
      chance: (count, passedOver) => {
        switch (strategy.kind) {
          case 'pool':
            return chanceToLeave(strategy, count, passedOver);
          case 'poisson':
            return 1 - Math.exp(-settings.intervalMs / strategy.meanMs);
          case 'threshold':
            return count >= strategy.count ? 1 : 0;
          default:
            return unreachable(strategy);
        }
      },
      delayMs: (rng) => (strategy.kind === 'poisson' ? exponential(rng, strategy.meanMs) : 0),
    },
    cover: { ...noCover, loopsAtFlush: (rng) => wholeCount(rng, settings.loopsPerInterval) },
    mails: 'bundles',
  };
};

/** A user's messages a day. */
const messagesPerClientDay = 10;

/**
 * Traffic of that load: users who write ten messages a day each, as many of them as it takes.
 *
 * @param load packets of messages that a node handles in a minute, on average
 * @param hops of a message
 */
export const trafficOf = (load: number, nodes: number, hops: number): Traffic => {
  const messagesPerMinute = (load * nodes) / hops;
  return {
    messagesPerMinute,
    clients: Math.max(1, Math.round((messagesPerMinute * 1440) / messagesPerClientDay)),
    pace: undefined,
  };
};
