import { mostForMailboxes, mostStrangers } from '../base/bounds.js';
import { unreachable } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { type Burden, isTooLongFor } from '../carrier/intake.js';
import { judge } from '../mix/verdict.js';
import type { Bench } from '../mix/verdict.js';
import { placesOf } from '../path/topology.js';
import type { Clock } from '../ports/clock.js';
import type { Directory } from '../ports/network.js';
import type { LoopStore, NoteStore, PoolStore, ReplayStore, Store } from '../ports/stores.js';
import type { UnwrapResult } from '../ports/unwrapper.js';
import { decoyHop } from '../post/bundles.js';
import type { Network } from '../route/network.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { createMailboxPacket } from '../sphinx/mailbox.js';
import { comesHome } from './heartbeat.js';
import type { Tally } from './tally.js';

export interface KeepDeps {
  readonly store: Store & ReplayStore & PoolStore & NoteStore & LoopStore;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly crypto: SphinxCrypto;
  readonly rng: Rng;
  readonly directory: Directory;
  readonly self: NodeId;
  /** @throws RouteError when there is no valid network list */
  readonly bench: (now: number) => Bench;
}

/**
 * Lists change, and a sender may have the next one already: a packet for a node unknown here waits, while there is
 * room, until the node is known. Counted when the first such packet comes, because it seldom does.
 */
const withRoomForStrangers = (bench: Bench, store: PoolStore): Bench => {
  let strangers: number | undefined;
  return {
    ...bench,
    knows: (node) => {
      if (bench.knows(node)) return true;
      strangers ??= store.waiting(Infinity).filter(({ to }) => to.kind === 'node' && !bench.knows(to.nextHop)).length;
      return strangers++ < mostStrangers;
    },
  };
};

/** Counts the places left, when the first is asked for. */
const mailboxRoom = (store: PoolStore): (() => boolean) => {
  let waiting: number | undefined;
  return () => {
    waiting ??= store.waiting(Infinity).filter(({ to }) => to.kind === 'mailbox').length;
    return waiting++ < mostForMailboxes;
  };
};

/** The nodes to which paths lead from here; undefined where they may lead to any. */
const waysOf = (network: Network, self: NodeId): ReadonlySet<NodeId> | undefined => {
  const places = placesOf(network);
  return places && new Set(places.successors(self).map(({ nodeId }) => nodeId));
};

/**
 * Puts into the pool what is new and goes on. In one transaction, so that a tag is never there without its packet.
 *
 * @param burdens told of each packet that stays and costs its sender more than the bytes it came in
 */
export const keepPackets = (
  deps: KeepDeps,
  results: readonly UnwrapResult[],
  burdens: (result: number, burden: Burden) => void,
): void => {
  const { store, clock, tally, crypto, rng, directory, self } = deps;
  const now = clock.now();
  const ways = waysOf(directory.network(now), self);
  let poolSize = store.poolSize();
  const bench = withRoomForStrangers(deps.bench(now), store);
  const hasRoom = mailboxRoom(store);
  const counts: string[] = [];
  store.atomically(() => {
    for (const [at, result] of results.entries()) {
      if (result.kind === 'drop') {
        counts.push(result.reason);
        continue;
      }
      if (!store.addReplayTag(result.keyId, result.unwrapped.replayTag)) {
        counts.push('packet/replayed');
        continue;
      }
      const verdict = judge(result.unwrapped, bench);
      switch (verdict.kind) {
        case 'forward':
          if (isTooLongFor(poolSize, verdict.delayMs)) {
            counts.push('packet/pool-crowded');
            break;
          }
          burdens(at, { delayMs: verdict.delayMs, needsOwnMail: ways !== undefined && !ways.has(verdict.nextHop) });
          poolSize++;
          store.addToPool({
            kind: 'forward',
            nextHop: verdict.nextHop,
            readyAt: now + verdict.delayMs,
            throughHold: verdict.throughHold,
            bytes: verdict.packet,
          });
          counts.push('in');
          break;
        case 'exit':
          store.addToPool({ kind: 'exit', readyAt: now, bytes: verdict.payload });
          counts.push('in');
          break;
        case 'mailbox': {
          if (!hasRoom()) {
            counts.push('packet/mailbox-full');
            break;
          }
          burdens(at, { delayMs: 0, needsOwnMail: true });
          const { address, surbId, payload } = verdict;
          const decoy = decoyHop(directory.network(now), now, rng);
          const bytes = createMailboxPacket(crypto, { surbId, payload, decoy, rng });
          store.addToPool({ kind: 'mailbox', address, readyAt: now, bytes });
          counts.push('in', 'mailbox');
          break;
        }
        case 'loop':
          counts.push(comesHome(store, verdict.loopId) ? 'loop' : 'packet/unknown-loop');
          break;
        case 'cover':
          counts.push('cover');
          break;
        case 'drop':
          counts.push(verdict.reason);
          break;
        default:
          unreachable(verdict);
      }
    }
  });
  for (const name of counts) tally.add(name);
};
