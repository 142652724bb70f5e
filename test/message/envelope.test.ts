import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ascii, concat, toHex, u32 } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { decodeMessage, encodeMessage, mostReplyBlocks, type Message } from '../../src/message/envelope.js';

const message: Message = {
  recipient: 'bob@b.example',
  form: 'pgp-mime',
  autoConsume: true,
  openpgp: Uint8Array.of(0xc1, 0xc2),
};
const field = (tag: number, value: Uint8Array): Uint8Array => concat(Uint8Array.of(tag), u32(value.length), value);
const recipient = field(2, ascii('bob@b.example'));
const form = field(4, Uint8Array.of(1));
const flags = field(6, Uint8Array.of(1));
const openpgp = field(8, Uint8Array.of(0xc1, 0xc2));
const block = (byte: number): Uint8Array => new Uint8Array(7162).fill(byte);
const hours = u32(500_000);
const returnAddress = field(10, concat(hours, block(1), block(2)));
const of = (...fields: Uint8Array[]): Uint8Array => concat(Uint8Array.of(1), ...fields);

const refused = (bytes: Uint8Array): boolean => {
  try {
    decodeMessage(bytes);
    return false;
  } catch (error) {
    return error instanceof PacketError && error.code === 'message/bad-envelope';
  }
};

describe('a message', () => {
  test('has the bytes of the specification', () => {
    expect(toHex(encodeMessage(message))).toBe(
      '01' + '020000000d626f6240622e6578616d706c65' + '040000000101' + '060000000101' + '0800000002c1c2',
    );
  });

  test('has its return address behind the rest', () => {
    const expiresAt = 500_000 * 3_600_000;
    const answerable = { ...message, returnAddress: { expiresAt, blocks: [block(1), block(2)] } };
    const expected = of(recipient, form, flags, openpgp, returnAddress);
    expect(toHex(encodeMessage(answerable))).toBe(toHex(expected));
    expect(decodeMessage(expected)).toEqual(answerable);
    const unrounded = { expiresAt: expiresAt + 3_599_999, blocks: [block(1), block(2)] };
    expect(decodeMessage(encodeMessage({ ...message, returnAddress: unrounded }))).toEqual(answerable);
  });

  test('comes back as it was', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            recipient: fc.constantFrom('a@b.example', 'x'.repeat(254)),
            form: fc.constantFrom('pgp-mime' as const, 'pgp-inline' as const),
            autoConsume: fc.boolean(),
            openpgp: fc.uint8Array({ minLength: 1, maxLength: 50 }),
            returnAddress: fc
              .tuple(fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 3 }))
              .map(([hour, count]) => ({ expiresAt: hour * 3_600_000, blocks: Array.from({ length: count }, block) })),
          },
          { requiredKeys: ['recipient', 'form', 'autoConsume', 'openpgp'] },
        ),
        (any) => {
          expect(decodeMessage(encodeMessage(any))).toEqual(any);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('of a later version may have more optional fields', () => {
    const sooner = field(1, new Uint8Array(900));
    expect(decodeMessage(of(sooner, recipient, form, flags, openpgp, field(11, Uint8Array.of(7))))).toEqual(message);
  });

  test('is refused if it asks for what this version does not know', () => {
    expect(refused(of(recipient, form, flags, openpgp, field(12, new Uint8Array(900))))).toBe(true);
    expect(refused(of(field(0, new Uint8Array(1)), recipient, form, flags, openpgp))).toBe(true);
    expect(refused(concat(Uint8Array.of(2), recipient, form, flags, openpgp))).toBe(true);
  });

  test('is refused if anything in it is missing, doubled, out of order, of a wrong length or left over', () => {
    expect(refused(of(recipient, form, flags, openpgp))).toBe(false);
    const wrong: readonly Uint8Array[] = [
      new Uint8Array(0),
      of(),
      of(form, flags, openpgp),
      of(recipient, flags, openpgp),
      of(recipient, form, openpgp),
      of(recipient, form, flags),
      of(recipient, recipient, form, flags, openpgp),
      of(form, recipient, flags, openpgp),
      of(recipient, form, flags, openpgp, Uint8Array.of(0)),
      of(recipient, form, flags, openpgp, Uint8Array.of(9, 0, 0, 0, 1)),
      of(recipient, form, flags, openpgp, Uint8Array.of(9, 255, 255, 255, 255, 1)),
      of(recipient, form, flags, openpgp).subarray(0, -1),
      of(field(2, new Uint8Array(0)), form, flags, openpgp),
      of(field(2, new Uint8Array(255).fill(97)), form, flags, openpgp),
      of(field(2, Uint8Array.of(200)), form, flags, openpgp),
      of(recipient, field(4, Uint8Array.of(3)), flags, openpgp),
      of(recipient, field(4, Uint8Array.of(1, 1)), flags, openpgp),
      of(recipient, form, field(6, Uint8Array.of(2)), openpgp),
      of(recipient, form, field(6, Uint8Array.of(0, 0)), openpgp),
      of(recipient, form, flags, field(8, new Uint8Array(0))),
      of(recipient, form, flags, openpgp, field(10, new Uint8Array())),
      of(recipient, form, flags, openpgp, field(10, hours)),
      of(recipient, form, flags, openpgp, field(10, concat(hours, block(1).subarray(1)))),
      of(recipient, form, flags, openpgp, field(10, concat(hours, block(1), Uint8Array.of(0)))),
      of(recipient, form, flags, returnAddress, openpgp),
    ];
    for (const bytes of wrong) expect([toHex(bytes), refused(bytes)]).toEqual([toHex(bytes), true]);
    const many = (count: number) => field(10, concat(hours, ...Array.from({ length: count }, () => block(1))));
    expect(refused(of(recipient, form, flags, openpgp, many(mostReplyBlocks)))).toBe(false);
    expect(refused(of(recipient, form, flags, openpgp, many(mostReplyBlocks + 1)))).toBe(true);
  });

  test('from any bytes is a message that is written the same, or a PacketError', () => {
    const piece = fc.oneof(
      fc.constantFrom(recipient, form, flags, openpgp, returnAddress),
      fc.uint8Array({ maxLength: 8 }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(piece, { maxLength: 6 }).map((pieces) => of(...pieces)),
    );
    fc.assert(
      fc.property(bytes, (any) => {
        if (!refused(any)) expect(decodeMessage(encodeMessage(decodeMessage(any)))).toEqual(decodeMessage(any));
      }),
      { numRuns: 3000 },
    );
  });
});
