import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/base/bytes.js';
import { RouteError } from '../../src/base/errors.js';
import { dayMs } from '../../src/base/units.js';
import {
  accountsOf,
  type Descriptor,
  largestDescriptorCharacters,
  readDescriptor,
  signDescriptor,
} from '../../src/route/descriptor.js';
import { readDocument, readTime, signDocument, timeText } from '../../src/route/document.js';
import { isPublicKey } from '../../src/sphinx/public-key.js';
import { draftOf, now, plainMixKey, rngOf, secretOf, signedNode } from './nodes.js';

const codeOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof RouteError) return error.code;
    throw error;
  }
  return 'accepted';
};

const text = signedNode('alice');
const body = text.slice(text.indexOf('\n') + 1, text.indexOf('signature'));
/** A descriptor with a changed body, signed properly by its own node. */
const signedWith = (from: string | RegExp, to: string): string =>
  signDocument('descriptor', body.replace(from, to).trimEnd().split('\n'), secretOf('alice'));

describe('a descriptor', () => {
  it('comes back as it was signed', () => {
    expect(readDescriptor(text)).toEqual({
      ...draftOf('alice'),
      provider: 'alice.example',
      senders: [],
      nodeId: toHex(ed25519.getPublicKey(secretOf('alice'))),
      text,
    });
  });

  it('says what its account may send and what it has to do, if it is known', () => {
    const capacity = { perDay: 300, free: 90 };
    const load = { packets: 200, deliveries: 0 };
    const said = signedNode('alice', { capacity, load });
    expect(said).toContain('\ncapacity 300 90\nload 200 0\n');
    expect(readDescriptor(said)).toMatchObject({ capacity, load });
    expect(readDescriptor(signedNode('alice', { load })).capacity).toBeUndefined();
  });

  it('names the further accounts that its mails come from', () => {
    const senders = ['two@alice.example', 'Three@alice.example'];
    const said = signedNode('alice', { senders });
    expect(said).toContain('\nsender two@alice.example\nsender Three@alice.example\n');
    expect(readDescriptor(said)).toMatchObject({ address: 'mix@alice.example', senders });
    expect(accountsOf(readDescriptor(said))).toEqual(['mix@alice.example', ...senders]);
  });

  it('is the same text each time, in lines a mail can carry', () => {
    expect(signedNode('alice')).toBe(text);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(90);
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(readDescriptor(text).text).toBe(text);
  });

  it('survives what mail does to text', () => {
    const mailed = `Here it is:\r\n\r\n  ${text.replaceAll('\n', ' \t\r\n  ').replaceAll('data', '\r\n\r\ndata')}\r\n-- \r\nan advertisement\r\n`;
    expect(readDescriptor(mailed)).toEqual(readDescriptor(text));
  });

  it('with one character changed is refused', () => {
    const rng = rngOf('characters');
    const from = text.indexOf('node ');
    let refused = 0;
    for (let at = from; at < text.length - 1; at += 1 + ((rng(1)[0] ?? 0) % 16)) {
      const original = text[at] ?? '';
      const changed = original === 'A' ? 'B' : 'A';
      if (original === '\n') continue;
      const code = codeOf(() => readDescriptor(text.slice(0, at) + changed + text.slice(at + 1)));
      expect(['route/bad-document', 'route/bad-signature']).toContain(code);
      refused++;
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('cut short anywhere is refused', () => {
    const lines = text.trimEnd().split('\n');
    for (let count = 0; count < lines.length; count++)
      expect(codeOf(() => readDescriptor(lines.slice(0, count).join('\n')))).toBe('route/bad-document');
  });

  it.each([
    ['no name', /^name .*\n/m, '', 'name: expected 1 to 32 of a-z, 0-9 and -, a letter first, got nothing'],
    ['two names', /^name .*\n/m, 'name a\nname b\n', 'name: expected once, got 2'],
    ['a name with capitals', 'name alice', 'name Alice', 'name: expected'],
    ['no mailbox', 'mix@alice.example', 'alice.example', 'address: expected'],
    ['a mailbox with a line break trick', 'mix@alice.example', 'mix@alice.example x', 'address: expected'],
    ['a provider that is no domain', 'provider alice.example', 'provider -.example', 'provider: expected'],
    ['a role twice', 'role exit', 'role mix', 'role: expected'],
    ['no role', /^role .*\n/gm, '', 'role: expected'],
    ['a day that is none', /published \S+/, 'published 2026-02-30T00:00:00Z', 'published: expected'],
    ['a key that ends before it begins', /mix-key (\S+) (\S+)/, 'mix-key $2 $1', 'mix-key: expected three times'],
    ['a short key', /data \S+\n/, '', 'mix-key: expected an X-Wing public key'],
    ['no key', /mix-key [^]*/, '', 'mix-key: expected 1 to 8, got 0'],
    ['a capacity of one number', 'name alice', 'name alice\ncapacity 350', 'capacity: expected two integers'],
    ['two capacities', 'name alice', 'name alice\ncapacity 1 1\ncapacity 2 2', 'capacity: expected once, got 2'],
    ['a load below nothing', 'name alice', 'name alice\nload -1 0', 'load: expected two integers'],
    ['a sender that is no mailbox', 'name alice', 'name alice\nsender alice.example', 'sender: expected'],
    ['a sender twice', 'name alice', 'name alice\nsender a@b.example\nsender A@b.example', 'each once'],
    ['its own address as a sender', 'name alice', 'name alice\nsender Mix@alice.example', 'each once'],
    [
      'eight senders',
      'name alice',
      `name alice${Array.from('12345678', (n) => `\nsender ${n}@b.example`).join('')}`,
      'at most 7',
    ],
    ['a double space', 'name alice', 'name  alice', 'expected a keyword'],
  ])('signed by its node but with %s is refused', (_, from, to, message) => {
    const forged = signedWith(from, to);
    expect(() => readDescriptor(forged)).toThrow(message);
    expect(codeOf(() => readDescriptor(forged))).toBe('route/bad-document');
  });

  it('with a letter that is not ASCII is refused', () => {
    expect(() => readDescriptor(text.replace('name alice', 'name alic\u00e9'))).toThrow('printable ASCII');
  });

  it('with base64 that no encoder writes is refused', () => {
    expect(() => readDescriptor(signedWith('name alice', 'name alice\ndata QQ=='))).not.toThrow();
    expect(() => readDescriptor(signedWith('name alice', 'name alice\ndata QR=='))).toThrow('base64');
    expect(() => readDescriptor(signedWith('name alice', 'name alice\ndata Q Q=='))).toThrow('base64');
  });

  it('signed by another key is refused, and so is one with a second signature', () => {
    const byMallory = signDocument('descriptor', body.trimEnd().split('\n'), secretOf('mallory'));
    expect(codeOf(() => readDescriptor(byMallory))).toBe('route/bad-signature');
    const signature = /signature [^]*(?=end )/.exec(byMallory)?.[0] ?? '';
    expect(codeOf(() => readDescriptor(text.replace('end mixmailer', `${signature}end mixmailer`)))).toBe(
      'route/bad-signature',
    );
  });

  it('of another version or kind says so', () => {
    expect(() => readDescriptor(text.replace('descriptor 1', 'descriptor 2'))).toThrow(
      'another version of mixmailer-descriptor found; this program reads version 1',
    );
    expect(() => readDescriptor(text.replaceAll('mixmailer-descriptor', 'mixmailer-network'))).toThrow('no line');
  });

  it('keeps fields and roles it does not know in its signed text, and reads the rest', () => {
    const newer = signedWith('role exit', 'role exit\nrole directory\npostcode 1234 ZH\ndata QUJD');
    const read = readDescriptor(newer);
    expect(read.roles).toEqual(['mix', 'exit']);
    expect(read.text).toBe(newer);
    expect(read.text).toContain('postcode 1234 ZH\ndata QUJD\n');
  });

  it('of any size over the limit is refused unread', () => {
    expect(() => readDescriptor(' '.repeat(largestDescriptorCharacters + 1))).toThrow(
      'expected at most 32768 characters',
    );
  });

  it('that could not be read back is not signed', () => {
    expect(() => signDescriptor(draftOf('alice', { name: 'Alice B' }), secretOf('alice'))).toThrow('name: expected');
    expect(() => signDescriptor(draftOf('alice', { address: 'a@b.example\nrole exit' }), secretOf('alice'))).toThrow(
      RouteError,
    );
    expect(() => signDescriptor(draftOf('alice', { roles: [] }), secretOf('alice'))).toThrow('role: expected');
  });

  it('of whatever text is a value or a RouteError', () => {
    const lines = text.split('\n');
    const line = fc.oneof(
      fc.constantFrom(...lines, 'end mixmailer-descriptor', 'mixmailer-descriptor 1', 'mixmailer-x 1', 'data ', 'data'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(line).map((some) => some.join('\n')),
        ),
        (any) => {
          const result: Descriptor | string = (() => {
            try {
              return readDescriptor(any);
            } catch (error) {
              if (error instanceof RouteError) return error.code;
              throw error;
            }
          })();
          expect(result).toBeTruthy();
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it('of a line of blanks as long as the limit is read at once', () => {
    const blanks = `mixmailer-descriptor 1\nname${' '.repeat(32_000)}x`;
    const began = performance.now();
    expect(codeOf(() => readDescriptor(blanks))).toBe('route/bad-document');
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe('an inner document', () => {
  it('is found whole, and one without an end is refused', () => {
    const outer = signDocument('network', ['a 1', ...text.trimEnd().split('\n'), 'b 2'], secretOf('authority'));
    const read = readDocument('network', outer, 1e6);
    expect(read.inner).toEqual([text]);
    expect(read.fields.map(({ keyword }) => keyword)).toEqual(['a', 'b']);
    expect(read.signatures.map(({ isValid }) => isValid())).toEqual([true]);
    expect(() => readDocument('network', outer.replace('end mixmailer-descriptor', 'e 1'), 1e6)).toThrow('cut short');
  });
});

describe('a time', () => {
  it('is read back from its text, whatever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253402300799 }), (seconds) => {
        expect(readTime(timeText(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });
  it.each([
    '2026-11-22',
    '2026-11-22T00:00:00+00:00',
    '2026-13-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '2026-11-22T24:00:00Z',
  ])('is not %s', (wrong) => {
    expect(readTime(wrong)).toBeUndefined();
  });
});

describe('an X-Wing public key', () => {
  const real = ml_kem768_x25519.keygen(secretOf('mix key')).publicKey;
  const with32 = (point: Uint8Array): Uint8Array => Uint8Array.from([...real.subarray(0, 1184), ...point]);

  it('as the library makes it is accepted', () => {
    expect(isPublicKey(real)).toBe(true);
    expect(isPublicKey(plainMixKey())).toBe(true);
  });
  it('of another length is refused', () => {
    expect(isPublicKey(real.subarray(1))).toBe(false);
    expect(isPublicKey(new Uint8Array(1217).fill(5))).toBe(false);
  });
  it('with a number not below the modulus is refused, where the library throws in the middle of a mail', () => {
    const odd = real.slice();
    odd.set([0xff, 0xff, 0xff], 300);
    expect(isPublicKey(odd)).toBe(false);
    expect(() => ml_kem768_x25519.encapsulate(odd)).toThrow();
    const exactly = real.slice();
    exactly.set([3329 & 255, 3329 >> 8, 0], 0);
    expect(isPublicKey(exactly)).toBe(false);
    exactly.set([3328 & 255, 3328 >> 8, 0], 0);
    expect(isPublicKey(exactly)).toBe(true);
  });
  it.each([
    ['00'.repeat(32)],
    [`01${'00'.repeat(31)}`],
    ['e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    [`ec${'ff'.repeat(30)}7f`],
    [`ed${'ff'.repeat(30)}7f`],
    [`ee${'ff'.repeat(30)}7f`],
  ])('with the point of small order %s is refused, its highest bit set or not', (hex) => {
    const point = fromHex(hex) ?? new Uint8Array();
    expect(() => x25519.getSharedSecret(secretOf('anybody'), point)).toThrow();
    expect(isPublicKey(with32(point))).toBe(false);
    point[31] = (point[31] ?? 0) | 0x80;
    expect(isPublicKey(with32(point))).toBe(false);
  });
});

describe('validity of a mix key', () => {
  it('is a span of whole seconds', () => {
    const key = { publicKey: plainMixKey(), notBefore: now, notAfter: now + dayMs, expiresAt: now + dayMs };
    expect(readDescriptor(signedNode('bob', { mixKeys: [key] })).mixKeys).toEqual([key]);
  });
});
