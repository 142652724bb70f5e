import { mostForMailboxes, mostStrangers } from '../base/bounds.js';
import { concat } from '../base/bytes.js';
import { unreachable } from '../base/errors.js';
import { isTooLongFor } from '../carrier/intake.js';
import { judge } from '../mix/verdict.js';
import type { Bench } from '../mix/verdict.js';
import type { Clock } from '../ports/clock.js';
import type { ReplayStore } from '../ports/mix-store.js';
import type { LoopStore, NoteStore, PoolCensus, PoolStore, Store } from '../ports/stores.js';
import type { UnwrapResult } from '../ports/unwrapper.js';
import { comesHome } from './heartbeat.js';
import type { Tally } from './tally.js';

export interface KeepDeps {
  readonly store: Store & ReplayStore & PoolStore & NoteStore & LoopStore;
  readonly clock: Clock;
  readonly tally: Tally;
  /** @throws RouteError when there is no valid network list */
  readonly bench: (now: number) => Bench;
  /** Hears how long own loops were on their way. */
  readonly loopCameHome?: ((tookMs: number) => void) | undefined;
}

/**
 * Lists change, and a sender may have the next one already: a packet for a node unknown here waits, while there is
 * room, until the node is known.
 */
const withRoomForStrangers = (bench: Bench, { nodes }: PoolCensus): Bench => {
  let strangers = [...nodes].reduce((sum, [node, count]) => sum + (bench.knows(node) ? 0 : count), 0);
  return { ...bench, knows: (node) => bench.knows(node) || strangers++ < mostStrangers };
};

/**
 * Puts into the pool what is new and goes on. In one transaction, so that a tag is never there without its packet.
 *
 * Whoever sees when a mail is fetched and when it is removed is not to learn from it what its packets were: whatever is
 * counted or computed here is so for all of them alike. What differs is whether there is anything to write.
 */
export const keepPackets = (deps: KeepDeps, results: readonly UnwrapResult[]): void => {
  const { store, clock, tally } = deps;
  const now = clock.now();
  const census = store.poolCensus();
  let poolSize = store.poolSize();
  let forMailboxes = census.mailboxes;
  const bench = withRoomForStrangers(deps.bench(now), census);
  const counts: string[] = [];
  const took: number[] = [];
  store.atomically(() => {
    for (const result of results) {
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
          if (forMailboxes >= mostForMailboxes) {
            counts.push('packet/mailbox-full');
            break;
          }
          forMailboxes++;
          const { address, surbId, payload } = verdict;
          store.addToPool({ kind: 'mailbox', address, readyAt: now, bytes: concat(surbId, payload) });
          counts.push('in', 'mailbox');
          break;
        }
        case 'loop': {
          const sentAt = comesHome(store, verdict.loopId);
          if (sentAt !== undefined) took.push(now - sentAt);
          counts.push(sentAt === undefined ? 'packet/unknown-loop' : 'loop');
          break;
        }
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
  for (const tookMs of took) deps.loopCameHome?.(tookMs);
};
