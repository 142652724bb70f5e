import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, equalBytes, toHex, u16 } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { seededRng, shuffled } from '../../src/base/random.js';
import { cutReply, joinPieces, pieceDataBytes, piecesFor, readPiece } from '../../src/message/reply.js';

const rng = seededRng(new Uint8Array(32).fill(4));
const replyId = new Uint8Array(16).fill(0xcd);
const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(25_638 - bytes.length));

const refused = (payload: Uint8Array): boolean => {
  try {
    readPiece(payload);
    return false;
  } catch (error) {
    return error instanceof PacketError && error.code === 'message/bad-piece';
  }
};

describe('a reply', () => {
  test('is cut into pieces, one for each reply block, and joined from them in any order', () => {
    for (const length of [1, pieceDataBytes, pieceDataBytes + 1, 100_000]) {
      const reply = rng(length);
      const payloads = cutReply(reply, replyId);
      expect(payloads).toHaveLength(piecesFor(length));
      const pieces = payloads.map((payload) => readPiece(padded(payload)));
      expect(pieces.every((piece) => equalBytes(piece.replyId, replyId))).toBe(true);
      expect(equalBytes(joinPieces(shuffled(rng, pieces)), reply)).toBe(true);
    }
  });

  test('has the bytes of the specification', () => {
    const [payload = new Uint8Array()] = cutReply(Uint8Array.of(7, 8), replyId);
    expect(toHex(payload)).toBe(`02${'cd'.repeat(16)}000100020708`);
    expect(readPiece(padded(payload))).toEqual({ replyId, index: 0, count: 1, data: Uint8Array.of(7, 8) });
  });

  test('needs a block for every 25,617 bytes, and has at most 64', () => {
    expect([0, 1, 25_617, 25_618, 64 * 25_617].map(piecesFor)).toEqual([0, 1, 1, 2, 64]);
    expect(cutReply(new Uint8Array(64 * 25_617), replyId)).toHaveLength(64);
    expect(() => cutReply(new Uint8Array(64 * 25_617 + 1), replyId)).toThrow('BUG');
    expect(() => cutReply(new Uint8Array(), replyId)).toThrow('BUG');
    expect(() => cutReply(new Uint8Array(1), replyId.subarray(1))).toThrow('BUG');
  });

  test('of which a piece is missing or doubled is not joined', () => {
    const pieces = cutReply(rng(60_000), replyId).map((payload) => readPiece(padded(payload)));
    expect(() => joinPieces([])).toThrow('BUG');
    expect(() => joinPieces(pieces.slice(1))).toThrow('BUG');
    expect(() => joinPieces([...pieces, ...pieces])).toThrow('BUG');
  });
});

describe('a piece', () => {
  const none = new Uint8Array();
  const [full = none, last = none] = cutReply(rng(pieceDataBytes + 10), replyId).map(padded);
  const changed = (payload: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = Uint8Array.from(payload);
    copy[at] = value;
    return copy;
  };

  test('is refused if it is not exactly one', () => {
    expect([full, last].map(refused)).toEqual([false, false]);
    const wrong: Record<string, Uint8Array> = {
      empty: none,
      short: last.subarray(0, -1),
      long: concat(last, Uint8Array.of(0)),
      'of another kind': changed(last, 0, 1),
      'of no reply': changed(full, 18, 0),
      'of too many': changed(full, 18, 65),
      'beyond the last': changed(last, 17, 2),
      'not full before the last': changed(last, 17, 0),
      'empty at the end': changed(last, 20, 0),
      'longer than a payload': changed(last, 19, 255),
      'with something in its padding': changed(last, 25_637, 1),
      'with a byte right behind its data': changed(last, 31, 1),
    };
    for (const [what, payload] of Object.entries(wrong)) expect([what, refused(payload)]).toEqual([what, true]);
  });

  test('of any bytes is one that is written the same, or a PacketError', () => {
    const head = fc.tuple(fc.nat(3), fc.nat(3), fc.constantFrom(0, 1, 9, pieceDataBytes, pieceDataBytes + 1));
    let read = 0;
    fc.assert(
      fc.property(head, ([index, count, length]) => {
        const payload = new Uint8Array(25_638);
        payload.set(concat(Uint8Array.of(2), replyId, Uint8Array.of(index, count), u16(length)));
        payload.fill(7, 21, 21 + length);
        if (refused(payload)) return;
        read++;
        const data = new Uint8Array(length).fill(7);
        const piece = readPiece(payload);
        expect([piece.index, piece.count, equalBytes(piece.data, data)]).toEqual([index, count, true]);
        const before = new Uint8Array(index * pieceDataBytes);
        const behind = new Uint8Array((count - 1 - index) * pieceDataBytes);
        const again = cutReply(concat(before, data, behind), replyId)[index] ?? none;
        expect(equalBytes(padded(again), payload)).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect(read).toBeGreaterThan(20);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused));
  });
});
