import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detailIn, parseAddress, plusAddress } from '../../src/base/address.js';

describe('a plus address', () => {
  test('has its detail behind the name', () => {
    expect(plusAddress('exit@a.example', 'k7')).toBe('exit+k7@a.example');
    expect(plusAddress('mail+exit@a.example', 'k7')).toBe('mail+exit+k7@a.example');
  });

  test('gives its detail back, whatever providers did to upper and lower case', () => {
    expect(detailIn('exit@a.example', 'exit+k7@a.example')).toBe('k7');
    expect(detailIn('Exit@a.example', 'EXIT+K7@A.EXAMPLE')).toBe('K7');
    expect(detailIn('mail+exit@a.example', 'mail+exit+a+b@a.example')).toBe('a+b');
  });

  test('of somebody else, or without a detail, gives nothing', () => {
    for (const address of [
      'exit@a.example',
      'exit+@a.example',
      'exit+k7@b.example',
      'exit+k7@a.example.b.example',
      'other+k7@a.example',
      'exit-k7@a.example',
      'exit+k7',
      '+@a.example',
      '',
    ])
      expect([address, detailIn('exit@a.example', address)]).toEqual([address, undefined]);
  });

  test('is an address, and gives back exactly the detail it was made with', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9+]{1,20}$/);
    fc.assert(
      fc.property(name, name, (local, detail) => {
        const own = `${local}@a.example`;
        const address = plusAddress(own, detail);
        expect(parseAddress(address)).toEqual({ kind: 'address', address });
        expect(detailIn(own, address)).toBe(detail);
      }),
    );
  });
});
