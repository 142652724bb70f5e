import type { Base64 } from '../base/base64.js';
import { mostUnpostedMails } from '../base/bounds.js';
import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { unitInterval } from '../base/random.js';
import { joinBundle } from '../carrier/bundle.js';
import { composeCarrierMail } from '../carrier/carrier.js';
import { createCoverDrop } from '../cover/drops.js';
import { drawSlot, keptSlot, meanOn, slotText } from '../cover/pace.js';
import { networkAt } from '../follow/network-at.js';
import { isOverFloor, meterOf } from '../mix/meter.js';
import type { PathWish } from '../path/path.js';
import type { Clock } from '../ports/clock.js';
import type { Directory } from '../ports/network.js';
import type { NoteStore, OutgoingStore, PoolId, PoolStore, Store } from '../ports/stores.js';
import type { Budget } from '../post/account.js';
import type { Moment } from './blocks.js';
import { unlessNoPath } from './exits.js';
import {
  askForCover,
  askOnce,
  noteCover,
  noteLeft,
  type Question,
  type QuestionDeps,
  questionShare,
} from './questions.js';
import { oldestWaiting, openLoads } from './waiting.js';

export interface PaceDeps extends QuestionDeps {
  readonly store: QuestionDeps['store'] & Store & NoteStore & PoolStore & OutgoingStore;
  readonly base64: Base64;
  readonly clock: Clock;
  readonly directory: Directory;
  /** Bits of anonymity below which nothing is asked in the place of cover. */
  readonly floorBits: number;
  /** Undefined: the account may send whatever it wants to. */
  readonly budget?: Pick<Budget, 'perDay'> | undefined;
}

/** Where a slot's note is kept. */
const noteName = 'pace';
/**
 * So many mails that the server was not asked to take yet are slots enough: while it is away they do not pile up. Those that
 * it has refused to take are no reason to stop: an address of a first node may be what is wrong.
 */
const mostUntried = 8;

/** A mail that is to leave: the packets of the pool in it, and those that fill it. */
interface SlotMail {
  readonly entry: NodeId;
  readonly ids: readonly PoolId[];
  readonly cover: readonly Uint8Array[];
}

/** Cover over whole paths like those of real packets, to exits. An entry in another layer leads to other mixes. */
const coverOver = ({ crypto }: PaceDeps, wish: PathWish): ReturnType<typeof createCoverDrop> => {
  const drop = unlessNoPath(() => createCoverDrop(crypto, wish));
  return drop instanceof RouteError ? createCoverDrop(crypto, { ...wish, lastRole: 'mix' }) : drop;
};

/**
 * The mail of a slot: in some, drawn whatever waits, a question; else of what waits, what waits longest, in the company of
 * cover; nothing but cover when nothing waits, to a node drawn as the first one of a real packet. Where exits answer unasked,
 * questions take the place of cover.
 *
 * Packets that can't have the company of cover wait, and the log says so: the slot is another mail's then.
 *
 * @returns undefined where nothing waits and cover is turned off
 * @throws RouteError `route/no-path` when no cover can be made
 */
const mailOfSlot = (deps: PaceDeps, moment: Moment): SlotMail | undefined => {
  const { rng, rules, log, pace, floorBits } = deps;
  const { network, now } = moment;
  const length = network.parameters.pathLength;
  const wish: PathWish = { network, now, rng, length, recipientDomains: [], ...rules };
  const share = questionShare(deps);
  const mayAsk = share === 0 && isOverFloor({ bits: meterOf(network), floorBits });
  const question = (entry?: NodeId): Question | undefined => (mayAsk ? askForCover(deps, moment, entry) : undefined);
  const filled = (entry: NodeId, ids: readonly PoolId[], first: readonly Uint8Array[] = []): SlotMail => {
    const cover: Uint8Array[] = [];
    while (ids.length + first.length + cover.length < pace.packets)
      cover.push(coverOver(deps, { ...wish, entry }).packet);
    return { entry, ids, cover: [...first, ...cover.map((packet) => question(entry)?.packet ?? packet)] };
  };
  if (share > 0 && unitInterval(rng) < share) {
    const asked = unlessNoPath(() => askOnce(deps, moment));
    if (!(asked instanceof RouteError)) return filled(asked.entry, [], [asked.packet]);
    log.warn('client/no-question', { message: asked.message });
  }
  for (const { nextHop, packets } of openLoads(deps, moment, pace.packets)) {
    const ids = packets.map(({ id }) => id);
    const mail = unlessNoPath(() => filled(nextHop, ids));
    if (!(mail instanceof RouteError)) return mail;
    log.warn('client/no-cover', { packets: ids.length, message: mail.message });
  }
  const alone = question();
  if (alone !== undefined) return filled(alone.entry, [], [alone.packet]);
  if (!pace.cover) return undefined;
  const { firstHop, lastHop, packet } = coverOver(deps, wish);
  if (share > 0) noteCover(deps, moment, lastHop);
  return filled(firstHop, [], [packet]);
};

const addMail = (
  { store, base64, rng, from }: PaceDeps,
  { network, now }: Moment,
  { entry, ids, cover }: SlotMail,
): void => {
  const to = network.byId.get(entry)?.address;
  if (to === undefined) throw new Bug('a mail for a node that is not listed');
  const packets = [...ids.map((id) => store.takeFromPool(id)), ...cover];
  const isFull = (): never => {
    throw new Bug('the mail of a slot is full');
  };
  const bundle = joinBundle(packets, isFull, rng);
  store.addOutgoing({ kind: 'packets', to, raw: composeCarrierMail({ from, to, bundle, now, rng }, base64) }, now);
};

const meanNow = ({ pace, budget }: PaceDeps, now: number): number =>
  budget === undefined ? pace.meanMs : meanOn(pace.meanMs, budget.perDay(now));

/** Whether the slot has come; draws it where none is drawn. */
export const isSlotDue = (deps: PaceDeps): boolean => {
  const { store, rng, clock } = deps;
  const now = clock.now();
  const meanMs = meanNow(deps, now);
  const kept = keptSlot(store.note(noteName), meanMs, now);
  const at = kept ?? drawSlot(rng, meanMs, now);
  if (kept === undefined) store.setNote(noteName, slotText(at));
  return at <= now;
};

/**
 * The client's slot has come: one mail leaves, of the size that all have, whatever waits; and the next slot is drawn.
 *
 * Packets move from the pool into the finished mail in one transaction, with the next slot: killed at any point, each is
 * in exactly one place, and the slot is used once.
 *
 * What it does not hide: that this account belongs to a client, and when the client runs.
 *
 * Without a list of nodes nothing leaves.
 *
 * @throws StoreError
 */
export const slotOnce = (deps: PaceDeps): void => {
  const { store, rng, clock, log, directory } = deps;
  const now = clock.now();
  store.atomically(() => {
    store.setNote(noteName, slotText(drawSlot(rng, meanNow(deps, now), now)));
    if (store.untriedOutgoing('packets') >= mostUntried || store.outgoingCount() >= mostUnpostedMails) return;
    const network = networkAt(directory, now);
    if (network === undefined) return;
    try {
      const moment = { network, now };
      const oldest = oldestWaiting(deps, moment);
      const mail = mailOfSlot(deps, moment);
      if (mail !== undefined) addMail(deps, moment, mail);
      noteLeft(deps, moment, oldest);
    } catch (error) {
      if (!(error instanceof RouteError)) throw error;
      log.warn(error.code, { message: error.message });
    }
  });
};
