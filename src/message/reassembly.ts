import { concat } from '../base/bytes.js';
import { Bug, type DropReason } from '../base/errors.js';
import { fragmentDataBytes, type Fragment } from './fragment.js';

/** How much an exit keeps of messages it hasn't all fragments of. */
export interface ReassemblyBounds {
  readonly maxMessageBytes: number;
  /** Messages begun and not complete; one of a single fragment only when reply blocks came before it. */
  readonly maxOpenMessages: number;
  /** Of all of them together; what makes a message whole is no more. */
  readonly maxFragments: number;
  /** How long a message may stay incomplete after its first fragment. */
  readonly expiryMs: number;
}

/** What is stored of a message. */
export type StoredMessage =
  | { readonly kind: 'open'; readonly count: number; readonly indexes: readonly number[] }
  /** Complete and handed over; remembered so that a second copy isn't. */
  | { readonly kind: 'done' };

export type FragmentDecision =
  /** Keep it: more are missing. */
  | { readonly kind: 'store' }
  /** It is the last one missing: join it with what is stored. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'drop'; readonly reason: DropReason };

const drop = (reason: DropReason): FragmentDecision => ({ kind: 'drop', reason });

/** The least a message of that many fragments can have: all before the last are full. */
const leastBytes = (count: number, lastBytes = 1): number => (count - 1) * fragmentDataBytes + lastBytes;

/**
 * What to do with a fragment. Bounds are checked before anything is stored, and by the count a fragment claims, so a
 * message that will be too large takes no space at all.
 *
 * @param stored what is stored under the fragment's message id; undefined if nothing
 * @param openMessages how many messages are begun and not complete
 * @returns dropped for `message/too-large`, `message/too-many` (a new message while `maxOpenMessages` are open),
 * `message/bad-fragment` (another count than the fragments before) or `message/already-known`
 */
export const decideFragment = (
  fragment: Fragment,
  stored: StoredMessage | undefined,
  openMessages: number,
  bounds: ReassemblyBounds,
): FragmentDecision => {
  if (stored?.kind === 'done') return drop('message/already-known');
  const lastBytes = fragment.index === fragment.count - 1 ? fragment.data.length : undefined;
  if (leastBytes(fragment.count, lastBytes) > bounds.maxMessageBytes) return drop('message/too-large');
  if (stored === undefined) {
    if (fragment.count === 1) return { kind: 'complete' };
    return openMessages >= bounds.maxOpenMessages ? drop('message/too-many') : { kind: 'store' };
  }
  if (fragment.count !== stored.count) return drop('message/bad-fragment');
  if (stored.indexes.includes(fragment.index)) return drop('message/already-known');
  return stored.indexes.length + 1 === stored.count ? { kind: 'complete' } : { kind: 'store' };
};

/**
 * The same decision where that many fragments are stored already: one that would only be stored is dropped for
 * `message/too-many` when there is no room, one that completes its message is not.
 */
export const whereThereIsRoom = (
  decision: FragmentDecision,
  fragments: () => number,
  { maxFragments }: ReassemblyBounds,
): FragmentDecision => (decision.kind === 'store' && fragments() >= maxFragments ? drop('message/too-many') : decision);

/**
 * What to do with reply blocks of a message that come without a fragment of it: `store` or, for the same reasons as
 * above, `drop`. They are welcome after the message is finished, too.
 */
export const decideBlocks = (
  count: number,
  stored: StoredMessage | undefined,
  openMessages: number,
  bounds: ReassemblyBounds,
): FragmentDecision => {
  if (stored?.kind === 'done') return { kind: 'store' };
  if (leastBytes(count) > bounds.maxMessageBytes) return drop('message/too-large');
  if (stored === undefined && openMessages >= bounds.maxOpenMessages) return drop('message/too-many');
  return stored === undefined || stored.count === count ? { kind: 'store' } : drop('message/bad-fragment');
};

/**
 * The message all of whose fragments these are, in any order.
 *
 * @param fragments every index once, all of one message id and count
 */
export const joinFragments = (fragments: readonly Fragment[]): Uint8Array => {
  const inOrder = [...fragments].sort((a, b) => a.index - b.index);
  const [first] = inOrder;
  const complete = inOrder.every(
    (fragment, i) =>
      fragment.index === i && fragment.messageId === first?.messageId && fragment.count === inOrder.length,
  );
  if (first === undefined || !complete) throw new Bug('fragments are missing or of several messages');
  return concat(...inOrder.map((fragment) => fragment.data));
};
