import { concat, fromHex, readU16, u16 } from '../base/bytes.js';
import { Bug, PacketError, SubmissionError } from '../base/errors.js';
import { messageIdBytes, messageIdOf, type MessageId } from '../base/ids.js';
import { geometry } from '../sphinx/geometry.js';

/** A fragment fills what a user has in the payload of one exit packet. */
export const fragmentPayloadBytes = geometry.userPayloadBytes;

/** A piece of a message, as one packet carries it to the exit. */
export interface Fragment {
  readonly messageId: MessageId;
  /** 0 to count - 1. */
  readonly index: number;
  /** 1 to 255. */
  readonly count: number;
  /** Exactly `fragmentDataBytes`, in the last fragment 1 to that. */
  readonly data: Uint8Array;
}

/**
 * What a packet brings to an exit: a fragment of a message, and reply blocks for what the exit answers about it; or
 * the blocks alone, where the fragments leave no room; or a question, what became of the message.
 */
export interface ExitPayload {
  readonly messageId: MessageId;
  /** Fragments of the whole message, 1 to 255; 0: a question, which is answered at once, over the first block. */
  readonly count: number;
  readonly fragment: Pick<Fragment, 'index' | 'data'> | undefined;
  /** 0 to 3 reply blocks of 7162 bytes: the first for the receipt, the second for a bounce that comes later. */
  readonly blocks: readonly Uint8Array[];
}

/** First byte of a payload that goes to an exit; every other value is free for other kinds of payload. */
export const exitPayloadKind = 1;

const { surbBytes } = geometry;
const headBytes = 1 + messageIdBytes + 1 + 1 + 2 + 1;
const maxFragments = 255;
/** In the place of an index: no fragment. */
const noIndex = 255;
const mostBlocks = 3;

/** Message bytes in every fragment but the last: 25,616. */
export const fragmentDataBytes = fragmentPayloadBytes - headBytes;

/** The longest message: 6,532,080 bytes. */
export const maxMessageBytes = maxFragments * fragmentDataBytes;

/**
 * The fragments of a message. The same message gives the same fragments, so those of a second sending complete the
 * first.
 *
 * @param message 1 byte or more
 * @returns 1 to 255, in order of their index
 * @throws SubmissionError `submission/too-large` for more than `maxMessageBytes`
 */
export const cutFragments = (message: Uint8Array, messageId: MessageId): readonly Fragment[] => {
  if (message.length === 0) throw new Bug('a fragment needs a message');
  const count = Math.ceil(message.length / fragmentDataBytes);
  if (count > maxFragments)
    throw new SubmissionError('submission/too-large', 'the mail is too large: encrypted it may have 6.5 MB at most');
  return Array.from({ length: count }, (_, index) => ({
    messageId,
    index,
    count,
    data: message.subarray(index * fragmentDataBytes, (index + 1) * fragmentDataBytes),
  }));
};

/**
 * The payloads that carry these fragments of one message, a packet each, and reply blocks for its answers: with the
 * shortest fragment where it leaves room, else in a payload of their own.
 *
 * @param fragments at least one
 * @param blocks 0 to 3
 */
export const exitPayloads = (fragments: readonly Fragment[], blocks: readonly Uint8Array[]): readonly ExitPayload[] => {
  const last = fragments.at(-1);
  if (last === undefined) throw new Bug('a sending has fragments');
  const { messageId, count } = last;
  const fits = last.data.length + blocks.length * surbBytes <= fragmentDataBytes;
  const payloads = fragments.map((fragment) => ({
    messageId,
    count,
    fragment,
    blocks: fits && fragment === last ? blocks : [],
  }));
  return fits ? payloads : [...payloads, { messageId, count, fragment: undefined, blocks }];
};

/**
 * The payload's bytes.
 *
 *   payload = kind 1 = 1 | message id 16 | index 1 | count 1 | length 2 | blocks 1 | data `length`
 *           | reply block 7162 x `blocks` | zero up to 25638
 *
 * Without a fragment the index is 255 and the length 0; in a question the count is 0, too. Only the exit sees any of it: a
 * packet is as large with one byte in it as with all.
 *
 * @returns exactly `fragmentPayloadBytes`
 */
export const encodeExitPayload = ({ messageId, count, fragment, blocks }: ExitPayload): Uint8Array => {
  const id = fromHex(messageId);
  if (id?.length !== messageIdBytes) throw new Bug('a payload needs a message id');
  const { index, data } = fragment ?? { index: noIndex, data: new Uint8Array() };
  const head = Uint8Array.of(index, count, ...u16(data.length), blocks.length);
  const bytes = concat(Uint8Array.of(exitPayloadKind), id, head, data, ...blocks);
  if (bytes.length > fragmentPayloadBytes) throw new Bug('a payload has no room for these blocks');
  const payload = new Uint8Array(fragmentPayloadBytes);
  payload.set(bytes);
  return payload;
};

/**
 * What these bytes bring to an exit.
 *
 * @throws PacketError `message/bad-fragment`: a length other than `fragmentPayloadBytes`, another kind, an index that
 * is not below the count, a fragment before the last that is not full, an empty one, more than 3 blocks, neither
 * fragment nor block, or padding that is not zero
 */
export const decodeExitPayload = (payload: Uint8Array): ExitPayload => {
  const headAt = 1 + messageIdBytes;
  const [index = 0, count = 0] = payload.subarray(headAt, headAt + 2);
  const length = readU16(payload, headAt + 2);
  const blockCount = payload[headAt + 4] ?? 0;
  const blocksAt = headBytes + length;
  const end = blocksAt + blockCount * surbBytes;
  const fitsLast = length >= 1 && length <= fragmentDataBytes;
  const fits =
    index === noIndex
      ? length === 0 && blockCount > 0
      : index < count && (index === count - 1 ? fitsLast : length === fragmentDataBytes);
  const wellFormed =
    payload.length === fragmentPayloadBytes &&
    payload[0] === exitPayloadKind &&
    fits &&
    blockCount <= mostBlocks &&
    end <= fragmentPayloadBytes;
  if (!wellFormed || payload.subarray(end).some((byte) => byte !== 0)) throw new PacketError('message/bad-fragment');
  return {
    messageId: messageIdOf(payload.subarray(1, headAt)),
    count,
    fragment: index === noIndex ? undefined : { index, data: payload.subarray(headBytes, blocksAt) },
    blocks: Array.from({ length: blockCount }, (_, i) =>
      payload.subarray(blocksAt + i * surbBytes, blocksAt + (i + 1) * surbBytes),
    ),
  };
};
