import { Bug, unreachable } from '../base/errors.js';
import { packetsInParts } from '../carrier/parts.js';
import { sliceCarrierMail } from '../carrier/carrier.js';
import { judge } from '../mix/verdict.js';
import type { Bench } from '../mix/verdict.js';
import type { Clock } from '../ports/clock.js';
import type { Inbox } from '../ports/mail.js';
import type { Directory } from '../ports/network.js';
import type { CursorStore, LoopStore, NoteStore, PoolStore, ReplayStore } from '../ports/stores.js';
import type { LiveKey, Unwrapper, UnwrapResult } from '../ports/unwrapper.js';
import { decoyHop } from '../post/bundles.js';
import { geometry } from '../sphinx/geometry.js';
import { createMailboxPacket } from '../sphinx/mailbox.js';
import { comesHome } from './heartbeat.js';
import { readable, readLetter, takeLetter } from './replies.js';
import type { LetterDeps } from './replies.js';

export interface ReceiveDeps extends LetterDeps {
  readonly inbox: Inbox;
  readonly store: LetterDeps['store'] & CursorStore & ReplayStore & PoolStore & NoteStore & LoopStore;
  readonly unwrapper: Unwrapper;
  readonly clock: Clock;
  readonly directory: Directory;
  /** The mix keys alive at that time. */
  readonly keys: (now: number) => readonly LiveKey[];
  /** @throws RouteError when there is no valid network list */
  readonly bench: (now: number) => Bench;
}

/** The packets of a mail, wherever in it they are; none if it is somebody's ordinary mail. */
const packetsOf = async ({ parse, base64 }: ReceiveDeps, raw: Uint8Array): Promise<readonly Uint8Array[]> => {
  if (raw.length < geometry.packetBytes) return [];
  return sliceCarrierMail(raw, base64) ?? packetsInParts((await readable(parse, raw))?.parts ?? []);
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

/** Ends of replies may wait for their mailboxes, but no more than these: 64 MB. */
const mostForMailboxes = 2000;

/** Counts the places left, when the first is asked for. */
const mailboxRoom = (store: PoolStore): (() => boolean) => {
  let waiting: number | undefined;
  return () => {
    waiting ??= store.waiting(Infinity).filter(({ to }) => to.kind === 'mailbox').length;
    return waiting++ < mostForMailboxes;
  };
};

/** Puts into the pool what is new and goes on. In one transaction, so that a tag is never there without its packet. */
const keep = (deps: ReceiveDeps, results: readonly UnwrapResult[]): void => {
  const { store, clock, tally, crypto, rng, directory } = deps;
  const now = clock.now();
  const bench = withRoomForStrangers(deps.bench(now), store);
  const hasRoom = mailboxRoom(store);
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

/**
 * Reads all new mail of the mailbox once: packets go to the pool; an exit also finds there what is written about the mails
 * it has handed over, answers and notes that they came back. What is dealt with is removed; any other mail stays as it is,
 * unread and unanswered.
 *
 * Store, then acknowledge: a mail is removed only after its packets are durable, and the cursor moves after that.
 * Killed at any point, the mail is read again; its packets fold by their replay tags, an answer by its content.
 *
 * @throws MailError, StoreError, RouteError: nothing is lost, the next call starts where this one stopped
 */
export const receiveOnce = async (deps: ReceiveDeps, signal: AbortSignal): Promise<void> => {
  const { inbox, store, unwrapper, keys, clock, bench, directory } = deps;
  // Without a valid list no packet can be judged: the mails stay where they are, and aren't fetched in vain.
  const { isExit } = bench(clock.now());
  // No mail smaller than a packet holds one: where nobody answers, the owner's letters are not read.
  const filter = isExit ? {} : { smallestBytes: geometry.packetBytes };
  for (const folder of await inbox.folders(signal)) {
    for (let more = true; more && !signal.aborted;) {
      const fetched = await inbox.fetch(folder, store.cursor(folder), signal, filter);
      const packets: Uint8Array[] = [];
      const uids: number[] = [];
      for (const { uid, raw } of fetched.mails) {
        if (raw === undefined) continue;
        const found = await packetsOf(deps, raw);
        packets.push(...found);
        const letter = found.length === 0 && isExit ? await readLetter(deps, raw) : undefined;
        const now = clock.now();
        const isTaken = letter !== undefined && takeLetter(deps, letter, { network: directory.network(now), now });
        if (found.length > 0 || isTaken) uids.push(uid);
      }
      if (packets.length > 0) {
        const results = await unwrapper.unwrap(packets, keys(clock.now()));
        if (results.length !== packets.length) throw new Bug('a packet without a result');
        keep(deps, results);
      }
      if (uids.length > 0) await inbox.remove(folder, fetched.uidValidity, uids, signal);
      const last = fetched.mails.at(-1);
      if (last !== undefined) store.setCursor(folder, { uidValidity: fetched.uidValidity, uid: last.uid });
      more = fetched.more;
    }
  }
};
