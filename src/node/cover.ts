import { RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { poissonCount, wholeCount } from '../base/random.js';
import type { Rng } from '../base/random.js';
import { createCoverDrop } from '../cover/drops.js';
import { createLoop } from '../cover/loops.js';
import type { Loop } from '../cover/loops.js';
import type { PathWish } from '../path/path.js';
import type { LoopStore, NoteStore, PoolStore, Waiting } from '../ports/stores.js';
import type { Network } from '../route/network.js';
import { delayFor } from '../route/strategy.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { countSent } from './heartbeat.js';
import type { Tally } from './tally.js';

export interface CoverDeps {
  readonly store: Pick<PoolStore, 'addToPool'> & LoopStore & NoteStore;
  readonly crypto: SphinxCrypto;
  readonly rng: Rng;
  readonly tally: Tally;
  readonly self: NodeId;
  /** Mean number of loops a node sends to itself at each flush: always the same, or one more or less. */
  readonly loopsPerInterval: number;
  /** Mean number of drops a node sends at each flush. */
  readonly dropsPerInterval: number;
}

/** In a network without a way for this node its cover stays out, and its packets are moved all the same. */
const unlessNoPath = <T>({ tally }: CoverDeps, make: () => readonly T[]): readonly T[] | undefined => {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    tally.add('cover/no-path');
    return undefined;
  }
};

/**
 * Those that cost no mail, because packets wait that go the same way; if none does, those of one way. So an account that
 * is short of mails has its heartbeat still: whoever floods a node with packets for many others would else put it out.
 */
const cheapest = (loops: readonly Loop[], waiting: readonly Waiting[]): readonly Loop[] => {
  const ways = new Set(waiting.map(({ to }) => (to.kind === 'node' ? to.nextHop : undefined)));
  const free = loops.filter(({ firstHop }) => ways.has(firstHop));
  return free.length > 0 ? free : loops.filter(({ firstHop }) => firstHop === loops[0]?.firstHop);
};

/**
 * Puts this interval's loops into the pool. Inside a transaction.
 *
 * @param how `throughHold`: as those of a node that holds its pool. `beside`: what waits in the pool of a node that is short
 *   of mails; then only the cheapest are sent
 */
export const addLoops = (
  deps: CoverDeps,
  network: Network,
  now: number,
  how: { readonly throughHold: boolean; readonly beside: readonly Waiting[] | undefined },
): void => {
  const { store, crypto, rng, self, loopsPerInterval } = deps;
  const { throughHold, beside } = how;
  const count = wholeCount(rng, loopsPerInterval);
  const made = unlessNoPath(deps, () =>
    Array.from({ length: count }, () => createLoop(crypto, { network, self, now, rng, throughHold })),
  );
  if (made === undefined) return;
  const sent = beside === undefined ? made : cheapest(made, beside);
  for (const { loopId, firstHop, packet } of sent) {
    const readyAt = throughHold ? now : now + delayFor(network.parameters.strategy, rng);
    store.addToPool({ kind: 'forward', nextHop: firstHop, readyAt, throughHold, bytes: packet });
    store.addLoop(loopId, now);
  }
  countSent(store, (loopsPerInterval * sent.length) / Math.max(1, made.length));
};

/** Puts this interval's drops into the pool; in a list with layers they go where all packets of this node go. */
export const addDrops = (deps: CoverDeps, network: Network, now: number): void => {
  const { store, crypto, rng, self, dropsPerInterval } = deps;
  const wish: PathWish = {
    network,
    now,
    rng,
    length: network.parameters.pathLength,
    senderProvider: network.byId.get(self)?.provider ?? '',
    recipientDomains: [],
    allow: new Set(),
    from: self,
    lastRole: 'mix',
  };
  const count = poissonCount(rng, dropsPerInterval);
  const drops = unlessNoPath(deps, () => Array.from({ length: count }, () => createCoverDrop(crypto, wish))) ?? [];
  for (const { firstHop, packet } of drops) {
    const readyAt = now + delayFor(network.parameters.strategy, rng);
    store.addToPool({ kind: 'forward', nextHop: firstHop, readyAt, bytes: packet });
  }
};
