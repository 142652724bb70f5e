import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { ascii, concat } from '../../src/base/bytes.js';

const { begins, deflate, inflate } = nodeCompression;

it('gives back what it was given, when that much is allowed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      expect(inflate(deflate(bytes), bytes.length)).toEqual(bytes);
      if (bytes.length > 0) expect(inflate(deflate(bytes), bytes.length - 1)).toBeUndefined();
    }),
  );
});

it('refuses a bomb before it goes off', () => {
  const bomb = deflate(new Uint8Array(400 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(500_000);
  const before = process.memoryUsage().arrayBuffers;
  expect(inflate(bomb, 8 * 1024 * 1024)).toBeUndefined();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
});

it('refuses what is cut short, has something behind it, or is another format', () => {
  const good = deflate(new Uint8Array(1000).fill(7));
  for (let at = 0; at < good.length; at++) expect(inflate(good.subarray(0, at), 1000)).toBeUndefined();
  expect(inflate(concat(good, Uint8Array.of(0)), 1000)).toBeUndefined();
  expect(inflate(new Uint8Array(deflateSync(new Uint8Array(100))), 1000)).toBeUndefined();
});

it('never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const out = inflate(bytes, 1000);
      expect(out === undefined || out.length <= 1000).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

it('tells how a text begins, however long it is and whatever comes behind', () => {
  const words = ascii('mixmailer-');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      const text = concat(words, bytes);
      expect(begins(deflate(text), words)).toBe(true);
      expect(begins(deflate(concat(Uint8Array.of(0), text)), words)).toBe(false);
      expect(begins(bytes, words) && inflate(bytes, 4_000_000) === undefined).toBe(false);
    }),
  );
  const long = deflate(concat(words, new Uint8Array(50_000_000)));
  expect(begins(long, words)).toBe(true);
  expect(begins(long.subarray(0, 600), words)).toBe(true);
  for (const bytes of [new Uint8Array(), Uint8Array.of(7, 7, 7), deflate(ascii('mixmailer'))])
    expect(begins(bytes, words)).toBe(false);
});
