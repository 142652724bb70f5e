import type { Base64 } from '../base/base64.js';
import { PacketError } from '../base/errors.js';
import type { MessageId } from '../base/ids.js';
import { composeDelivery, checkDeliverable } from '../message/delivery.js';
import { decodeMessage } from '../message/envelope.js';
import { decodeExitPayload } from '../message/fragment.js';
import { decideFragment, joinFragments } from '../message/reassembly.js';
import type { ReassemblyBounds, StoredMessage } from '../message/reassembly.js';
import type { MessageRecord, OutgoingStore, ReassemblyStore } from '../ports/stores.js';
import type { Tally } from './tally.js';

export interface ExitDeps {
  readonly store: ReassemblyStore & OutgoingStore;
  readonly base64: Base64;
  readonly tally: Tally;
  readonly bounds: ReassemblyBounds;
  /** The exit's own address, outer sender of what it hands over. */
  readonly from: string;
}

/** The message is whole: policy, then a finished mail for its recipient. The id stays known, so it goes out once. */
const handOver = ({ store, base64, tally, from }: ExitDeps, messageId: MessageId, now: number): void => {
  try {
    const fragments = store.fragments(messageId).map((fragment) => ({ messageId, ...fragment }));
    const message = checkDeliverable(decodeMessage(joinFragments(fragments)));
    const raw = composeDelivery({ from, message, messageId, now }, base64);
    store.addOutgoing({ kind: 'delivery', to: message.recipient, raw }, now);
    tally.add('delivery');
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    tally.add(error.code);
  }
  store.closeMessage(messageId, now);
};

const storedOf = (record: MessageRecord | undefined): StoredMessage | undefined => {
  if (record === undefined) return undefined;
  return record.closed ? { kind: 'done' } : { kind: 'open', ...record };
};

/** Takes one fragment out of the pool into its message, and hands over the message it completes. In a transaction. */
export const takeFragment = (deps: ExitDeps, payload: Uint8Array, now: number): void => {
  const { store, tally, bounds } = deps;
  try {
    const { messageId, count, fragment: piece } = decodeExitPayload(payload);
    if (piece === undefined) return;
    const fragment = { messageId, count, ...piece };
    const decision = decideFragment(fragment, storedOf(store.message(messageId)), store.openMessages(), bounds);
    if (decision.kind === 'drop') {
      tally.add(decision.reason);
      return;
    }
    store.addFragment(messageId, fragment, now);
    if (decision.kind === 'complete') handOver(deps, messageId, now);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    tally.add(error.code);
  }
};
