import { beat, type Heartbeat, newHeartbeat } from '../mix/heartbeat.js';
import { dayMs } from '../base/units.js';
import { simulate } from './engine.js';
import type { Scenario } from './scenario.js';

// The n-1 attack (Serjantov, Dingledine and Syverson 2002): of all packets only one is let into a node, and what comes out is that one.

/** A network in which somebody keeps all mail from one node. */
export interface Blockade {
  /** Its hooks are taken by the attack. */
  readonly scenario: Omit<Scenario, 'letsPass' | 'holds' | 'onLoop'>;
  /** The node, by number. */
  readonly node: number;
  /** Mean number of loops that each node makes at a flush. */
  readonly loopsPerInterval: number;
  /** Mails of others that would arrive at the node from here on are swallowed, */
  readonly from: number;
  /** up to here. */
  readonly until: number;
}

/** What became of it. */
export interface Noticed {
  /** Time from the beginning of the blockade until the node held its pool; `Infinity` if it never did. */
  readonly heldAfterMs: number;
  /** Times that the node flushed its pool in the blockade before that: what waited there could leave. */
  readonly flushesBefore: number;
  /** Time from the end of the blockade until the pool was released; `Infinity` if it never was. */
  readonly releasedAfterMs: number;
  /** Other nodes that held their pools in the blockade: those whose loops lead over the node. */
  readonly othersHeld: number;
  /** Times that any node held its pool before the blockade, without reason, */
  readonly falseAlarms: number;
  /** in that many days of one node. */
  readonly nodeDays: number;
}

/**
 * Runs the network with the heartbeat of real nodes in each of its nodes, and one of them blockaded.
 *
 * The attacker has all mail of the node in its hands, and may put in as many packets of its own as it likes: they are no loops
 * of the node, so they change nothing here.
 */
export const blockade = (attack: Blockade): Noticed => {
  const { scenario, node, loopsPerInterval, from, until } = attack;
  const nodes = scenario.protocol.world.network.nodes.length;
  const hearts: Heartbeat[] = Array.from({ length: nodes }, () => newHeartbeat);
  const home = new Float64Array(nodes);
  const noticed = { heldAfterMs: Infinity, flushesBefore: 0, releasedAfterMs: Infinity, falseAlarms: 0 };
  const others = new Set<number>();
  const record = (flushing: number, at: number, heart: Heartbeat): void => {
    const isNew = heart.holding && hearts[flushing]?.holding !== true;
    if (at < from) noticed.falseAlarms += Number(isNew);
    else if (flushing !== node) {
      if (isNew && at < until) others.add(flushing);
    } else if (at < until) {
      if (heart.holding) noticed.heldAfterMs = Math.min(noticed.heldAfterMs, at - from);
      else noticed.flushesBefore += Number(noticed.heldAfterMs === Infinity);
    } else if (!heart.holding) noticed.releasedAfterMs = Math.min(noticed.releasedAfterMs, at - until);
  };
  simulate({
    ...scenario,
    letsPass: ({ to, at }) => to !== node || at < from || at >= until,
    onLoop: (maker, _, event) => {
      if (event === 'home') home[maker] = (home[maker] ?? 0) + 1;
    },
    holds: (flushing, at) => {
      const before = hearts[flushing] ?? newHeartbeat;
      const heart = beat(before, { sent: loopsPerInterval, home: home[flushing] ?? 0, now: at });
      record(flushing, at, heart);
      hearts[flushing] = heart;
      home[flushing] = 0;
      return heart.holding;
    },
  });
  return { ...noticed, othersHeld: others.size, nodeDays: (nodes * from) / dayMs };
};
