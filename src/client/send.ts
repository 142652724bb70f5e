import { Bug, RouteError } from '../base/errors.js';
import { exponential, unitInterval } from '../base/random.js';
import { dayMs } from '../base/units.js';
import { decodeMessage, encodeMessage } from '../message/envelope.js';
import { cutFragments, encodeExitPayload, exitPayloads } from '../message/fragment.js';
import type { ExitPayload } from '../message/fragment.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Directory } from '../ports/network.js';
import type { ClientStore, PoolEntry, QueuedMessage, Sending, Surb } from '../ports/stores.js';
import { addBundles, addLeaving, isOpen } from '../post/bundles.js';
import type { BundleDeps, Leaving } from '../post/bundles.js';
import type { Descriptor } from '../route/descriptor.js';
import { hopsOf } from '../route/hop.js';
import { choosePath } from '../path/path.js';
import type { PathWish } from '../path/path.js';
import { createPacket } from '../sphinx/packet.js';
import { createBlock } from './blocks.js';
import type { Block, Moment } from './blocks.js';
import { nextTarget, pickExit, wishFor } from './exits.js';
import type { ExitDeps, Target } from './exits.js';
import { changing, settle } from './status.js';
import type { StatusDeps } from './status.js';

export interface SendDeps extends BundleDeps, ExitDeps, StatusDeps {
  readonly store: ClientStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: Directory;
  /** Mean of the random time each packet of a message waits before it is mailed. */
  readonly spreadMs: number;
  /**
   * How long a mail handed in again is recognized, packets wait for a first hop that left the list, and a message that
   * came to its end is remembered.
   */
  readonly forgetMs: number;
}

/** Throws RouteError if no path leads to this recipient now, or none back where one is needed. */
export const mustReach = (deps: ExitDeps & Pick<SendDeps, 'directory'>, recipient: string, now: number): void => {
  pickExit(deps, wishFor(deps, recipient, { network: deps.directory.network(now), now }));
};

/** A packet over a reply block that was made in time may still be under way when the block's keys are destroyed. */
const lateMs = 2 * dayMs;
/** Draws in which a path is looked for that differs from another one. */
const mostDraws = 16;

const isSame = (a: readonly Descriptor[], b: readonly Descriptor[]): boolean =>
  a.every(({ nodeId }, i) => nodeId === b[i]?.nodeId);

/** That many paths under one wish, each another one if there are that many. */
const choosePaths = (wish: PathWish, count: number): readonly (readonly Descriptor[])[] => {
  const paths: (readonly Descriptor[])[] = [];
  for (let draws = 0; paths.length < count; draws++) {
    const path = choosePath(wish);
    if (draws >= mostDraws || !paths.some((other) => isSame(path, other))) paths.push(path);
  }
  return paths;
};

/** One sending of a message, ready to be stored. */
interface Prepared {
  readonly packets: readonly PoolEntry[];
  readonly surbs: readonly Surb[];
  readonly sending: Sending;
}

/** The message as its exit gets it. The exit's fragments are the same bytes every time, so each exit has its own. */
const bytesFor = ({ message }: QueuedMessage, blocks: readonly Block[]): Uint8Array => {
  if (blocks.length === 0) return message;
  const expiresAt = Math.min(...blocks.map((block) => block.expiresAt));
  const returnAddress = { expiresAt, blocks: blocks.map(({ surb }) => surb) };
  return encodeMessage({ ...decodeMessage(message), returnAddress });
};

const payloadsOf = (
  { id }: QueuedMessage,
  { bytes, confirmed }: Pick<Sending, 'bytes' | 'confirmed'>,
  blocks: readonly Uint8Array[],
): readonly ExitPayload[] => {
  const fragments = cutFragments(bytes, id);
  const missing = fragments.filter(({ index }) => !confirmed.includes(index));
  return missing.length === 0
    ? [{ messageId: id, count: fragments.length, fragment: undefined, blocks }]
    : exitPayloads(missing, blocks);
};

/**
 * Makes the packets of a sending: all to one exit, each over a path of its own and at a time of its own. The first
 * sending of a message makes one of each payload; every later one makes two, each with reply blocks of its own, because
 * a packet has been lost.
 */
const prepare = (
  deps: SendDeps,
  queued: QueuedMessage,
  { exit, known, copies, wish }: Target & { readonly copies: number; readonly wish: PathWish },
): Prepared => {
  const { crypto, rng, spreadMs, receipts } = deps;
  const { now } = wish;
  const moment: Moment = wish;
  const surbs: Surb[] = [];
  const makeBlock = (purpose: Surb['purpose']): Block => {
    const block = createBlock(deps, exit, moment);
    const { id, opener, expiresAt } = block;
    surbs.push({ id, opener, purpose, messageId: queued.id, exit: exit.nodeId, expiresAt });
    return block;
  };
  const replyBlocks = receipts === undefined || known !== undefined ? 0 : queued.replyBlocks;
  const bytes =
    known?.bytes ??
    bytesFor(
      queued,
      Array.from({ length: replyBlocks }, () => makeBlock('reply')),
    );
  const confirmed = known?.confirmed ?? [];
  const answerBlocks = (): readonly Uint8Array[] =>
    receipts === undefined ? [] : [makeBlock('receipt').surb, makeBlock('bounce').surb];
  const perCopy = Array.from({ length: copies }, () => payloadsOf(queued, { bytes, confirmed }, answerBlocks()));
  const toExit = { ...wish, exit: exit.nodeId };
  const packets = (perCopy[0] ?? []).flatMap((_, i) =>
    choosePaths(toExit, copies).map((path, copy): PoolEntry => {
      const content = perCopy[copy]?.[i];
      const hops = hopsOf(path, wish);
      const [first] = hops;
      if (content === undefined || first === undefined) throw new Bug('a copy is like the other');
      const packet = createPacket(crypto, { hops, last: { kind: 'exit' }, payload: encodeExitPayload(content), rng });
      return { kind: 'forward', nextHop: first.nodeId, readyAt: now + exponential(rng, spreadMs), bytes: packet };
    }),
  );
  const unanswered = (known?.unanswered ?? 0) + 1;
  return {
    packets,
    surbs,
    sending: { exit: exit.nodeId, bytes, confirmed, unanswered, sentAt: now, closed: undefined },
  };
};

/** Sends a message, for the first time or again; or finds that nobody will hand it over. */
const sendMessage = (deps: SendDeps, queued: QueuedMessage, moment: Moment): void => {
  const { store, rng, receipts } = deps;
  const { now } = moment;
  const { id } = queued;
  const sendings = store.sendings(id);
  const wish = wishFor(deps, queued.recipient, moment);
  const target = nextTarget(deps, wish, sendings);
  const prepared = target && prepare(deps, queued, { ...target, wish, copies: sendings.length === 0 ? 1 : 2 });
  changing(deps, (changed) => {
    const status = store.messageStatus(id);
    if (status === undefined) throw new Bug('a queued message is there');
    changed(id);
    if (prepared === undefined) {
      settle(deps, status, { kind: sendings[0]?.closed ?? 'gave-up' }, now);
      return;
    }
    for (const entry of prepared.packets) store.addToPool(entry);
    for (const surb of prepared.surbs) store.addSurb(surb);
    const nextAt = now + (0.5 + unitInterval(rng)) * (receipts?.retry.intervalMs ?? 0);
    store.countSending(id, nextAt, undefined);
    if (receipts === undefined) store.settleMessage(id, { state: 'sent', ending: undefined }, now);
    else store.putSending(id, prepared.sending);
  });
};

/** What nobody has confirmed for so long is given up; only when the mailbox has been read since. */
const giveUp = (deps: SendDeps, readAt: number, now: number): void => {
  const { store, receipts } = deps;
  if (receipts === undefined) return;
  for (const id of store.unsettledMessages(Math.min(now, readAt) - receipts.retry.giveUpMs))
    changing(deps, (changed) => {
      const status = store.messageStatus(id);
      if (status && settle(deps, status, { kind: 'no-answer', sendings: status.sendings }, now)) changed(id);
    });
};

/**
 * One turn of the client: messages become packets, for the first time or again, and packets whose time has come become
 * mails.
 *
 * Each message moves from queue to packets, and each packet from its place to a finished mail, in one transaction:
 * killed at any point, nothing is in two places or in none. A message that can't be sent as safely as configured stays
 * where it is, and the log says why.
 *
 * @param readAt when the mailbox was last read to its end; nothing is sent again, or given up, that was not due then
 * @throws StoreError, RouteError: everything stays where it was
 */
export const sendOnce = (deps: SendDeps, readAt: number): void => {
  const { store, clock, directory, log, forgetMs, receipts } = deps;
  const now = clock.now();
  giveUp(deps, readAt, now);
  const network = directory.network(now);
  const overdue = store.overdueMessages(receipts === undefined ? now : Math.min(now, readAt));
  for (const queued of [...overdue, ...store.queuedMessages()]) {
    try {
      sendMessage(deps, queued, { network, now });
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
    store.forgetSurbs(now - lateMs);
    store.forgetMessages(now - forgetMs);
  });
};
