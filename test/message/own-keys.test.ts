import { beforeAll, describe, expect, test } from 'vitest';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat } from '../../src/base/bytes.js';
import { readOwnKeys } from '../../src/message/own-keys.js';
import { personOf, type Person } from './pep-mail.js';

let alice: Person;
let bob: Person;
let alice6: Person;
beforeAll(async () => {
  [alice, bob, alice6] = await Promise.all([
    personOf('alice@a.example'),
    personOf('bob@b.example'),
    personOf('alice@a.example', 6),
  ]);
});

const read = (text: string) => readOwnKeys(ascii(text), pureBase64);

/** By what another program names a key and its subkeys. */
const namesOf = ({ public: key }: Person): readonly string[] =>
  [key, ...key.getSubkeys()].flatMap((one) => [one.getKeyID().toHex(), one.getFingerprint()]);

describe('a file of own keys', () => {
  test('gives the names of each key and its subkeys, of version 4 and 6', () => {
    expect(read(alice.public.armor())).toEqual({ kind: 'keys', names: new Set(namesOf(alice)) });
    expect(read(alice6.public.armor())).toEqual({ kind: 'keys', names: new Set(namesOf(alice6)) });
  });

  test('may have several blocks with words around them, or none', () => {
    const both = { kind: 'keys', names: new Set([...namesOf(alice), ...namesOf(bob)]) };
    expect(read(`Mine:\n${alice.public.armor()}\nand that of the shop:\n${bob.public.armor()}`)).toEqual(both);
    expect(readOwnKeys(concat(alice.public.write(), bob.public.write()), pureBase64)).toEqual(both);
  });

  test.each([
    ['a secret key', () => alice.secret.armor(), 'a secret key'],
    [
      'a second key that is cut off',
      () => `${alice.public.armor()}${bob.public.armor().slice(0, 400)}`,
      'a damaged key',
    ],
    ['a message', () => '-----BEGIN PGP MESSAGE-----\n\nwcA=\n-----END PGP MESSAGE-----\n', 'no public key'],
    ['nothing', () => '', 'no public key'],
    ['words', () => 'alice@a.example', 'a damaged key'],
  ])('is refused with %s in it', (_, text, reason) => {
    expect(read(text())).toEqual({ kind: 'refused', reason });
  });

  test('is refused with a secret key in it, armored or not', () => {
    expect(readOwnKeys(alice.secret.write(), pureBase64)).toEqual({ kind: 'refused', reason: 'a secret key' });
  });

  test('is refused with a key whose names are not known', () => {
    const old = Uint8Array.of(0x98, 6, 3, 0, 0, 0, 0, 1);
    expect(readOwnKeys(old, pureBase64)).toEqual({ kind: 'refused', reason: 'a key of an unknown version' });
  });
});
