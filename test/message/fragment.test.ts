import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, equalBytes, toHex } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { messageIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { cutFragments, fragmentDataBytes, maxMessageBytes, readFragment } from '../../src/message/fragment.js';
import { joinFragments } from '../../src/message/reassembly.js';

const rng = seededRng(new Uint8Array(32).fill(9));
const id = messageIdOf(new Uint8Array(16).fill(0xab));

const refused = (payload: Uint8Array): boolean => {
  try {
    readFragment(payload);
    return false;
  } catch (error) {
    return error instanceof PacketError && error.code === 'message/bad-fragment';
  }
};

describe('a message', () => {
  test('is cut into payloads of one size, and put together from them in any order', () => {
    for (const length of [1, fragmentDataBytes, fragmentDataBytes + 1, 3 * fragmentDataBytes, 100_000]) {
      const message = rng(length);
      const payloads = cutFragments(message, id);
      expect(payloads).toHaveLength(Math.ceil(length / 25_617));
      expect(payloads.every((payload) => payload.length === 25_638)).toBe(true);
      const joined = joinFragments(payloads.map(readFragment).reverse());
      expect(equalBytes(joined, message)).toBe(true);
    }
  });

  test('has the bytes of the specification', () => {
    const [payload = new Uint8Array(0)] = cutFragments(Uint8Array.of(7, 8), id);
    expect(toHex(payload.subarray(0, 24))).toBe(`01${'ab'.repeat(16)}00010002070800`);
    expect(payload.subarray(23).every((byte) => byte === 0)).toBe(true);
    expect(readFragment(payload)).toEqual({ messageId: id, index: 0, count: 1, data: Uint8Array.of(7, 8) });
  });

  test('of 6.5 MB just goes, one byte more is refused in words', () => {
    expect(maxMessageBytes).toBe(6_532_335);
    expect(cutFragments(new Uint8Array(maxMessageBytes), id)).toHaveLength(255);
    expect(() => cutFragments(new Uint8Array(maxMessageBytes + 1), id)).toThrow(
      expect.objectContaining({ code: 'submission/too-large' }),
    );
  });
});

describe('a payload', () => {
  const [full = new Uint8Array(0), last = new Uint8Array(0)] = cutFragments(rng(fragmentDataBytes + 10), id);
  const changed = (payload: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = Uint8Array.from(payload);
    copy[at] = value;
    return copy;
  };

  test('is refused if it is not exactly a fragment', () => {
    expect([refused(full), refused(last)]).toEqual([false, false]);
    const wrong: Record<string, Uint8Array> = {
      empty: new Uint8Array(0),
      short: full.subarray(0, -1),
      long: concat(last, Uint8Array.of(0)),
      'of another kind': changed(full, 0, 2),
      'of no message': changed(full, 18, 0),
      'beyond the last': changed(full, 17, 2),
      'not full before the last': changed(last, 17, 0),
      'empty at the end': changed(last, 20, 0),
      'longer than a payload': changed(last, 19, 255),
      'with something in its padding': changed(last, 25_637, 1),
      'with a byte right behind its data': changed(last, 31, 1),
    };
    for (const [what, payload] of Object.entries(wrong)) expect([what, refused(payload)]).toEqual([what, true]);
  });

  test('of any bytes is a fragment or a PacketError', () => {
    const head = fc.uint8Array({ minLength: 21, maxLength: 21 });
    fc.assert(
      fc.property(head, fc.boolean(), (bytes, plausible) => {
        const payload = new Uint8Array(25_638);
        payload.set(bytes);
        if (plausible) payload.set([1], 0);
        if (refused(payload)) return;
        const { index, count, data } = readFragment(payload);
        expect(index).toBeLessThan(count);
        expect(data.length).toBeLessThanOrEqual(fragmentDataBytes);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused));
  });
});
