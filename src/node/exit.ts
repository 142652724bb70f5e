import type { Base64 } from '../base/base64.js';
import { PacketError } from '../base/errors.js';
import { checkDeliverable, composeDelivery, deliveryToken } from '../message/delivery.js';
import { decodeMessage } from '../message/envelope.js';
import { decodeExitPayload } from '../message/fragment.js';
import type { ExitPayload } from '../message/fragment.js';
import { decideBlocks, decideFragment, joinFragments, whereThereIsRoom } from '../message/reassembly.js';
import type { FragmentDecision, ReassemblyBounds, StoredMessage } from '../message/reassembly.js';
import { isRejection } from '../message/receipt.js';
import type { MessageRecord } from '../ports/mix-store.js';
import type { OutgoingStore } from '../ports/stores.js';
import type { Network } from '../route/network.js';
import { answerQuestion, isUsable, settle, tellEnd } from './answers.js';
import type { AnswerDeps } from './answers.js';
import { aliasFor, keepReturnAddress, takeForAlias } from './replies.js';
import type { ReturnDeps } from './replies.js';
import { hasRoomForDelivery, type ShapeDeps } from './shape.js';

export interface ExitDeps extends AnswerDeps, ReturnDeps, Pick<ShapeDeps, 'budget'> {
  readonly store: AnswerDeps['store'] & ReturnDeps['store'] & OutgoingStore;
  readonly base64: Base64;
  readonly bounds: ReassemblyBounds;
}

/**
 * The message is whole: policy, then a finished mail for its recipient, or, where that is an alias of this exit, a reply
 * for whom the alias stands for. The id stays known, so it goes out once. One for which the account has no mails left is
 * given up at once: another exit may have some.
 */
const handOver = (deps: ExitDeps, { messageId, count }: ExitPayload, network: Network, now: number): void => {
  const { store, base64, tally, from } = deps;
  try {
    const fragments = store.fragments(messageId).map((fragment) => ({ messageId, count, ...fragment }));
    const message = checkDeliverable(decodeMessage(joinFragments(fragments)));
    if (aliasFor(deps, message.recipient) === undefined && !hasRoomForDelivery(deps, now)) {
      tally.add('delivery/no-room');
      settle(deps, messageId, { kind: 'gave-up' }, now);
      return;
    }
    const token = deliveryToken(messageId);
    const replyTo = message.returnAddress && keepReturnAddress(deps, token, message.returnAddress, now);
    const raw = composeDelivery({ from, message, messageId, now, ...(replyTo && { replyTo }) }, base64);
    store.closeMessage(messageId, token, now);
    const isCarried = takeForAlias(deps, message.recipient, raw, { network, now });
    if (isCarried !== undefined) {
      settle(deps, messageId, isCarried ? { kind: 'handed-over', code: 250 } : { kind: 'refused', code: 550 }, now);
      return;
    }
    store.addOutgoing({ kind: 'delivery', to: message.recipient, raw, messageId }, now);
    tally.add('delivery');
  } catch (error) {
    if (!(error instanceof PacketError && isRejection(error.code))) throw error;
    tally.add(error.code);
    settle(deps, messageId, { kind: 'rejected', reason: error.code }, now);
  }
};

const storedOf = (record: MessageRecord | undefined): StoredMessage | undefined => {
  if (record === undefined) return undefined;
  return record.closed ? { kind: 'done' } : { kind: 'open', ...record };
};

const decide = ({ store, bounds }: ExitDeps, { messageId, count, fragment }: ExitPayload): FragmentDecision => {
  const stored = storedOf(store.message(messageId));
  if (fragment === undefined) return decideBlocks(count, stored, store.openMessages(), bounds);
  const decision = decideFragment({ messageId, count, ...fragment }, stored, store.openMessages(), bounds);
  return whereThereIsRoom(decision, () => store.fragmentCount(), bounds);
};

/** Keeps the newest reply block for each purpose. */
const keepBlocks = (
  { store, tally }: ExitDeps,
  { messageId, blocks }: ExitPayload,
  network: Network,
  now: number,
): void => {
  for (const [purpose, block] of [
    ['receipt', blocks[0]],
    ['bounce', blocks[1]],
  ] as const) {
    if (block === undefined) continue;
    if (isUsable(block, network)) store.keepBlock(messageId, purpose, block, now);
    else tally.add('answer/no-way');
  }
};

/**
 * Takes what a packet brought to this exit out of the pool: a fragment into its message, reply blocks for what becomes of
 * it. Hands over the message it completes, and answers questions and a copy of a message that has ended. In a transaction.
 */
export const takePayload = (deps: ExitDeps, bytes: Uint8Array, network: Network, now: number): void => {
  const { store, tally } = deps;
  try {
    const payload = decodeExitPayload(bytes);
    const { messageId, count, fragment } = payload;
    if (count === 0) {
      answerQuestion(deps, payload, network, now);
      return;
    }
    const decision = decide(deps, payload);
    const dropped = decision.kind === 'drop' ? decision.reason : undefined;
    if (dropped !== undefined) tally.add(dropped);
    if (dropped === 'message/too-many' || dropped === 'message/bad-fragment') return;
    store.openMessage(messageId, count, now);
    keepBlocks(deps, payload, network, now);
    if (dropped === 'message/too-large') settle(deps, messageId, { kind: 'rejected', reason: dropped }, now);
    if (dropped === undefined && fragment !== undefined) store.addFragment(messageId, fragment);
    if (decision.kind === 'complete') handOver(deps, payload, network, now);
    tellEnd(deps, messageId, now);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    tally.add(error.code);
  }
};
