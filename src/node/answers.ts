import type { MessageId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { dayMs, hourMs } from '../base/units.js';
import { networkAt } from '../follow/network-at.js';
import type { ExitPayload } from '../message/fragment.js';
import type { Bounce } from '../message/incoming.js';
import { decodeReceipt, encodeReceipt } from '../message/receipt.js';
import type { Receipt } from '../message/receipt.js';
import type { Directory } from '../ports/network.js';
import type { MessageRecord, ReassemblyStore } from '../ports/mix-store.js';
import type { Outgoing, PoolStore } from '../ports/stores.js';
import type { PostEnd } from '../post/post.js';
import type { Network } from '../route/network.js';
import { delayFor } from '../route/strategy.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { firstHopOf, useSurb } from '../sphinx/surb.js';
import type { Tally } from './tally.js';

export interface AnswerDeps {
  readonly store: ReassemblyStore & Pick<PoolStore, 'addToPool'>;
  readonly crypto: SphinxCrypto;
  readonly rng: Rng;
  readonly directory: Directory;
  readonly tally: Tally;
}

/** A message that is not whole this long after its reply block came: its sender hears what is there, and sends the rest. */
const partialAfterMs = 2 * hourMs;
/** Mails come back within five days (RFC 5321 4.5.4.1); then the reply block for that is forgotten. */
const bounceAfterMs = 5 * dayMs;

/** Whether the list knows where a packet over that reply block goes: what doesn't leave would fill the pool. */
export const isUsable = (block: Uint8Array, { byId }: Network): boolean => {
  const firstHop = firstHopOf(block);
  return firstHop !== undefined && byId.has(firstHop);
};

/** Puts the packet that a reply block makes into the pool, where it mixes like all others. */
export const sendOver = (
  { store, crypto, rng, directory }: Pick<AnswerDeps, 'store' | 'crypto' | 'rng' | 'directory'>,
  block: Uint8Array,
  payload: Uint8Array,
  now: number,
): void => {
  const { firstHop, packet } = useSurb(crypto, block, payload);
  const strategy = networkAt(directory, now)?.parameters.strategy;
  const delayMs = strategy === undefined ? 0 : delayFor(strategy, rng);
  store.addToPool({ kind: 'forward', nextHop: firstHop, readyAt: now + delayMs, bytes: packet });
};

/** Spends a message's reply block for the receipt, if one is at hand. */
const answer = (deps: AnswerDeps, messageId: MessageId, payload: Uint8Array, now: number): void => {
  const block = deps.store.takeBlock(messageId, 'receipt');
  if (block === undefined) return;
  sendOver(deps, block, payload, now);
  deps.tally.add('answer');
};

/** Tells a message's sender how it ended, if that is known: at its end, and again to every copy with a new reply block. */
export const tellEnd = (deps: AnswerDeps, messageId: MessageId, now: number): void => {
  const end = deps.store.message(messageId)?.answer;
  if (end === undefined) return;
  answer(deps, messageId, end, now);
  // What was not handed over can't come back.
  if (decodeReceipt(end).kind !== 'handed-over') deps.store.takeBlock(messageId, 'bounce');
};

/** Indexes of the fragments that an exit has, or had. */
const haveOf = (known: MessageRecord | undefined): readonly number[] => {
  if (known === undefined) return [];
  return known.closed ? Array.from({ length: known.count }, (_, index) => index) : known.indexes;
};

/**
 * Answers a question about a message: how it ended, or what is there of it. Whatever the answer is, it leaves at once, and
 * of a message that nobody knows it says that nothing is there: to all others a question about one is like any other.
 *
 * The reply block for a bounce is kept, in place of an earlier one, if the message's mail may still come back; of a message
 * that nobody knows nothing is kept. In a transaction.
 */
export const answerQuestion = (
  deps: AnswerDeps,
  { messageId, blocks: [receipt, bounce] }: Pick<ExitPayload, 'messageId' | 'blocks'>,
  network: Network,
  now: number,
): void => {
  const { store, tally } = deps;
  const known = store.message(messageId);
  const end = known?.answer;
  if (receipt !== undefined && isUsable(receipt, network)) {
    sendOver(deps, receipt, end ?? encodeReceipt({ kind: 'incomplete', have: haveOf(known) }), now);
    tally.add('answer');
  } else tally.add('answer/no-way');
  const mayComeBack = known !== undefined && (end === undefined || decodeReceipt(end).kind === 'handed-over');
  if (mayComeBack && bounce !== undefined && isUsable(bounce, network))
    store.keepBlock(messageId, 'bounce', bounce, now);
};

/** The message has ended. In a transaction, with what that end is. */
export const settle = (deps: AnswerDeps, messageId: MessageId, receipt: Receipt, now: number): void => {
  deps.store.settleMessage(messageId, encodeReceipt(receipt), now);
  tellEnd(deps, messageId, now);
};

/** What the post says of a delivery's end; inside its transaction. A bounce may have been faster. */
export const settleDelivery = (deps: AnswerDeps, { messageId }: Outgoing, end: PostEnd, now: number): void => {
  if (messageId === undefined || deps.store.message(messageId)?.answer !== undefined) return;
  const receipt: Receipt = end.kind === 'accepted' ? { kind: 'handed-over', code: end.code } : end;
  settle(deps, messageId, receipt, now);
};

/**
 * A delivered mail came back: its sender is told, once. In a transaction.
 *
 * @returns whether it is a mail of ours
 */
export const settleBounce = (deps: AnswerDeps, { token, status }: Bounce, now: number): boolean => {
  const { store, tally } = deps;
  const messageId = store.messageOfToken(token);
  if (messageId === undefined) return false;
  const known = store.message(messageId)?.answer;
  // Under way or handed over: any other end is the last word.
  if (known !== undefined && decodeReceipt(known).kind !== 'handed-over') return true;
  const receipt = encodeReceipt({ kind: 'bounced', status });
  store.settleMessage(messageId, receipt, now);
  const block = store.takeBlock(messageId, 'bounce');
  tally.add('bounce');
  if (block !== undefined) sendOver(deps, block, receipt, now);
  return true;
};

/** What is due by the time: messages that wait for fragments, and such as have waited too long. In a transaction. */
export const answerWaiting = (deps: AnswerDeps, expiryMs: number, now: number): void => {
  const { store, tally } = deps;
  for (const messageId of store.overdueMessages(now - expiryMs)) {
    tally.add('message/expired');
    settle(deps, messageId, { kind: 'expired' }, now);
  }
  for (const messageId of store.stalledMessages(now - partialAfterMs)) {
    const have = store.message(messageId)?.indexes ?? [];
    answer(deps, messageId, encodeReceipt({ kind: 'incomplete', have }), now);
  }
  store.forgetBlocks(now - bounceAfterMs);
};
