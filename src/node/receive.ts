import type { Base64 } from '../base/base64.js';
import { Bug, SubmissionError, unreachable } from '../base/errors.js';
import { packetsInParts } from '../carrier/parts.js';
import { sliceCarrierMail } from '../carrier/carrier.js';
import { judge } from '../mix/verdict.js';
import type { Bench } from '../mix/verdict.js';
import type { Clock } from '../ports/clock.js';
import type { Inbox, MimeParser } from '../ports/mail.js';
import type { CursorStore, PoolStore, ReplayStore, Store } from '../ports/stores.js';
import type { LiveKey, Unwrapper, UnwrapResult } from '../ports/unwrapper.js';
import { geometry } from '../sphinx/geometry.js';
import type { Tally } from './tally.js';

export interface ReceiveDeps {
  readonly inbox: Inbox;
  readonly store: Store & CursorStore & ReplayStore & PoolStore;
  readonly unwrapper: Unwrapper;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly clock: Clock;
  readonly tally: Tally;
  /** The mix keys alive at that time. */
  readonly keys: (now: number) => readonly LiveKey[];
  /** @throws RouteError when there is no valid network list */
  readonly bench: (now: number) => Bench;
}

/** The packets of a mail, wherever in it they are; none if it is somebody's ordinary mail. */
const packetsOf = async ({ parse, base64 }: ReceiveDeps, raw: Uint8Array): Promise<readonly Uint8Array[]> => {
  const sliced = sliceCarrierMail(raw, base64);
  if (sliced !== undefined) return sliced;
  try {
    return packetsInParts((await parse(raw)).parts);
  } catch (error) {
    if (error instanceof SubmissionError) return [];
    throw error;
  }
};

/** Packets for nodes that are not in the list may wait for the next one, but no more than these: 64 MB. */
const mostStrangers = 2000;

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

/** Puts into the pool what is new and goes on. In one transaction, so that a tag is never there without its packet. */
const keep = (deps: ReceiveDeps, results: readonly UnwrapResult[]): void => {
  const { store, clock, tally } = deps;
  const now = clock.now();
  const bench = withRoomForStrangers(deps.bench(now), store);
  const counts: string[] = [];
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
          store.addToPool({
            kind: 'forward',
            nextHop: verdict.nextHop,
            readyAt: now + verdict.delayMs,
            bytes: verdict.packet,
          });
          counts.push('in');
          break;
        case 'exit':
          store.addToPool({ kind: 'exit', readyAt: now, bytes: verdict.payload });
          counts.push('in');
          break;
        case 'loop':
        case 'cover':
          counts.push(verdict.kind);
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

/**
 * Reads all new mail of the mailbox once: packets go to the pool and their mails are removed; any other mail stays as
 * it is, unread and unanswered.
 *
 * Store, then acknowledge: a mail is removed only after its packets are durable, and the cursor moves after that.
 * Killed at any point, the mail is read again and its packets fold by their replay tags.
 *
 * @throws MailError, StoreError, RouteError: nothing is lost, the next call starts where this one stopped
 */
export const receiveOnce = async (deps: ReceiveDeps, signal: AbortSignal): Promise<void> => {
  const { inbox, store, unwrapper, keys, clock, bench } = deps;
  // Without a valid list no packet can be judged: the mails stay where they are, and aren't fetched in vain.
  bench(clock.now());
  for (const folder of await inbox.folders(signal)) {
    for (let more = true; more && !signal.aborted;) {
      // No mail smaller than a packet holds one: the owner's letters are not read.
      const fetched = await inbox.fetch(folder, store.cursor(folder), signal, { smallestBytes: geometry.packetBytes });
      const packets: Uint8Array[] = [];
      const uids: number[] = [];
      for (const { uid, raw } of fetched.mails) {
        const found = raw === undefined ? [] : await packetsOf(deps, raw);
        if (found.length > 0) uids.push(uid);
        packets.push(...found);
      }
      if (packets.length > 0) {
        const results = await unwrapper.unwrap(packets, keys(clock.now()));
        if (results.length !== packets.length) throw new Bug('a packet without a result');
        keep(deps, results);
        await inbox.remove(folder, fetched.uidValidity, uids, signal);
      }
      const last = fetched.mails.at(-1);
      if (last !== undefined) store.setCursor(folder, { uidValidity: fetched.uidValidity, uid: last.uid });
      more = fetched.more;
    }
  }
};
