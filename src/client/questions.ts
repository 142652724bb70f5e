import { RouteError } from '../base/errors.js';
import { type MessageId, messageIdBytes, messageIdOf, type NodeId, parseNodeId } from '../base/ids.js';
import { dayMs, hourMs } from '../base/units.js';
import type { Pace } from '../cover/pace.js';
import { encodeExitPayload, fragmentDataBytes } from '../message/fragment.js';
import type { Log } from '../ports/log.js';
import type { MessageStore, OpenSending, QuestionStore, Sending, Surb, SurbStore } from '../ports/client-store.js';
import type { LoopStore, NoteStore, PoolStore } from '../ports/stores.js';
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

/** Transits for a question or a mail, its answer, and what delays them. */
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

/** Whether an exit that answers unasked may still answer to a sending that has left: until then it is not sent again. */
export const mayBeAnswered = (deps: AskDeps, { closed, hearBy }: Sending, now: number): boolean =>
  !asks(deps) && closed === undefined && hearBy !== undefined && now < hearBy;

export interface QuestionDeps extends AskDeps, BlockDeps, ExitDeps {
  readonly store: QuestionStore & SurbStore & LoopStore & NoteStore & Pick<PoolStore, 'waiting'>;
  readonly log: Log;
}

/**
 * A mail that was handed over may come back, and the exit says so once, over a reply block that may lead through a node that has
 * stopped. So the exit is asked once more this long after it was heard of; by then most that come back have.
 */
const comesBackMs = 6 * hourMs;

/** Its exit has handed the message over, and is to be asked once more. In a transaction. */
export const noteDelivered = (
  { store }: { readonly store: Pick<MessageStore, 'putSending'> },
  { messageId, exit }: Pick<OpenSending, 'messageId' | 'exit'>,
  now: number,
): void => {
  store.putSending(messageId, {
    ...{ exit, bytes: new Uint8Array(), confirmed: [], unanswered: 0, sentAt: now, closed: undefined },
    // It has been asked, and answered, once.
    ...{ askAt: now + comesBackMs, asked: 1, hearBy: undefined },
  });
};

/** An exit has spoken again of a message that it handed over: if it was asked once more, that was the last time. */
export const noteHeard = (
  { store }: { readonly store: Pick<MessageStore, 'sendings' | 'removeSendings'> },
  { messageId, exit }: Pick<OpenSending, 'messageId' | 'exit'>,
): void => {
  const wasAsked = store.sendings(messageId).some((sending) => sending.exit === exit && sending.asked > 1);
  if (wasAsked) store.removeSendings(messageId);
};

/** Where the exits of cover drops are kept, a line each, and when they are to be asked. */
const noteName = 'cover-question';

/** What is kept of a cover drop. */
interface Drop {
  readonly exit: NodeId;
  readonly askAt: number;
  /** Once, and is to be once more. */
  readonly wasAsked: boolean;
}

const keptDrops = ({ store }: QuestionDeps): readonly Drop[] =>
  (store.note(noteName) ?? '').split('\n').flatMap((line) => {
    const [id = '', askAt, again] = line.split(' ');
    const exit = parseNodeId(id);
    return exit === undefined ? [] : [{ exit, askAt: Number(askAt), wasAsked: again !== undefined }];
  });

const keepDrops = ({ store }: QuestionDeps, drops: readonly Drop[]): void => {
  const lines = drops.map(({ exit, askAt, wasAsked }) => `${exit} ${askAt}${wasAsked ? ' again' : ''}`);
  store.setNote(noteName, lines.join('\n'));
};

/**
 * A cover drop that ends at that node has left. An exit is asked about it, as about a message, and once more as about one that
 * was handed over: in a list with layers few first nodes lead to one exit, so questions tell which mails before them ended
 * where they end. One drop waits for its first question at a time, and none beside a message that does: so as many questions
 * follow drops, when nobody writes, as follow messages of somebody who writes (test/sim/links.test.ts).
 */
export const noteCover = (deps: QuestionDeps, { network, now }: Moment, lastHop: NodeId): void => {
  const drops = keptDrops(deps);
  const isKept = drops.some(({ wasAsked }) => !wasAsked) || deps.store.openSendings().some(({ asked }) => asked === 0);
  if (!isKept) keepDrops(deps, [...drops, { exit: lastHop, askAt: now + transitMs(network), wasAsked: false }]);
};

/**
 * From now on those exits are to be asked whose packets have all left, as soon as they may have arrived; and that of a
 * cover drop that has not been asked no more. One that answers unasked is waited for.
 *
 * @param before since when that packet waited that waited longest, before this slot's mail
 */
export const noteLeft = (deps: QuestionDeps, moment: Moment, before: number): void => {
  const { store } = deps;
  const { network, now } = moment;
  const oldest = oldestWaiting(deps, moment);
  for (const sending of store.openSendings()) {
    if (sending.askAt !== undefined || mayWait(sending.sentAt, oldest)) continue;
    if (!asks(deps)) {
      const hearBy = now + answerTransits * transitMs(network);
      if (mayWait(sending.sentAt, before)) store.noteQuestion(sending, { askAt: undefined, asked: 0, hearBy });
      continue;
    }
    store.noteQuestion(sending, { askAt: now + transitMs(network), asked: 0, hearBy: undefined });
    const drops = keptDrops(deps);
    keepDrops(
      deps,
      drops.filter(({ wasAsked }) => wasAsked),
    );
  }
};

/** A question, and what its maker keeps of it. */
export interface Question {
  readonly entry: NodeId;
  readonly packet: Uint8Array;
  readonly receipt: Block;
  readonly bounce: Block;
}

/** The ends of a question's path that are given; the others are drawn as for a mail. */
interface Ends {
  readonly entry?: NodeId | undefined;
  readonly exit?: NodeId;
}

/** Asks an exit what became of a message. @throws RouteError `route/no-path` */
const questionAbout = (
  deps: QuestionDeps,
  moment: Moment,
  messageId: MessageId,
  { entry, exit }: Ends = {},
): Question => {
  const { crypto, rng, rules } = deps;
  const { network, now } = moment;
  const length = network.parameters.pathLength;
  const wish = { network, now, rng, length, recipientDomains: [], ...rules };
  const end: Descriptor = pickExit(deps, exit === undefined ? wish : { ...wish, exit });
  const [receipt, bounce] = [createBlock(deps, end, moment), createBlock(deps, end, moment)];
  const path = choosePath({ ...wish, exit: end.nodeId, ...(entry === undefined ? {} : { entry }) });
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

/** What is to be asked about now: that first which waits longest for it, what has been delivered after all that has not. */
const toAsk = ({ store }: Pick<QuestionDeps, 'store'>, now: number): readonly OpenSending[] => {
  const askAtOf = ({ askAt = Infinity }: OpenSending): number => askAt;
  return store
    .openSendings()
    .filter((sending) => askAtOf(sending) <= now)
    .toSorted((a, b) => Number(a.isDelivered) - Number(b.isDelivered) || askAtOf(a) - askAtOf(b));
};

/**
 * About that message. In a transaction.
 *
 * @param entry where the question goes first, if that is given
 * @returns undefined if no way leads to its exit now
 */
const askAbout = (deps: QuestionDeps, moment: Moment, due: OpenSending, entry?: NodeId): Question | undefined => {
  const { store, log } = deps;
  const { now } = moment;
  const { messageId, exit, isDelivered, askAt = now } = due;
  const lateMs = now - askAt;
  if (lateMs > dayMs && !isDelivered) log.warn('client/questions-late', { hours: Math.floor(lateMs / hourMs) });
  const asked = due.asked + 1;
  const waitMs = answerTransits * transitMs(moment.network);
  const hearBy = now + waitMs;
  const question = unlessNoPath(() => questionAbout(deps, moment, messageId, { entry, exit }));
  // Over another first node there may be a way.
  if (question instanceof RouteError && entry !== undefined) return undefined;
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
  const { network, now } = moment;
  // As soon as an answer about a message may have come that was asked about now, and so long after that as after one.
  const againMs = 2 * transitMs(network) + comesBackMs;
  const drops = keptDrops(deps);
  // Or was to be by a clock that has been set back.
  const isDue = ({ askAt, wasAsked }: Drop): boolean =>
    askAt <= now || askAt > now + (wasAsked ? againMs : transitMs(network));
  const [due] = drops.filter(isDue).toSorted((a, b) => a.askAt - b.askAt);
  if (due !== undefined) {
    const others = drops.filter((drop) => drop !== due);
    keepDrops(deps, due.wasAsked ? others : [...others, { ...due, askAt: now + againMs, wasAsked: true }]);
  }
  const about = due && unlessNoPath(() => questionAbout(deps, moment, id, { exit: due.exit }));
  const question = about === undefined || about instanceof RouteError ? questionAbout(deps, moment, id) : about;
  store.addLoop(question.receipt.id, now);
  return question;
};

/**
 * The question of a slot: about the first of the messages that are to be asked about, else about none. In a transaction.
 *
 * @throws RouteError `route/no-path` when no exit can be asked
 */
export const askOnce = (deps: QuestionDeps, moment: Moment): Pick<Question, 'entry' | 'packet'> => {
  const [due] = toAsk(deps, moment.now);
  return (due && askAbout(deps, moment, due)) ?? askForNothing(deps, moment);
};

/** Of those that wait longest for their question so many are looked at for one that a given first node leads to. */
const mostTried = 4;

/**
 * A client to whom exits answer unasked asks in the place of cover, in mails that leave anyway: so a question keeps no message
 * waiting, however many there are. About one of the messages that are to be asked about. In a transaction.
 *
 * @param entry where the mail goes; undefined: where the question goes is drawn as for a mail
 * @returns undefined where nothing is to be asked in that way
 */
export const askForCover = (deps: QuestionDeps, moment: Moment, entry?: NodeId): Question | undefined => {
  if (asks(deps)) return undefined;
  for (const due of toAsk(deps, moment.now).slice(0, mostTried)) {
    const question = askAbout(deps, moment, due, entry);
    if (question !== undefined) return question;
  }
  return undefined;
};
