import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, toHex } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { decodeReceipt, encodeReceipt, type Receipt } from '../../src/message/receipt.js';

const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(25_638 - bytes.length));

const refused = (payload: Uint8Array): boolean => {
  try {
    decodeReceipt(payload);
    return false;
  } catch (error) {
    return error instanceof PacketError && error.code === 'message/bad-receipt';
  }
};

const zeros = '00'.repeat(30);
const written: readonly (readonly [string, Receipt, string])[] = [
  ['handed over', { kind: 'handed-over', code: 250 }, `010100fa${zeros}`],
  ['refused', { kind: 'refused', code: 550 }, `01020226${zeros}`],
  ['rejected as unreadable', { kind: 'rejected', reason: 'message/bad-envelope' }, `01030100${zeros}`],
  ['rejected as not encrypted', { kind: 'rejected', reason: 'message/not-encrypted' }, `01030200${zeros}`],
  ['rejected for its recipient', { kind: 'rejected', reason: 'message/bad-recipient' }, `01030300${zeros}`],
  ['rejected as too large', { kind: 'rejected', reason: 'message/too-large' }, `01030400${zeros}`],
  ['given up', { kind: 'gave-up' }, `01040000${zeros}`],
  ['bounced', { kind: 'bounced', status: [5, 1, 10] }, `010500050001000a${'00'.repeat(26)}`],
  ['bounced for now', { kind: 'bounced', status: [4, 999, 999] }, `0105000403e703e7${'00'.repeat(26)}`],
  ['incomplete', { kind: 'incomplete', have: [0, 9, 254] }, `01060102${'00'.repeat(29)}40`],
  ['expired', { kind: 'expired' }, `01070000${zeros}`],
];

describe('a receipt', () => {
  test.each(written)('%s has the bytes of the specification, and comes back', (_, receipt, hex) => {
    const bytes = encodeReceipt(receipt);
    expect(toHex(bytes)).toBe(hex);
    expect(decodeReceipt(padded(bytes))).toEqual(receipt);
  });

  test('of any fragments names those', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(254)), (indexes) => {
        const have = indexes.toSorted((a, b) => a - b);
        expect(decodeReceipt(encodeReceipt({ kind: 'incomplete', have: indexes }))).toEqual({
          kind: 'incomplete',
          have,
        });
      }),
    );
    for (const index of [255, -1, 0.5, Number.NaN])
      expect(() => encodeReceipt({ kind: 'incomplete', have: [index] })).toThrow('BUG');
  });

  test('is refused if it says what none can say', () => {
    const wrong: Record<string, readonly number[]> = {
      'another kind': [2, 1],
      'code 0': [1, 0],
      'code 8': [1, 8],
      'no reason': [1, 3, 0],
      'reason 5': [1, 3, 5],
      'status of success': [1, 5, 0, 2, 0, 1, 0, 1],
      'status beyond three digits': [1, 5, 0, 5, 3, 232, 0, 1],
      'detail beyond three digits': [1, 5, 0, 5, 0, 1, 3, 232],
      'fragment 255': [1, 6, ...new Array<number>(31).fill(0), 128],
      'status of no class': [1, 5, 0, 0, 0, 1, 0, 1],
      'status of class 6': [1, 5, 0, 6, 0, 1, 0, 1],
      'a byte behind what is used': [1, 4, 0, 0, 1],
      'a byte behind the area': [1, 4, ...new Array<number>(32).fill(0), 1],
    };
    for (const [what, bytes] of Object.entries(wrong))
      expect([what, refused(padded(Uint8Array.from(bytes)))]).toEqual([what, true]);
    expect(refused(encodeReceipt({ kind: 'gave-up' }).subarray(1))).toBe(true);
  });

  test('from any bytes is one that is written the same, or a PacketError', () => {
    const head = fc.tuple(fc.constant(1), fc.integer({ min: 0, max: 8 }), fc.nat(5), fc.nat(5), fc.nat(1), fc.nat(5));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      head.map((start) => concat(Uint8Array.from(start), new Uint8Array(28))),
    );
    let read = 0;
    fc.assert(
      fc.property(bytes, (any) => {
        if (refused(any)) return;
        read++;
        const receipt = decodeReceipt(any);
        expect(toHex(any)).toBe(toHex(encodeReceipt(receipt)).padEnd(2 * any.length, '0'));
      }),
      { numRuns: 3000 },
    );
    expect(read).toBeGreaterThan(100);
  });
});
