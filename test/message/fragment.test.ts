import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, equalBytes, toHex } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { messageIdOf, type MessageId } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import {
  cutFragments,
  decodeExitPayload,
  encodeExitPayload,
  exitPayloads,
  fragmentDataBytes,
  maxMessageBytes,
  type ExitPayload,
} from '../../src/message/fragment.js';
import { joinFragments } from '../../src/message/reassembly.js';

const rng = seededRng(new Uint8Array(32).fill(9));
const id = messageIdOf(new Uint8Array(16).fill(0xab));
const receipt = new Uint8Array(7162).fill(0x51);
const bounce = new Uint8Array(7162).fill(0x52);

const refused = (payload: Uint8Array): boolean => {
  try {
    decodeExitPayload(payload);
    return false;
  } catch (error) {
    return error instanceof PacketError && error.code === 'message/bad-fragment';
  }
};

/** What an exit reads of a message sent with these blocks, payload by payload. */
const arrived = (message: Uint8Array, ...blocks: Uint8Array[]): readonly ExitPayload[] =>
  exitPayloads(cutFragments(message, id), blocks).map((payload) => {
    const bytes = encodeExitPayload(payload);
    expect(bytes).toHaveLength(25_638);
    return decodeExitPayload(bytes);
  });

const fragmentsIn = (payloads: readonly ExitPayload[]) =>
  payloads.flatMap(({ messageId, count, fragment }) =>
    fragment === undefined ? [] : [{ messageId, count, ...fragment }],
  );

describe('a message', () => {
  test('is cut into payloads of one size, and put together from them in any order', () => {
    for (const length of [1, fragmentDataBytes, fragmentDataBytes + 1, 3 * fragmentDataBytes, 100_000]) {
      const message = rng(length);
      const payloads = arrived(message);
      expect(payloads).toHaveLength(Math.ceil(length / 25_616));
      expect(equalBytes(joinFragments(fragmentsIn(payloads).reverse()), message)).toBe(true);
    }
  });

  test('gives the same fragments a second time, so that those complete the first', () => {
    const message = rng(60_000);
    expect(cutFragments(message, id)).toEqual(cutFragments(Uint8Array.from(message), id));
  });

  test('has the bytes of the specification', () => {
    const [payload] = exitPayloads(cutFragments(Uint8Array.of(7, 8), id), [receipt]);
    if (payload === undefined) expect.fail('no payload');
    const bytes = encodeExitPayload(payload);
    expect(toHex(bytes.subarray(0, 24))).toBe(`01${'ab'.repeat(16)}00010002010708`);
    expect(bytes.subarray(24, 24 + 7162)).toEqual(receipt);
    expect(bytes.subarray(24 + 7162).every((byte) => byte === 0)).toBe(true);
    const fragment = { index: 0, data: Uint8Array.of(7, 8) };
    expect(decodeExitPayload(bytes)).toEqual({ messageId: id, count: 1, fragment, blocks: [receipt] });
  });

  test('of 6.5 MB just goes, one byte more is refused in words', () => {
    expect(maxMessageBytes).toBe(6_532_080);
    expect(cutFragments(new Uint8Array(maxMessageBytes), id)).toHaveLength(255);
    expect(() => cutFragments(new Uint8Array(maxMessageBytes + 1), id)).toThrow(
      expect.objectContaining({ code: 'submission/too-large' }),
    );
  });
});

test('no message, and a message without an id, are our own mistake', () => {
  expect(() => cutFragments(new Uint8Array(), id)).toThrow('BUG');
  for (const messageId of ['', 'ab', `${id}ab`, 'x'.repeat(32)] as MessageId[])
    expect(() => encodeExitPayload({ messageId, count: 0, fragment: undefined, blocks: [receipt] })).toThrow('BUG');
});

describe('reply blocks', () => {
  test('travel with the last fragment where it leaves room', () => {
    const payloads = arrived(rng(fragmentDataBytes + 11_292), receipt, bounce);
    expect(payloads.map(({ fragment, blocks }) => [fragment?.index, blocks.length])).toEqual([
      [0, 0],
      [1, 2],
    ]);
    expect(payloads.at(-1)?.blocks).toEqual([receipt, bounce]);
  });

  test('travel in a payload of their own where it does not', () => {
    const payloads = arrived(rng(fragmentDataBytes + 11_293), receipt, bounce);
    expect(payloads.map(({ count, fragment, blocks }) => [count, fragment?.index, blocks.length])).toEqual([
      [2, 0, 0],
      [2, 1, 0],
      [2, undefined, 2],
    ]);
    expect(payloads.at(-1)).toMatchObject({ messageId: id, blocks: [receipt, bounce] });
  });

  test('travel with what is left of the fragments when some have arrived', () => {
    const [first, , third] = cutFragments(rng(2 * fragmentDataBytes + 10), id);
    if (first === undefined || third === undefined) expect.fail('three fragments');
    expect(exitPayloads([first], [receipt]).map(({ fragment }) => fragment?.index)).toEqual([0, undefined]);
    expect(exitPayloads([first, third], [receipt]).map(({ blocks }) => blocks.length)).toEqual([0, 1]);
  });

  test('that a payload has no room for, or of no sending, are our own mistake', () => {
    expect(() => exitPayloads([], [receipt])).toThrow('BUG');
    const fragment = { index: 0, data: new Uint8Array(11_293) };
    expect(() => encodeExitPayload({ messageId: id, count: 1, fragment, blocks: [receipt, bounce] })).toThrow('BUG');
  });
});

describe('a payload', () => {
  const bytesOf = (message: Uint8Array, ...blocks: Uint8Array[]) =>
    exitPayloads(cutFragments(message, id), blocks).map(encodeExitPayload);
  const none = new Uint8Array();
  const [full = none, last = none] = bytesOf(rng(fragmentDataBytes + 10));
  const [, withBlocks = none] = bytesOf(rng(fragmentDataBytes + 10), receipt, bounce);
  const [, alone = none] = bytesOf(rng(fragmentDataBytes), receipt, bounce);
  const changed = (payload: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = Uint8Array.from(payload);
    copy[at] = value;
    return copy;
  };

  test('is refused if it is not exactly what one is', () => {
    const question = changed(alone, 18, 0);
    expect(decodeExitPayload(question)).toMatchObject({ count: 0, fragment: undefined, blocks: [receipt, bounce] });
    expect([full, last, withBlocks, alone, question].map(refused)).toEqual([false, false, false, false, false]);
    const wrong: Record<string, Uint8Array> = {
      empty: none,
      short: full.subarray(0, -1),
      long: concat(last, Uint8Array.of(0)),
      'of another kind': changed(full, 0, 2),
      'of no message': changed(full, 18, 0),
      'a question with nothing to answer over': changed(changed(alone, 18, 0), 21, 0),
      'beyond the last': changed(full, 17, 2),
      'not full before the last': changed(last, 17, 0),
      'empty at the end': changed(last, 20, 0),
      'longer than a payload': changed(last, 19, 255),
      'with more than three blocks': changed(withBlocks, 21, 4),
      'with more blocks than it has room for': changed(full, 21, 1),
      'with fewer blocks than stand there': changed(withBlocks, 21, 1),
      'with neither fragment nor block': changed(changed(last, 17, 255), 20, 0),
      'with data and the index of none': changed(withBlocks, 17, 255),
      'with something in its padding': changed(last, 25_637, 1),
      'with a byte right behind its data': changed(last, 32, 1),
      'with a byte right behind its blocks': changed(alone, 22 + 2 * 7162, 1),
    };
    for (const [what, payload] of Object.entries(wrong)) expect([what, refused(payload)]).toEqual([what, true]);
  });

  test('of any bytes is one that is written the same, or a PacketError', () => {
    const seen = new Set<string>();
    const head = fc.tuple(
      fc.constantFrom(0, 1, 2, 255),
      fc.constantFrom(0, 1, 2, 3, 255),
      fc.constantFrom(0, 1, 10, fragmentDataBytes, fragmentDataBytes + 1),
      fc.constantFrom(0, 1, 2, 3, 4),
    );
    fc.assert(
      fc.property(head, ([index, count, length, blocks]) => {
        const payload = new Uint8Array(25_638);
        payload.set([1], 0);
        payload.set([index, count, length >> 8, length & 255, blocks], 17);
        payload.fill(7, 22, Math.min(25_638, 22 + length + blocks * 7162));
        if (refused(payload)) return;
        const read = decodeExitPayload(payload);
        expect(equalBytes(encodeExitPayload(read), payload)).toBe(true);
        seen.add(`${read.fragment === undefined ? 'alone' : 'fragment'} ${read.blocks.length}`);
      }),
      { numRuns: 2000 },
    );
    expect([...seen].sort()).toEqual(['alone 1', 'alone 2', 'alone 3', ...[0, 1, 2, 3].map((n) => `fragment ${n}`)]);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused));
  });
});
