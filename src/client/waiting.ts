import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { type Load, loadsOf } from '../cover/pace.js';
import type { PoolId, PoolStore } from '../ports/stores.js';
import { isOpen } from '../post/bundles.js';
import type { Moment } from './blocks.js';

/** A packet of the pool, and where it goes first. */
export interface Queued {
  readonly id: PoolId;
  readonly nextHop: NodeId;
  readonly readyAt: number;
}

export interface WaitingDeps {
  readonly store: Pick<PoolStore, 'waiting'>;
  readonly rng: Rng;
}

const openPackets = ({ store }: Pick<WaitingDeps, 'store'>, { network, now }: Moment): readonly Queued[] =>
  store.waiting(now).flatMap(({ id, to, readyAt }): readonly Queued[] => {
    if (to.kind !== 'node') throw new Bug('something else than a packet for a node in the pool of a client');
    return isOpen(network, to, now) ? [{ id, nextHop: to.nextHop, readyAt }] : [];
  });

/** All packets that wait for first hops that are open, as `loadsOf` orders them. */
export const openLoads = (deps: WaitingDeps, moment: Moment, room = Infinity): readonly Load<Queued>[] =>
  loadsOf(deps.rng, openPackets(deps, moment), room);

/**
 * Since when that packet waits here that waits longest; Infinity when none does. Packets leave in the order in which they
 * were made, so all that were made before have left.
 */
export const oldestWaiting = (deps: Pick<WaitingDeps, 'store'>, moment: Moment): number =>
  openPackets(deps, moment).reduce((oldest, { readyAt }) => Math.min(oldest, readyAt), Infinity);

/** Whether packets made then may still wait here. Times are kept in whole milliseconds. */
export const mayWait = (madeAt: number, oldest: number): boolean => oldest <= madeAt + 1;
