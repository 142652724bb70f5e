import { Bug, RouteError } from '../base/errors.js';
import { exponential } from '../base/random.js';
import { domainOf } from '../base/address.js';
import { cutFragments, encodeExitPayload, exitPayloads } from '../message/fragment.js';
import { hopOf } from '../route/hop.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Directory } from '../ports/network.js';
import type { ClientStore, PoolEntry, QueuedMessage } from '../ports/stores.js';
import { addBundles, addLeaving, isOpen } from '../post/bundles.js';
import type { BundleDeps, Leaving } from '../post/bundles.js';
import { chooseExit, choosePath } from '../route/path.js';
import type { PathWish } from '../route/path.js';
import { createPacket } from '../sphinx/packet.js';

export interface SendDeps extends BundleDeps {
  readonly store: ClientStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: Directory;
  readonly rules: PathRules;
  /** Mean of the random time each packet of a message waits before it is mailed. */
  readonly spreadMs: number;
  /** How long a mail handed in again is recognized, and packets wait for a first hop that left the list. */
  readonly forgetMs: number;
}

/** What the user's paths keep to. */
export type PathRules = Pick<PathWish, 'senderProvider' | 'allow'>;

/** Throws RouteError if no path leads to this recipient now. */
export const mustReach = (
  deps: Pick<SendDeps, 'directory' | 'rules' | 'rng'>,
  recipient: string,
  now: number,
): void => {
  chooseExit(wishFor(deps, recipient, now));
};

const wishFor = (
  { directory, rules, rng }: Pick<SendDeps, 'directory' | 'rules' | 'rng'>,
  recipient: string,
  now: number,
): PathWish => {
  const network = directory.network(now);
  return {
    network,
    now,
    rng,
    length: network.parameters.pathLength,
    recipientDomains: [domainOf(recipient)],
    ...rules,
  };
};

/** The packets of a message: all to one exit, each over a path of its own and at a time of its own. */
const packetsOf = (deps: SendDeps, { id, recipient, message }: QueuedMessage): readonly PoolEntry[] => {
  const { clock, crypto, rng, spreadMs } = deps;
  const now = clock.now();
  const wish = wishFor(deps, recipient, now);
  const { nodeId: exit } = chooseExit(wish);
  return exitPayloads(cutFragments(message, id), []).map((content) => {
    const payload = encodeExitPayload(content);
    const hops = choosePath({ ...wish, exit }).map((node) => hopOf(node, now));
    const [first] = hops;
    if (first === undefined) throw new Bug('an empty path');
    const bytes = createPacket(crypto, { hops, last: { kind: 'exit' }, payload, rng });
    return { kind: 'forward', nextHop: first.nodeId, readyAt: now + exponential(rng, spreadMs), bytes };
  });
};

/**
 * One turn of the client: queued messages become packets, and packets whose time has come become mails.
 *
 * Each message moves from queue to packets, and each packet from its place to a finished mail, in one transaction:
 * killed at any point, nothing is in two places or in none. A message that can't be sent as safely as configured stays
 * in the queue, and the log says why.
 *
 * @throws StoreError, RouteError: everything stays where it was
 */
export const sendOnce = (deps: SendDeps): void => {
  const { store, clock, directory, log, forgetMs } = deps;
  const now = clock.now();
  const network = directory.network(now);
  for (const queued of store.queuedMessages()) {
    try {
      const entries = packetsOf(deps, queued);
      store.atomically(() => {
        for (const entry of entries) store.addToPool(entry);
        store.unqueueMessage(queued.id);
      });
    } catch (error) {
      if (!(error instanceof RouteError)) throw error;
      log.warn(error.code, { message: error.message });
    }
  }
  store.atomically(() => {
    let stranded = 0;
    const leaving: Leaving = new Map();
    for (const { id, to } of store.waiting(now)) {
      if (to.kind !== 'node') throw new Bug('something else than a packet for a node in the pool of a client');
      if (isOpen(network, to, now)) addLeaving(leaving, to, id);
      else stranded++;
    }
    addBundles(deps, leaving, network, now);
    if (stranded > 0) log.warn('client/first-hop-not-listed', { packets: stranded });
    const givenUp = store.expirePool(now - forgetMs);
    if (givenUp > 0) log.warn('client/gave-up-packets', { packets: givenUp });
    store.forgetFingerprints(now - forgetMs);
  });
};
