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

/** First byte of a payload that holds a fragment; every other value is free for other kinds of payload. */
export const fragmentKind = 1;

const headBytes = 1 + messageIdBytes + 1 + 1 + 2;
const maxFragments = 255;

/** Message bytes in every fragment but the last: 25,617. */
export const fragmentDataBytes = fragmentPayloadBytes - headBytes;

/** The longest message: 6,532,335 bytes. */
export const maxMessageBytes = maxFragments * fragmentDataBytes;

/**
 * The payloads that carry a message, one packet each.
 *
 *   payload = kind 1 = 1 | message id 16 | index 1 | count 1 | length 2 | data `length` | zero up to 25638
 *
 * Only the exit sees count and lengths: a packet is as large with one byte in it as with all.
 *
 * @param message 1 byte or more
 * @returns 1 to 255 payloads of exactly `fragmentPayloadBytes`, in order of their index
 * @throws SubmissionError `submission/too-large` for more than `maxMessageBytes`
 */
export const cutFragments = (message: Uint8Array, messageId: MessageId): readonly Uint8Array[] => {
  const id = fromHex(messageId);
  if (id?.length !== messageIdBytes || message.length === 0) throw new Bug('a fragment needs an id and a message');
  const count = Math.ceil(message.length / fragmentDataBytes);
  if (count > maxFragments)
    throw new SubmissionError('submission/too-large', 'the mail is too large: encrypted it may have 6.5 MB at most');
  return Array.from({ length: count }, (_, index) => {
    const data = message.subarray(index * fragmentDataBytes, (index + 1) * fragmentDataBytes);
    const payload = new Uint8Array(fragmentPayloadBytes);
    payload.set(concat(Uint8Array.of(fragmentKind), id, Uint8Array.of(index, count), u16(data.length), data));
    return payload;
  });
};

/**
 * The fragment in a payload.
 *
 * @throws PacketError `message/bad-fragment`: a length other than `fragmentPayloadBytes`, another kind, an index not
 * below the count, a fragment before the last that is not full, an empty one, or padding that is not zero
 */
export const readFragment = (payload: Uint8Array): Fragment => {
  const [index = 0, count = 0] = payload.subarray(headBytes - 4, headBytes - 2);
  const length = readU16(payload, headBytes - 2);
  const isLast = index === count - 1;
  const fits = isLast ? length >= 1 && length <= fragmentDataBytes : length === fragmentDataBytes;
  const wellFormed = payload.length === fragmentPayloadBytes && payload[0] === fragmentKind && index < count && fits;
  if (!wellFormed || payload.subarray(headBytes + length).some((byte) => byte !== 0))
    throw new PacketError('message/bad-fragment');
  const messageId = messageIdOf(payload.subarray(1, 1 + messageIdBytes));
  return { messageId, index, count, data: payload.subarray(headBytes, headBytes + length) };
};
