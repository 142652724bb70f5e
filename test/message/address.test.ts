import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { domainOf, parseAddress } from '../../src/base/address.js';
import { recipientAddress } from '../../src/message/address.js';

describe('an address', () => {
  test('is taken with its domain in lower case and its name as it is', () => {
    for (const [text, address] of [
      ['bob@b.example', 'bob@b.example'],
      ["Bob.O'Hara+x=y@B.Example", "Bob.O'Hara+x=y@b.example"],
      ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example'],
      [`${'a'.repeat(64)}@b.example`, `${'a'.repeat(64)}@b.example`],
    ] as const) {
      expect(parseAddress(text)).toEqual({ kind: 'address', address });
      expect(domainOf(address)).toBe(address.slice(address.indexOf('@') + 1));
    }
  });

  test('is refused if it could be more, or other, than one mailbox in the world', () => {
    const refused = [
      '',
      'bob',
      '@b.example',
      'bob@',
      'bob@@b.example',
      'a@b.example,c@d.example',
      'bob@b.example\r\nBcc: eve@e.example',
      'bob@b.example\n',
      'bob\0@b.example',
      'Bob <bob@b.example>',
      'bob@b.example (Bob)',
      '"bob smith"@b.example',
      '.bob@b.example',
      'bob..x@b.example',
      'bob@localhost',
      'bob@[127.0.0.1]',
      'bob@127.0.0.1',
      'bob@-b.example',
      'bob@b..example',
      'bob@b.example.',
      `bob@${'b'.repeat(64)}.example`,
      `${'a'.repeat(65)}@b.example`,
      `bob@${'b.'.repeat(124)}example`,
      'bob@bücher.example',
      'bób@b.example',
      'bob@b.example;eve@e.example',
      'bob%e.example>@b.example',
    ];
    for (const text of refused) expect([text, parseAddress(text).kind]).toEqual([text, 'refused']);
  });

  test('is refused at submission in words that leave the address out', () => {
    expect(recipientAddress('Bob@B.example')).toBe('Bob@b.example');
    expect(() => recipientAddress('bob@bücher.example')).toThrow(/xn--/);
    expect(() => recipientAddress('bob@localhost')).toThrow(
      expect.objectContaining({ code: 'submission/bad-recipient' }),
    );
    expect(() => recipientAddress('bob@localhost')).not.toThrow(/bob|localhost/);
  });

  test('never holds white space, brackets, quotes, commas or control characters, whatever comes in', () => {
    const alphabet = fc.constantFrom(...Array.from('ab.@-_"<>(),;: \r\n\t\0é[]1'));
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 24 }), (text) => {
        const result = parseAddress(text);
        if (result.kind === 'address') expect(result.address).toMatch(/^[^\s"<>(),;:[\]\0]+@[a-z0-9.-]+$/);
      }),
      { numRuns: 5000 },
    );
  });
});
