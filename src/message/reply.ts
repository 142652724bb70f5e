import { concat, readU16, u16 } from '../base/bytes.js';
import { Bug, PacketError } from '../base/errors.js';
import { geometry } from '../sphinx/geometry.js';

/** A piece of a reply, as one reply block carries it to the block's maker. */
export interface ReplyPiece {
  /** 16 random bytes, the same in all pieces of a reply. */
  readonly replyId: Uint8Array;
  /** 0 to count - 1. */
  readonly index: number;
  /** 1 to 64. */
  readonly count: number;
  /** Exactly `pieceDataBytes`, in the last piece 1 to that. */
  readonly data: Uint8Array;
}

/** First byte of a payload that carries a piece of a reply. */
export const pieceKind = 2;

const replyIdBytes = 16;
const headBytes = 1 + replyIdBytes + 1 + 1 + 2;
const mostPieces = 64;

/** Bytes of a reply in every piece but the last: 25,617. */
export const pieceDataBytes = geometry.userPayloadBytes - headBytes;

/** How many pieces, and so reply blocks, a reply of that many bytes needs. */
export const piecesFor = (replyBytes: number): number => Math.ceil(replyBytes / pieceDataBytes);

/**
 * The payloads that carry a reply, one reply block each.
 *
 *   payload = kind 1 = 2 | reply id 16 | index 1 | count 1 | length 2 | data `length`
 *
 * @param reply 1 byte or more, at most 64 pieces
 * @param replyId 16 random bytes
 * @returns in order of their index, to be padded with zeros by the reply block that carries each
 */
export const cutReply = (reply: Uint8Array, replyId: Uint8Array): readonly Uint8Array[] => {
  const count = piecesFor(reply.length);
  if (count < 1 || count > mostPieces || replyId.length !== replyIdBytes) throw new Bug('a reply has 1 to 64 pieces');
  return Array.from({ length: count }, (_, index) => {
    const data = reply.subarray(index * pieceDataBytes, (index + 1) * pieceDataBytes);
    return concat(Uint8Array.of(pieceKind), replyId, Uint8Array.of(index, count), u16(data.length), data);
  });
};

/**
 * The piece in what `openSurb` gave.
 *
 * @throws PacketError `message/bad-piece`
 */
export const readPiece = (payload: Uint8Array): ReplyPiece => {
  const [index = 0, count = 0] = payload.subarray(headBytes - 4, headBytes - 2);
  const length = readU16(payload, headBytes - 2);
  const isLast = index === count - 1;
  const fits = isLast ? length >= 1 && length <= pieceDataBytes : length === pieceDataBytes;
  const wellFormed =
    payload.length === geometry.userPayloadBytes &&
    payload[0] === pieceKind &&
    index < count &&
    count <= mostPieces &&
    fits;
  if (!wellFormed || payload.subarray(headBytes + length).some((byte) => byte !== 0))
    throw new PacketError('message/bad-piece');
  const replyId = payload.slice(1, 1 + replyIdBytes);
  return { replyId, index, count, data: payload.subarray(headBytes, headBytes + length) };
};

/**
 * The reply all of whose pieces these are, in any order.
 *
 * @param pieces every index once, all of one reply
 */
export const joinPieces = (pieces: readonly Pick<ReplyPiece, 'index' | 'data'>[]): Uint8Array => {
  const inOrder = [...pieces].sort((a, b) => a.index - b.index);
  if (inOrder.length === 0 || inOrder.some(({ index }, i) => index !== i)) throw new Bug('pieces are missing');
  return concat(...inOrder.map(({ data }) => data));
};
