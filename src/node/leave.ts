import { numberAt, timesOf, validPeriods } from '../council/timetable.js';
import { networkAt } from '../follow/network-at.js';
import type { Clock } from '../ports/clock.js';
import { announceOnce } from './announce.js';
import type { AnnounceDeps } from './announce.js';

export interface LeaveDeps extends AnnounceDeps {
  readonly clock: Clock;
  /** Hands over what is due, where no running node does it. */
  readonly post: (signal: AbortSignal) => Promise<void>;
}

/** How long a node that leaves still has work. */
export interface Farewell {
  /** No list names it that is valid then or later. */
  readonly listedUntil: number;
  /** The last of the keys that it has offered is over: nobody has a reply block for it any more. */
  readonly openedUntil: number;
}

/** Lists until one says that the node leaves: a round that has begun goes on without it. */
const roundsUntilTold = 2;
/** Lists that name a node as leaving. */
const leavingLists = 3;

/**
 * Tells the authorities that the node leaves, and remembers it: the running node tells it again as long as no list says
 * so, and announces itself no more.
 *
 * @throws StoreError, ConfigError (keys)
 */
export const leaveNetwork = async (deps: LeaveDeps, signal: AbortSignal): Promise<Farewell> => {
  const { store, clock, directory, self } = deps;
  const now = clock.now();
  store.setLeaving(store.leavingSince() ?? now);
  announceOnce(deps, now);
  await deps.post(signal);
  const network = networkAt(directory, now);
  const periodMs = network?.consensus?.periodMs ?? deps.periodMs;
  const last = numberAt(periodMs, now) + roundsUntilTold + leavingLists - 1;
  const keys = network?.byId.get(self)?.mixKeys ?? [];
  return {
    listedUntil: timesOf(periodMs, last).validFrom + validPeriods * periodMs,
    openedUntil: Math.max(now, ...keys.map(({ expiresAt }) => expiresAt)),
  };
};

/** The node stays after all: it announces itself again. @throws StoreError */
export const stayInNetwork = ({ store }: Pick<LeaveDeps, 'store'>): void => store.setLeaving(undefined);
