import { RouteError } from '../base/errors.js';
import { poissonCount } from '../base/random.js';
import type { NodeId } from '../base/ids.js';
import type { Network } from '../route/network.js';
import { delayFor } from '../route/strategy.js';
import { createLoop } from '../cover/loops.js';
import { atMostEach, atMostGroups } from '../mix/pool.js';
import { leaving as drawLeaving, type Reserve, stricter } from '../mix/strategy.js';
import { addBundles, addLeaving, isOpen } from '../post/bundles.js';
import type { BundleDeps, Leaving } from '../post/bundles.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Directory } from '../ports/network.js';
import type { MixStore, Waiting } from '../ports/stores.js';
import { answerWaiting } from './answers.js';
import { takePayload } from './exit.js';
import type { ExitDeps } from './exit.js';
import { forgetReturnAddresses } from './replies.js';

export interface FlushDeps extends BundleDeps, ExitDeps {
  readonly store: MixStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: Directory;
  readonly self: NodeId;
  /** What this node keeps back at least, if the network's own parameters keep back less. */
  readonly strictest: Reserve;
  /** Mean number of loops a node sends to itself at each flush. */
  readonly loopsPerInterval: number;
  /** How long ids of finished messages, and packets without a way, are kept. */
  readonly forgetMs: number;
}

/**
 * Addresses of mailboxes that get a mail at a flush: 150 an hour. Anybody can make a reply block that ends anywhere; 32
 * mails that come in would else make 2,000 that go out, to strangers, and providers close accounts that do so.
 */
const mostAddresses = 30;
const addressOf = ({ to }: Waiting): string | undefined => (to.kind === 'mailbox' ? to.address : undefined);
/** Packets for one mailbox that leave at a flush: one mail. More wait, so that nobody has a mailbox flooded. */
const mostPerMailbox = 64;
/** Addresses that differ in case or by a plus detail lead to one mailbox at most providers. */
const mailboxOf = ({ to }: Waiting): string | undefined =>
  to.kind === 'mailbox' ? to.address.toLowerCase().replace(/\+[^@]*/, '') : undefined;

/** The note that says when the pool was flushed last: what was ready then, and is still here, has been passed over. */
const flushed = 'flushed';

/** Puts this interval's loops into the pool. A network without a way around for this node still has its packets moved. */
const addLoops = (
  { store, crypto, rng, tally, self, loopsPerInterval }: FlushDeps,
  network: Network,
  now: number,
): void => {
  try {
    for (let loops = poissonCount(rng, loopsPerInterval); loops > 0; loops--) {
      const { firstHop, packet } = createLoop(crypto, { network, self, now, rng });
      store.addToPool({
        kind: 'forward',
        nextHop: firstHop,
        readyAt: now + delayFor(network.parameters.strategy, rng),
        bytes: packet,
      });
    }
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    tally.add('cover/no-path');
  }
};

/**
 * The mix interval is over: some of the pool leaves.
 *
 * Loops join the pool first and are chosen like all others. What leaves the pool is in a finished mail, or part of a
 * message, in the same transaction: killed at any point, a packet is in exactly one place.
 *
 * @throws StoreError, RouteError: the pool stays as it was
 */
export const flushOnce = (deps: FlushDeps): void => {
  const { store, clock, rng, directory, tally, log } = deps;
  const now = clock.now();
  const network = directory.network(now);
  const strategy = stricter(network.parameters.strategy, deps.strictest);
  store.atomically(() => {
    addLoops(deps, network, now);
    // A hop that is not in the list now may be in the next one: its packets wait.
    const open = store.waiting(now).filter(({ to }) => to.kind === 'here' || isOpen(network, to, now));
    const few = atMostGroups(mostAddresses, open, addressOf, rng);
    const waiting = atMostEach(mostPerMailbox, few, mailboxOf, rng);
    const lastFlush = Number(store.note(flushed) ?? -Infinity);
    const held = waiting.map((entry) => ({ entry, passedOver: entry.readyAt <= lastFlush }));
    store.setNote(flushed, `${now}`);
    const leaving: Leaving = new Map();
    for (const { id, to } of drawLeaving(strategy, held, rng)) {
      tally.add('out');
      if (to.kind === 'here') takePayload(deps, store.takeFromPool(id), network, now);
      else addLeaving(leaving, to, id);
    }
    addBundles(deps, leaving, network, now);
    tally.add('packet/unknown-next-hop', store.expirePool(now - deps.forgetMs));
    answerWaiting(deps, deps.bounds.expiryMs, now);
    store.forgetMessages(now - deps.forgetMs);
    forgetReturnAddresses(deps, now);
  });
  log.info('mix', tally.take());
};
