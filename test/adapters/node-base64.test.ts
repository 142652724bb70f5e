import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { base64Lines, pureBase64 } from '../../src/base/base64.js';
import { ascii } from '../../src/base/bytes.js';

const anyBytes = fc.uint8Array({ maxLength: 200 });
// Mostly base64, so that the verdict hangs on a single foreign byte, space, pad or missing digit.
const nearlyBase64 = fc
  .array(fc.constantFrom(...ascii('ABCxyz019+/AB== \n\r\t-_\0\x0b\x7f')), { maxLength: 24 })
  .map((codes) => Uint8Array.from(codes));

test('encodes as the reference does', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      expect(nodeBase64.encode(bytes)).toEqual(pureBase64.encode(bytes));
    }),
  );
});

test('decodes what it encoded, in one line or in many', () => {
  fc.assert(
    fc.property(anyBytes, fc.integer({ min: 1, max: 19 }), (bytes, lineLength) => {
      const text = nodeBase64.encode(bytes);
      expect(nodeBase64.decode(text)).toEqual(bytes);
      expect(nodeBase64.decode(base64Lines(bytes, 4 * lineLength, pureBase64))).toEqual(bytes);
    }),
  );
});

test('accepts and refuses as the reference does', () => {
  for (const texts of [anyBytes, nearlyBase64])
    fc.assert(
      fc.property(texts, (text) => {
        expect(nodeBase64.decode(text)).toEqual(pureBase64.decode(text));
      }),
      { numRuns: 2000 },
    );
});

test.each([
  'QQ==',
  'Q Q\r\n=\t= ',
  'QUI=',
  'QUJD',
  '',
  ' \n',
  'QQ=',
  'QQ',
  'Q',
  'QUJDR',
  'QQ==QQ==',
  'QUJD====',
  'Q-_=',
  '=',
])('has the verdict of the reference on %j', (text) =>
  expect(nodeBase64.decode(ascii(text))).toEqual(pureBase64.decode(ascii(text))),
);

test('a packet in lines of 76 comes back whole', () => {
  const packet = Uint8Array.from({ length: 32_768 }, (_, i) => (i * 31) & 255);
  const lines = base64Lines(packet, 76, nodeBase64);
  expect(Buffer.compare(nodeBase64.decode(lines) ?? new Uint8Array(0), packet)).toBe(0);
});

test('sees one wrong byte in a mail-sized text as the reference does', () => {
  const bytes = Uint8Array.from({ length: 50_001 }, (_, i) => (i * 7919) >> 3);
  for (const length of [50_001, 50_000, 49_999, 22_800, 57]) {
    const text = base64Lines(bytes.subarray(0, length), 76, nodeBase64);
    expect(nodeBase64.decode(text)).toEqual(bytes.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...ascii('A=-_ \n\r\0~')), (at, code) => {
        const wrong = text.slice();
        wrong[at] = code;
        const [mine, reference] = [nodeBase64.decode(wrong), pureBase64.decode(wrong)];
        expect(mine === undefined ? mine : Buffer.from(mine)).toEqual(reference && Buffer.from(reference));
      }),
      { numRuns: 60 },
    );
  }
});
