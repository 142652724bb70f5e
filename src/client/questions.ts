import { RouteError } from '../base/errors.js';
import { type MessageId, messageIdBytes, messageIdOf, type NodeId, parseNodeId } from '../base/ids.js';
import { dayMs, hourMs } from '../base/units.js';
import type { Pace } from '../cover/pace.js';
import { encodeExitPayload, fragmentDataBytes } from '../message/fragment.js';
import type { Log } from '../ports/log.js';
import type {
  LoopStore,
  NoteStore,
  OpenSending,
  PoolStore,
  QuestionStore,
  Sending,
  Surb,
  SurbStore,
} from '../ports/stores.js';
import type { Descriptor } from '../route/descriptor.js';
import { hopsOf } from '../route/hop.js';
import type { Network } from '../route/network.js';
import { meanIntervalMs } from '../route/schedule.js';
import { choosePath } from '../path/path.js';
import { createPacket } from '../sphinx/packet.js';
import { type Block, type BlockDeps, createBlock, type Moment } from './blocks.js';
import { type ExitDeps, pickExit, unlessNoPath } from './exits.js';
import { mayWait, oldestWaiting } from './waiting.js';

export interface AskDeps extends Pick<ExitDeps, 'receipts'> {
  readonly pace: Pace;
}

/**
 * The share of a client's slots in which it asks. An exit that answered when a mail is delivered would tell who sees the
 * mailbox that there was one: it answers questions instead, and those are asked whether there is a mail to ask about or not.
 *
 * @returns 0 where nothing comes back, and where slots without anything to send are not used: there exits answer unasked
 */
export const questionShare = ({ pace, receipts }: AskDeps): number =>
  receipts === undefined || !pace.cover ? 0 : pace.questions;

export const asks = (deps: AskDeps): boolean => questionShare(deps) > 0;

/** About how long a packet is on its way to the end of a path. */
export const transitMs = ({ parameters: { pathLength, mixSchedule, strategy } }: Network): number =>
  pathLength * ((meanIntervalMs(mixSchedule) ?? hourMs) + (strategy.kind === 'poisson' ? strategy.meanMs : 0));

/** Transits for a question, its answer, and what delays them. */
const answerTransits = 4;

/** Whether the exit has said that all of the message is there. */
export const hasAll = ({ bytes, confirmed }: Pick<Sending, 'bytes' | 'confirmed'>): boolean =>
  confirmed.length * fragmentDataBytes >= bytes.length;

/**
 * Whether a sending may still get where it goes, or its exit's word to here: its packets wait here, or nobody has asked,
 * or the answer may be on its way. To an exit that doesn't have all of the message only the first question is waited for;
 * one that has it, and says so each time it is asked, is trying to hand it over.
 */
export const isUnderWay = (
  deps: AskDeps,
  sending: Sending,
  { oldest, now }: { readonly oldest: number; readonly now: number },
): boolean => {
  const { sentAt, closed, askAt, asked, hearBy } = sending;
  if (mayWait(sentAt, oldest)) return true;
  if (!asks(deps) || closed !== undefined) return false;
  if (askAt === undefined || asked === 0) return true;
  if (hasAll(sending)) return hearBy === undefined || now < hearBy;
  return asked === 1 && hearBy !== undefined && now < hearBy;
};

export interface QuestionDeps extends AskDeps, BlockDeps, ExitDeps {
  readonly store: QuestionStore & SurbStore & LoopStore & NoteStore & Pick<PoolStore, 'waiting'>;
  readonly log: Log;
}

/** Where the exit of a cover drop is kept, and when it is to be asked. */
const noteName = 'cover-question';

/**
 * A cover drop that ends at that node has left. An exit is asked about it, as about a message: in a list with layers few
 * first nodes lead to one exit, so questions tell which mails before them ended where they end. One drop is kept at a time,
 * and none beside a message that is to be asked about: so as many questions follow drops, when nobody writes, as follow
 * messages of somebody who writes (test/sim/links.test.ts).
 */
export const noteCover = ({ store }: QuestionDeps, { network, now }: Moment, lastHop: NodeId): void => {
  const isKept = (store.note(noteName) ?? '') !== '' || store.openSendings().some(({ asked }) => asked === 0);
  if (!isKept) store.setNote(noteName, `${lastHop} ${now + transitMs(network)}`);
};

/**
 * From now on those exits are to be asked whose packets have all left, as soon as they may have arrived; and the one of a
 * cover drop no more.
 */
export const noteLeft = (deps: QuestionDeps, moment: Moment): void => {
  const { store } = deps;
  const oldest = oldestWaiting(deps, moment);
  for (const sending of store.openSendings()) {
    if (sending.askAt !== undefined || mayWait(sending.sentAt, oldest)) continue;
    store.noteQuestion(sending, { askAt: moment.now + transitMs(moment.network), asked: 0, hearBy: undefined });
    store.setNote(noteName, '');
  }
};

/** A question, and what its maker keeps of it. */
interface Question {
  readonly entry: NodeId;
  readonly packet: Uint8Array;
  readonly receipt: Block;
  readonly bounce: Block;
}

/** Asks that exit, or one drawn as for a mail, what became of a message. @throws RouteError `route/no-path` */
const questionAbout = (deps: QuestionDeps, moment: Moment, messageId: MessageId, exit?: NodeId): Question => {
  const { crypto, rng, rules } = deps;
  const { network, now } = moment;
  const length = network.parameters.pathLength;
  const wish = { network, now, rng, length, recipientDomains: [], ...rules };
  const end: Descriptor = pickExit(deps, exit === undefined ? wish : { ...wish, exit });
  const [receipt, bounce] = [createBlock(deps, end, moment), createBlock(deps, end, moment)];
  const path = choosePath({ ...wish, exit: end.nodeId });
  const blocks = [receipt.surb, bounce.surb];
  const payload = encodeExitPayload({ messageId, count: 0, fragment: undefined, blocks });
  const packet = createPacket(crypto, { hops: hopsOf(path, wish), last: { kind: 'exit' }, payload, rng });
  return { entry: path[0]?.nodeId ?? end.nodeId, packet, receipt, bounce };
};

const surbOf = (
  { id, opener, expiresAt }: Block,
  purpose: Surb['purpose'],
  { messageId, exit }: OpenSending,
): Surb => ({
  ...{ id, opener, expiresAt },
  ...{ purpose, messageId, exit },
});

/** About the message whose turn it is, if one is. In a transaction. */
const askDue = (deps: QuestionDeps, moment: Moment): Question | undefined => {
  const { store, log } = deps;
  const { now } = moment;
  const askAtOf = ({ askAt = Infinity }: OpenSending): number => askAt;
  const [due] = store.openSendings().toSorted((a, b) => askAtOf(a) - askAtOf(b));
  if (due === undefined || askAtOf(due) > now) return undefined;
  const lateMs = now - askAtOf(due);
  if (lateMs > dayMs) log.warn('client/questions-late', { hours: Math.floor(lateMs / hourMs) });
  const { messageId, exit } = due;
  const asked = due.asked + 1;
  const waitMs = answerTransits * transitMs(moment.network);
  const hearBy = now + waitMs;
  const question = unlessNoPath(() => questionAbout(deps, moment, messageId, exit));
  // An exit that has left, or to which no way leads now: others are not kept from asking.
  store.noteQuestion(due, { askAt: now + asked * waitMs, asked, hearBy });
  if (question instanceof RouteError) return undefined;
  store.addSurb(surbOf(question.receipt, 'receipt', due));
  store.addSurb(surbOf(question.bounce, 'bounce', due));
  return question;
};

/** About a message that never was, so that an answer comes. In a transaction. @throws RouteError `route/no-path` */
const askForNothing = (deps: QuestionDeps, moment: Moment): Question => {
  const { store, rng } = deps;
  const id = messageIdOf(rng(messageIdBytes));
  const [kept = '', askAt] = (store.note(noteName) ?? '').split(' ');
  const dueAt = Number(askAt);
  // Or was to be by a clock that has been set back.
  const isDue = dueAt <= moment.now || dueAt > moment.now + transitMs(moment.network);
  if (isDue) store.setNote(noteName, '');
  const exit = isDue ? parseNodeId(kept) : undefined;
  const about = exit && unlessNoPath(() => questionAbout(deps, moment, id, exit));
  const question = about === undefined || about instanceof RouteError ? questionAbout(deps, moment, id) : about;
  store.addLoop(question.receipt.id, moment.now);
  return question;
};

/**
 * The question of a slot: about the message that waits longest for it, else about none. In a transaction.
 *
 * @throws RouteError `route/no-path` when no exit can be asked
 */
export const askOnce = (deps: QuestionDeps, moment: Moment): Pick<Question, 'entry' | 'packet'> =>
  askDue(deps, moment) ?? askForNothing(deps, moment);
