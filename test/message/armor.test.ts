import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import { armor, dearmor } from '../../src/message/armor.js';
import { decryptBinary, encryptArmored, encryptBinary, personOf, type Person } from './pep-mail.js';

let alice: Person;
let bob: Person;
let armored: string;
let binary: Uint8Array;

beforeAll(async () => {
  [alice, bob] = await Promise.all([personOf('alice@a.example'), personOf('bob@b.example')]);
  armored = (await encryptArmored('words', alice, bob))
    .trim()
    .replaceAll('\r\n', '\n')
    .replace(/\n=.{4}\n/, '\n');
  binary = dearmor(ascii(armored), pureBase64)?.binary ?? expect.fail('not read');
});

const read = (text: string) => dearmor(ascii(text), pureBase64);

describe('armor is read', () => {
  test('as RFC 9580 has it, without a checksum', async () => {
    expect(await decryptBinary(binary, alice, bob)).toBe('words');
    expect(read(armored)).toEqual({ binary, textOutside: false });
  });

  const written: Record<string, (text: string) => string> = {
    'with CRLF': (text) => text.replaceAll('\n', '\r\n'),
    'with armor headers': (text) => text.replace('\n', '\nVersion: Some PGP 1.0\nComment: https://pgp.example\n'),
    'without the empty line': (text) => text.replace('\n\n', '\n'),
    'with spaces in the empty line and at line ends': (text) =>
      text.replace('\n\n', '\n \t\n').replaceAll('\n', '  \n'),
    'with a checksum': (text) => text.replace('\n-----END', '\n=AbC/\n-----END'),
    'with white space around': (text) => `\n\n \n${text}\n\n`,
    'in lines of 76': (text) => {
      const [head, body = ''] = text.split('\n\n');
      const [data = '', end = ''] = body.split('\n-----');
      return `${head ?? ''}\n\n${data.replaceAll('\n', '').replace(/.{76}/g, '$&\n')}\n-----${end}`;
    },
  };
  for (const [how, write] of Object.entries(written))
    test(how, () => {
      expect(write(armored)).not.toBe(armored);
      expect(read(write(armored))).toEqual({ binary, textOutside: false });
    });

  test('among other text, and says so', () => {
    expect(read(`Hello,\n${armored}\n`)).toEqual({ binary, textOutside: true });
    expect(read(`${armored}\n-- \nsent by a list`)).toEqual({ binary, textOutside: true });
    expect(read(`${armored}\n${armored}`)).toEqual({ binary, textOutside: true });
  });

  test('only if begin and end stand on lines of their own, with base64 between', () => {
    expect(read(armored.replace('-----BEGIN', '> -----BEGIN'))).toBeUndefined();
    expect(read(armored.replace(/\n-----END.*/, ''))).toBeUndefined();
    expect(read(armored.replace('\n\n', '\n\n*'))).toBeUndefined();
    expect(read('-----BEGIN PGP SIGNED MESSAGE-----\n\nhi\n-----END PGP MESSAGE-----')).toBeUndefined();
    expect(read('')).toBeUndefined();
  });

  test('where its lines stand alone, even if the same words stood within a line before', () => {
    expect(read(`see -----BEGIN PGP MESSAGE-----\n${armored}`)).toEqual({ binary, textOutside: true });
    const [head, ...rest] = armored.split('\n');
    expect(read([head, 'X: -----END PGP MESSAGE----- is the end', ...rest].join('\n'))).toEqual({
      binary,
      textOutside: false,
    });
    expect(read(`-----END PGP MESSAGE-----\n${armored}`)).toEqual({ binary, textOutside: true });
  });

  test('with any white space behind its lines, and with nothing else', () => {
    const behind = (text: string) => read(armored.replace('MESSAGE-----\n', `MESSAGE-----${text}\n`));
    for (const white of ['\t', '\v', '\f', '\r', '  '])
      expect([white, behind(white)]).toEqual([white, { binary, textOutside: false }]);
    for (const other of ['-', '\b', '\x0e', '!', '\0', ' x'])
      expect([other, behind(other)]).toEqual([other, undefined]);
  });

  test('with a checksum behind any data, be it none or cut short', () => {
    const of = (data: string) =>
      read(`-----BEGIN PGP MESSAGE-----\n\n${data}=AbC/\r\n-----END PGP MESSAGE-----`)?.binary;
    expect(of('')).toHaveLength(0);
    expect(of('YQ==\n')).toEqual(ascii('a'));
    expect(of('YWI=\n')).toEqual(ascii('ab'));
    expect(of('YWJj\n')).toEqual(ascii('abc'));
    // An equals sign that begins a line far before the end is no checksum.
    expect(of('YWJj\n=AbC/\nYWJj\nYWJj\nYWJj\n')).toBeUndefined();
  });

  test('or not, for any text, without an exception', () => {
    const line = fc.constantFrom(
      '-----BEGIN PGP MESSAGE-----',
      '-----END PGP MESSAGE-----',
      '',
      'AAAA',
      '=AAAA',
      'Comment: x',
      ' ',
      '\r',
    );
    const text = fc.array(fc.oneof(line, fc.string({ unit: 'binary-ascii', maxLength: 8 })), { maxLength: 9 });
    fc.assert(
      fc.property(text, (lines) => {
        const found = read(lines.join('\n'));
        if (found !== undefined) expect(lines.join('\n')).toContain('-----BEGIN PGP MESSAGE-----');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('armor is written', () => {
  test('without armor headers, in lines of 64, with the checksum OpenPGP.js expects', async () => {
    const lines = latin1(armor(binary, pureBase64)).split('\r\n');
    expect(lines[0]).toBe('-----BEGIN PGP MESSAGE-----');
    expect(lines[1]).toBe('');
    expect(lines.slice(2, -4).every((line) => line.length === 64)).toBe(true);
    expect(lines.slice(-2)).toEqual(['-----END PGP MESSAGE-----', '']);
    const theirs = openpgp.armor(openpgp.enums.armor.message, binary, undefined, undefined, undefined, true);
    expect(lines.at(-3)).toMatch(/^=[A-Za-z0-9+/]{4}$/);
    expect(theirs).toContain(`\n${lines.at(-3) ?? ''}`);
    expect(await openpgp.readMessage({ armoredMessage: lines.join('\n') })).toBeDefined();
  });

  test('without a checksum around data of version 2', async () => {
    const [alice6, bob6] = await Promise.all([personOf('a@a.example', 6), personOf('b@b.example', 6)]);
    expect(latin1(armor(await encryptBinary('words', alice6, bob6), pureBase64))).not.toContain('\n=');
  });

  test('so that it is read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        expect(dearmor(armor(bytes, pureBase64), pureBase64)).toEqual({ binary: bytes, textOutside: false });
      }),
    );
    const large = concat(...Array.from({ length: 600 }, (_, i) => new Uint8Array(10_000).fill(i)));
    expect(dearmor(armor(large, pureBase64), pureBase64)?.binary.length).toBe(large.length);
  });
});
