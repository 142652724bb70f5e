import fc from 'fast-check';
import { expect, test } from 'vitest';
import { detailIn, parseAddress, plusAddress } from '../../src/base/address.js';
import { seededRng } from '../../src/base/random.js';
import { aliasIn, mintAlias } from '../../src/message/alias.js';

test('an alias survives in a plus address what providers do to upper and lower case', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
      const alias = mintAlias(seededRng(seed));
      const address = plusAddress('exit@x.example', alias);
      expect(parseAddress(address)).toEqual({ kind: 'address', address });
      expect(aliasIn(detailIn('exit@x.example', address.toUpperCase()) ?? '')).toBe(alias);
    }),
  );
});

test('an alias has 80 bits of chance: every letter in every place, none twice', () => {
  const rng = seededRng(new Uint8Array(32).fill(1));
  const aliases = Array.from({ length: 1000 }, () => mintAlias(rng));
  expect(new Set(aliases).size).toBe(1000);
  for (let place = 0; place < 16; place++) expect(new Set(aliases.map((alias) => alias[place])).size).toBe(32);
});

test('nothing else is an alias', () => {
  for (const detail of [
    '',
    'spam',
    'a'.repeat(15),
    'a'.repeat(17),
    `${'a'.repeat(15)}1`,
    `${'a'.repeat(15)}\n`,
    `${'a'.repeat(15)}é`,
  ])
    expect([detail, aliasIn(detail)]).toEqual([detail, undefined]);
  expect(aliasIn('A'.repeat(16))).toBe('a'.repeat(16));
});
