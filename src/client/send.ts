import { Bug, RouteError } from '../base/errors.js';
import { unitInterval } from '../base/random.js';
import { dayMs } from '../base/units.js';
import type { MessageId } from '../base/ids.js';
import type { Pace } from '../cover/pace.js';
import { networkAt } from '../follow/network-at.js';
import { decodeMessage, encodeMessage } from '../message/envelope.js';
import { cutFragments, encodeExitPayload, exitPayloads } from '../message/fragment.js';
import type { ExitPayload } from '../message/fragment.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Directory } from '../ports/network.js';
import type { ClientStore, QueuedMessage, Sending, Surb } from '../ports/client-store.js';
import type { PoolEntry, Waiting } from '../ports/stores.js';
import { isOverFloor, meterOf } from '../mix/meter.js';
import { type BundleDeps, isOpen } from '../post/bundles.js';
import { type ClockWatchDeps, heedClock } from '../post/clock-watch.js';
import type { Descriptor } from '../route/descriptor.js';
import type { Network } from '../route/network.js';
import { hopsOf } from '../route/hop.js';
import type { PathWish } from '../path/path.js';
import { createPacket } from '../sphinx/packet.js';
import { createBlock } from './blocks.js';
import { asks, isUnderWay, mayBeAnswered } from './questions.js';
import { joinedPath } from './paths.js';
import type { Block, Moment } from './blocks.js';
import { nextTarget, pickExit, wishFor } from './exits.js';
import type { ExitDeps, Target } from './exits.js';
import { changing, settle } from './status.js';
import type { StatusDeps } from './status.js';
import { oldestWaiting, openLoads } from './waiting.js';

export interface SendDeps extends BundleDeps, ExitDeps, StatusDeps {
  readonly store: ClientStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: Directory;
  readonly pace: Pace;
  /** Bits of anonymity (mix/meter) below which no message is sent; 0: it is sent whatever the meter says. */
  readonly floorBits: number;
  /** When nothing more is tried for a message, after it was handed in. */
  readonly giveUpMs: number;
  /**
   * How long a mail handed in again is recognized, packets wait for a first hop that left the list where there are no receipts,
   * and a message that came to its end is remembered.
   */
  readonly forgetMs: number;
}

/** Throws RouteError if no path leads to this recipient now, or none back where one is needed. */
export const mustReach = (deps: ExitDeps & Pick<SendDeps, 'directory'>, recipient: string, now: number): void => {
  pickExit(deps, wishFor(deps, recipient, { network: deps.directory.network(now), now }));
};

/** A packet over a reply block that was made in time may still be under way when the block's keys are destroyed. */
const lateMs = 2 * dayMs;
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
  if (missing.length > 0) return exitPayloads(missing, blocks);
  // An exit that had it all and is silent may have lost it.
  if (blocks.length === 0) return exitPayloads(fragments, blocks);
  return [{ messageId: id, count: fragments.length, fragment: undefined, blocks }];
};

/**
 * Makes the packets of a sending: all to one exit, over paths that begin together as far as a mail has room. The first
 * sending of a message makes one of each payload; every later one makes two, each with reply blocks of its own, because
 * a packet has been lost.
 */
const prepare = (
  deps: SendDeps,
  queued: QueuedMessage,
  { exit, known, copies, wish }: Target & { readonly copies: number; readonly wish: PathWish },
): Prepared => {
  const { crypto, rng, pace, receipts } = deps;
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
    receipts === undefined || asks(deps) ? [] : [makeBlock('receipt').surb, makeBlock('bounce').surb];
  const perCopy = Array.from({ length: copies }, () => payloadsOf(queued, { bytes, confirmed }, answerBlocks()));
  const toExit = { ...wish, exit: exit.nodeId };
  const waiting = new Map(openLoads(deps, moment).map(({ nextHop, packets }) => [nextHop, packets.length]));
  const packets = (perCopy[0] ?? []).flatMap((_, i) => {
    const paths: (readonly Descriptor[])[] = [];
    return perCopy.map((payloads): PoolEntry => {
      const path = joinedPath(toExit, { waiting, room: pace.packets, copies: paths });
      paths.push(path);
      const content = payloads[i];
      const hops = hopsOf(path, wish);
      const [first] = hops;
      if (content === undefined || first === undefined) throw new Bug('a copy is like the other');
      const packet = createPacket(crypto, { hops, last: { kind: 'exit' }, payload: encodeExitPayload(content), rng });
      return { kind: 'forward', nextHop: first.nodeId, readyAt: now, bytes: packet };
    });
  });
  const unanswered = (known?.unanswered ?? 0) + 1;
  return {
    packets,
    surbs,
    sending: {
      ...{ exit: exit.nodeId, bytes, confirmed, unanswered, sentAt: now, closed: undefined },
      ...{ askAt: undefined, asked: 0, hearBy: undefined },
    },
  };
};

const nextSendingAt = ({ rng, receipts }: SendDeps, now: number): number =>
  now + (0.5 + unitInterval(rng)) * (receipts?.retry.intervalMs ?? 0);

/** Sends a message, for the first time or again; or finds that nobody will hand it over. */
const sendMessage = (
  deps: SendDeps,
  queued: QueuedMessage,
  { bits, ...moment }: Moment & { readonly bits: number | undefined },
): void => {
  const { store, receipts } = deps;
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
    store.countSending(id, nextSendingAt(deps, now), bits);
    if (receipts === undefined) store.settleMessage(id, { state: 'sent', ending: undefined }, now);
    else store.putSending(id, prepared.sending);
  });
};

/**
 * Packets whose first hop has left the list would wait in vain: they go, and the messages that they were made of are due
 * again. A packet was made when the sending was that it belongs to. Without receipts nothing is kept that could be sent
 * again, and they wait for their hop.
 *
 * @returns those messages
 */
const takeStranded = ({ store, receipts, log }: SendDeps, network: Network, now: number): ReadonlySet<MessageId> => {
  const isGone = ({ to }: Waiting): boolean => to.kind === 'node' && !network.byId.has(to.nextHop);
  const stranded = receipts === undefined ? [] : store.waiting(now).filter(isGone);
  if (stranded.length === 0) return new Set();
  const isOfThem = ({ sentAt }: Sending): boolean => stranded.some(({ readyAt }) => Math.abs(readyAt - sentAt) <= 1);
  const messages = store.unsettledMessages(now).filter((id) => store.sendings(id).some(isOfThem));
  store.atomically(() => {
    for (const { id } of stranded) store.takeFromPool(id);
    for (const id of messages) store.setNextAt(id, 0);
  });
  log.info('client/another-way', { messages: messages.length, packets: stranded.length });
  return new Set(messages);
};

/** Whether a message may still be on its way. Without a list nothing waits here for its way. */
const onItsWayAt = (deps: SendDeps, now: number): ((id: MessageId) => boolean) => {
  const { store, directory } = deps;
  const network = networkAt(directory, now);
  const oldest = network === undefined ? Infinity : oldestWaiting(deps, { network, now });
  return (id) => store.sendings(id).some((sending) => isUnderWay(deps, sending, { oldest, now }));
};

/** Up to when answers would be known: of who hears none, at any time. */
const knownAt = ({ receipts }: SendDeps, readAt: number, now: number): number =>
  receipts === undefined ? now : Math.min(now, readAt);

/** The same as `giveUpOnce`, for who knows what is on its way. */
const giveUp = (deps: SendDeps, readAt: number, now: number, isOnItsWay: (id: MessageId) => boolean): void => {
  const { store, log, giveUpMs } = deps;
  let messages = 0;
  for (const id of store.unsettledMessages(knownAt(deps, readAt, now) - giveUpMs))
    changing(deps, (changed) => {
      const status = store.messageStatus(id);
      if (status === undefined || (isOnItsWay(id) && status.submittedAt + 2 * giveUpMs > now)) return;
      if (!settle(deps, status, { kind: 'no-answer', sendings: status.sendings }, now)) return;
      messages++;
      changed(id);
    });
  if (messages > 0) log.warn('client/gave-up', { messages });
};

/**
 * What nobody has confirmed for so long is given up; only when the mailbox has been read since. What may still be on its
 * way gets as long again. Without receipts it is what could not be sent at all. It needs no list: who can't send any more
 * is told.
 *
 * @param readAt when the mailbox was last read to its end
 * @throws StoreError
 */
export const giveUpOnce = (deps: SendDeps, readAt: number): void => {
  const now = deps.clock.now();
  giveUp(deps, readAt, now, onItsWayAt(deps, now));
};

/**
 * Makes packets of messages, for the first time or again. They wait for their slots (client/pace).
 *
 * Each message moves from the queue to packets in one transaction: killed at any point, nothing is in two places or in
 * none. A message that can't be sent as safely as configured stays where it is, and the log says why. One that may still
 * be on its way is not sent again.
 *
 * @param readAt when the mailbox was last read to its end; nothing is sent again, or given up, that was not due then
 * @throws StoreError, RouteError: what is not given up stays where it was
 */
export const sendOnce = (deps: SendDeps, readAt: number): void => {
  const { store, clock, directory, log, floorBits } = deps;
  const now = clock.now();
  const isOnItsWay = onItsWayAt(deps, now);
  giveUp(deps, readAt, now, isOnItsWay);
  const network = directory.network(now);
  const stranded = takeStranded(deps, network, now);
  const overdue = store.overdueMessages(knownAt(deps, readAt, now));
  const again = overdue.filter(({ id }) => {
    const mayCome = isOnItsWay(id) || store.sendings(id).some((sending) => mayBeAnswered(deps, sending, now));
    const isUnder = !stranded.has(id) && mayCome;
    if (isUnder) store.setNextAt(id, nextSendingAt(deps, now));
    return !isUnder;
  });
  const due = [...again, ...store.queuedMessages()];
  const bits = meterOf(network);
  if (isOverFloor({ bits, floorBits }))
    for (const queued of due) {
      try {
        sendMessage(deps, queued, { network, now, bits });
      } catch (error) {
        if (!(error instanceof RouteError)) throw error;
        log.warn(error.code, { message: error.message });
      }
    }
  else if (due.length > 0) log.warn('client/under-floor', { messages: due.length, bits: bits ?? 'unknown', floorBits });
};

type ForgetDeps = Pick<SendDeps, 'store' | 'directory' | 'forgetMs' | 'receipts'> & StatusDeps & ClockWatchDeps;

/**
 * Without receipts a message has been sent when its packets are made, and ends there; those of which a packet never left
 * have failed all the same. A packet was made when the message was settled that it belongs to. In a transaction.
 */
const failUnsent = (deps: ForgetDeps, then: number, now: number, changed: (id: MessageId) => void): void => {
  const { store, receipts } = deps;
  if (receipts !== undefined) return;
  const unsent = store.waiting(then).map(({ readyAt }) => readyAt);
  if (unsent.length === 0) return;
  for (const status of store.messageStatuses()) {
    const { id, state, settledAt = NaN } = status;
    const isOfThem = state === 'sent' && unsent.some((readyAt) => Math.abs(readyAt - settledAt) <= 1);
    if (isOfThem && settle(deps, status, { kind: 'no-answer', sendings: 0 }, now)) changed(id);
  }
};

/**
 * Forgets what has had its time, packets too that have no way; without a list too. Who hears nothing from exits is told of
 * messages that have not left.
 *
 * @throws StoreError
 */
export const forgetOnce = (deps: ForgetDeps): void => {
  const { store, clock, directory, log, forgetMs } = deps;
  heedClock(deps);
  const now = clock.now();
  const network = networkAt(directory, now);
  changing(deps, (changed) => {
    const hasNoWay = ({ to }: Waiting): boolean =>
      network !== undefined && (to.kind !== 'node' || !isOpen(network, to, now));
    const stranded = store.waiting(now).filter(hasNoWay).length;
    if (stranded > 0) log.warn('client/first-hop-not-listed', { packets: stranded });
    failUnsent(deps, now - forgetMs, now, changed);
    const givenUp = store.expirePool(now - forgetMs);
    if (givenUp > 0) log.warn('client/gave-up-packets', { packets: givenUp });
    store.forgetLoops(now - forgetMs);
    store.forgetFingerprints(now - forgetMs);
    store.forgetSurbs(now - lateMs);
    store.forgetMessages(now - forgetMs);
  });
};
