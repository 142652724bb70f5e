import { mostAddresses, mostPerMailbox } from '../base/bounds.js';
import type { Network } from '../route/network.js';
import type { Heartbeat } from '../mix/heartbeat.js';
import { hopBitsOf } from '../mix/meter.js';
import { atMostEach, atMostGroups } from '../mix/pool.js';
import { leaving as drawLeaving, type Reserve, stricter } from '../mix/strategy.js';
import { heedClock } from '../post/clock-watch.js';
import { addBundles, addLeaving, isOpen } from '../post/bundles.js';
import type { BundleDeps, Leaving } from '../post/bundles.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Directory } from '../ports/network.js';
import type { MixStore } from '../ports/mix-store.js';
import type { Waiting } from '../ports/stores.js';
import { answerWaiting } from './answers.js';
import { addDrops, addLoops } from './cover.js';
import type { CoverDeps } from './cover.js';
import { takePayload } from './exit.js';
import type { ExitDeps } from './exit.js';
import { feelPulse } from './heartbeat.js';
import { forgetReturnAddresses } from './replies.js';
import { mailsLeft, mustShedCover, type ShapeDeps, successorsIn, withinBudget } from './shape.js';
import { countFlush } from './traffic.js';

export interface FlushDeps extends BundleDeps, ExitDeps, ShapeDeps, CoverDeps {
  readonly store: MixStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: Directory;
  /** What this node keeps back at least, if the network's own parameters keep back less. */
  readonly strictest: Reserve;
  /** How long ids of finished messages, packets without a way, and ids of loops are kept. */
  readonly forgetMs: number;
}

const addressOf = ({ to }: Waiting): string | undefined => (to.kind === 'mailbox' ? to.address : undefined);
/** Addresses that differ in case or by a plus detail lead to one mailbox at most providers. */
const mailboxOf = ({ to }: Waiting): string | undefined =>
  to.kind === 'mailbox' ? to.address.toLowerCase().replace(/\+[^@]*/, '') : undefined;

/** The note that says when the pool was flushed last: what was ready then, and is still here, has been passed over. */
const flushed = 'flushed';

/** Which of those that can leave do so at this flush. */
const drawn = (deps: FlushDeps, network: Network, open: readonly Waiting[], now: number): readonly Waiting[] => {
  const { store, rng, strictest } = deps;
  const few = atMostGroups(mostAddresses, open, addressOf, rng);
  const waiting = atMostEach(mostPerMailbox, few, mailboxOf, rng);
  const flushedAt = Number(store.note(flushed) ?? -Infinity);
  // Nothing is known of it when the clock was set back since.
  const lastFlush = flushedAt > now ? -Infinity : flushedAt;
  const held = waiting.map((entry) => ({ entry, passedOver: entry.readyAt <= lastFlush }));
  store.setNote(flushed, `${now}`);
  return drawLeaving(stricter(network.parameters.strategy, strictest), held, rng);
};

/** A pool that is held for one interval only is nothing to be told of. */
const toldOf = 2;

/** Says that the pool is held, or that it no longer is. */
const tellChange = (log: Log, before: Heartbeat, { holding, heldFor, home, expected }: Heartbeat): void => {
  if (heldFor === toldOf) log.warn('mix/holding', { expected: Math.round(expected), home });
  if (before.heldFor >= toldOf && !holding) log.warn('mix/resumed', { expected: Math.round(expected), home });
};

/**
 * The mix interval is over: some of the pool leaves, as much of it as the account has mails left for.
 *
 * Loops and drops join the pool first and are chosen like all others. What leaves the pool is in a finished mail, or part
 * of a message, in the same transaction: killed at any point, a packet is in exactly one place.
 *
 * When too few loops have come home, somebody may be keeping all packets from this node but one, to see where that one
 * goes. Then nothing leaves but loops of nodes that hold their pools, this one's among them.
 *
 * @throws StoreError, RouteError: the pool stays as it was
 */
export const flushOnce = (deps: FlushDeps): void => {
  const { store, clock, directory, tally, log } = deps;
  heedClock(deps);
  const now = clock.now();
  const network = directory.network(now);
  const { before, heart, among } = store.atomically(() => {
    const pulse = feelPulse(store, now);
    const { holding } = pulse.heart;
    const mails = mailsLeft(deps, now);
    // A hop that is not in the list now may be in the next one: its packets wait.
    const open = (): readonly Waiting[] =>
      store.waiting(now).filter(({ to }) => to.kind === 'here' || isOpen(network, to, now));
    const isShort = mustShedCover(mails, open);
    if (isShort) tally.add('budget/cover-shed');
    addLoops(deps, network, now, { throughHold: holding, beside: isShort ? open() : undefined });
    if (!holding && !isShort) addDrops(deps, network, now);
    const waiting = open();
    const going = holding ? waiting.filter(({ throughHold }) => throughHold) : drawn(deps, network, waiting, now);
    if (holding) tally.add('held', waiting.length - going.length);
    const leaving: Leaving = new Map();
    for (const { id, to } of withinBudget(deps, { left: mails, successors: successorsIn(network, deps.self) }, going)) {
      tally.add('out');
      if (to.kind === 'here') takePayload(deps, store.takeFromPool(id), network, now);
      else addLeaving(leaving, to, id);
    }
    addBundles(deps, leaving, network, now);
    tally.add('packet/unknown-next-hop', store.expirePool(now - deps.forgetMs));
    answerWaiting(deps, deps.bounds.expiryMs, now);
    store.forgetMessages(now - deps.forgetMs);
    store.forgetLoops(now - deps.forgetMs);
    forgetReturnAddresses(deps, now);
    return { ...pulse, among: holding ? going.length : waiting.length };
  });
  tellChange(log, before, heart);
  const counts = tally.take();
  log.info('mix', (counts['out'] ?? 0) > 0 ? { ...counts, hopBits: hopBitsOf(among) } : counts);
  countFlush(store, deps.budget, { packets: counts['out'] ?? 0, deliveries: counts['delivery'] ?? 0 }, now);
};
