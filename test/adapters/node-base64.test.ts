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
    fc.property(anyBytes, fc.integer({ min: 1, max: 76 }), (bytes, lineLength) => {
      const text = nodeBase64.encode(bytes);
      expect(nodeBase64.decode(text)).toEqual(bytes);
      expect(nodeBase64.decode(base64Lines(text, lineLength))).toEqual(bytes);
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
  const lines = base64Lines(nodeBase64.encode(packet), 76);
  expect(Buffer.compare(nodeBase64.decode(lines) ?? new Uint8Array(0), packet)).toBe(0);
});
