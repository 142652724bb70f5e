import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { concat, u32 } from '../../src/base/bytes.js';
import { canonicalOpenPgp, checkEncrypted, readEncrypted, type KeyIds } from '../../src/message/openpgp.js';
import { decryptBinary, encryptBinary, personOf, type Person } from './pep-mail.js';

const words = 'Meet me at the lake. '.repeat(400);
let alice: Person;
let bob: Person;
let alice6: Person;
let bob6: Person;
let message: Uint8Array;
let message6: Uint8Array;

beforeAll(async () => {
  [alice, bob] = await Promise.all([personOf('alice@a.example'), personOf('bob@b.example')]);
  [alice6, bob6] = await Promise.all([personOf('alice@a.example', 6), personOf('bob@b.example', 6)]);
  message = await encryptBinary(words, alice, bob);
  message6 = await encryptBinary(words, alice6, bob6);
});

const canonical = (binary: Uint8Array, keyIds: KeyIds): Uint8Array => {
  const read = readEncrypted(binary);
  return read.kind === 'encrypted' ? canonicalOpenPgp(read, keyIds) : expect.fail(read.reason);
};

const keyIdsIn = async (binary: Uint8Array): Promise<string[]> =>
  (await openpgp.readMessage({ binaryMessage: binary })).getEncryptionKeyIDs().map((id) => id.toHex());

const packet = (tag: number, body: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(0xc0 | tag, 255), u32(body.length), body);
const pkesk3 = packet(1, Uint8Array.of(3, 1, 2, 3, 4, 5, 6, 7, 8, 25, 9, 9));
const pkesk6 = packet(1, Uint8Array.of(6, 0, 25, 9, 9));
const skesk4 = packet(3, Uint8Array.of(4, 9, 0, 8));
const seipd1 = packet(18, concat(Uint8Array.of(1), new Uint8Array(40)));
const seipd2 = packet(18, concat(Uint8Array.of(2, 9, 2, 6), new Uint8Array(48)));
const padding = packet(21, new Uint8Array(30));
const marker = packet(10, Uint8Array.of(0x50, 0x47, 0x50));

describe('an encrypted message', () => {
  test('is taken from OpenPGP.js, of version 1 and 2', () => {
    expect(checkEncrypted(message)).toBeUndefined();
    expect(checkEncrypted(message6)).toBeUndefined();
    const read = readEncrypted(message6);
    expect(read.kind === 'encrypted' && read.data.body[0]).toBe(2);
  });

  test('names nobody once its key ids are hidden, and its receiver still opens it', async () => {
    expect(await keyIdsIn(message)).toEqual(
      [...bob.public.getKeyIDs(), ...alice.public.getKeyIDs()].map((id) => id.toHex()).filter((_, i) => i % 2 === 1),
    );
    const hidden = canonical(message, 'hide');
    expect(await keyIdsIn(hidden)).toEqual(['0000000000000000', '0000000000000000']);
    expect(await decryptBinary(hidden, alice, bob)).toBe(words);
    expect(await decryptBinary(hidden, alice, alice)).toBe(words);
  });

  test('of version 6 names nobody either', async () => {
    expect(await keyIdsIn(message6)).not.toContain('0000000000000000');
    const hidden = canonical(message6, 'hide');
    expect(await keyIdsIn(hidden)).toEqual(['0000000000000000', '0000000000000000']);
    expect(await decryptBinary(hidden, alice6, bob6)).toBe(words);
  });

  test('keeps its key ids if asked to', async () => {
    expect(await keyIdsIn(canonical(message, 'keep'))).toEqual(await keyIdsIn(message));
    expect(await decryptBinary(canonical(message, 'keep'), alice, bob)).toBe(words);
  });

  test('does not show how its maker writes lengths, and is canonical at once', async () => {
    const read = readEncrypted(message);
    if (read.kind === 'refused') return expect.fail(read.reason);
    const { body } = read.data;
    const inPieces = concat(
      ...read.sessionKeys.map(({ body: key }) => concat(Uint8Array.of(0x84, key.length), key)),
      Uint8Array.of(0xd2, 224 | 9),
      body.subarray(0, 512),
      Uint8Array.of(224),
      body.subarray(512, 513),
      Uint8Array.of(255),
      u32(body.length - 513),
      body.subarray(513),
    );
    expect(await decryptBinary(inPieces, alice, bob)).toBe(words);
    expect(canonical(inPieces, 'keep')).toEqual(canonical(message, 'keep'));
    expect(canonical(canonical(message, 'hide'), 'hide')).toEqual(canonical(message, 'hide'));
  });

  test('loses marker and padding packets, which could carry readable bytes', () => {
    expect(canonical(concat(marker, pkesk3, padding, seipd1, padding), 'keep')).toEqual(
      canonical(concat(pkesk3, seipd1), 'keep'),
    );
  });

  test('may be for a password', () => {
    expect(checkEncrypted(concat(skesk4, seipd1))).toBeUndefined();
    expect(canonical(concat(skesk4, seipd1), 'hide')).toEqual(canonical(concat(skesk4, seipd1), 'keep'));
  });
});

describe('refused is', () => {
  const cases: readonly [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(0), 'no encrypted data'],
    ['text', Uint8Array.of(72, 101), 'malformed packet'],
    ['a signed message', packet(2, new Uint8Array(20)), 'other OpenPGP data'],
    ['literal data', packet(11, new Uint8Array(20)), 'other OpenPGP data'],
    ['a key', packet(6, new Uint8Array(20)), 'other OpenPGP data'],
    ['literal data behind the session keys', concat(pkesk3, packet(11, new Uint8Array(20))), 'other OpenPGP data'],
    ['data without integrity', concat(pkesk3, packet(9, new Uint8Array(60))), 'encrypted without integrity protection'],
    ["GnuPG's own container", concat(pkesk3, packet(20, new Uint8Array(60))), 'other OpenPGP data'],
    ['data for nobody', seipd1, 'no session key for anybody'],
    ['session keys without data', concat(pkesk3, pkesk3), 'no encrypted data'],
    [
      'literal data behind the data',
      concat(pkesk3, seipd1, packet(11, new Uint8Array(9))),
      'encrypted data that is not last',
    ],
    ['a second message', concat(pkesk3, seipd1, pkesk3, seipd1), 'encrypted data that is not last'],
    ['a byte behind the data', concat(pkesk3, seipd1, Uint8Array.of(0)), 'malformed packet'],
    ['data cut short', concat(pkesk3, seipd1).subarray(0, -1), 'malformed packet'],
    ['data too short to hold anything', concat(pkesk3, packet(18, Uint8Array.of(1, 2, 3))), 'malformed packet'],
    [
      'data of version 3',
      concat(pkesk3, packet(18, concat(Uint8Array.of(3), new Uint8Array(60)))),
      'encrypted data of an unknown version',
    ],
    ['a new session key for old data', concat(pkesk6, seipd1), 'session key of another version than the data'],
    ['an old session key for new data', concat(pkesk3, seipd2), 'session key of another version than the data'],
    [
      'a session key of version 2',
      concat(packet(1, new Uint8Array(20).fill(2)), seipd1),
      'session key of an unknown version',
    ],
    [
      'a session key without a key',
      concat(packet(1, Uint8Array.of(3, 1, 2)), seipd1),
      'session key of an unknown version',
    ],
    ['a marker with other words', concat(packet(10, Uint8Array.of(1, 2, 3)), pkesk3, seipd1), 'other OpenPGP data'],
    [
      'a session key in pieces',
      concat(Uint8Array.of(0xc1, 224 | 9), new Uint8Array(512), Uint8Array.of(0), seipd1),
      'malformed packet',
    ],
    ['data of indeterminate length', concat(pkesk3, Uint8Array.of(0x87), new Uint8Array(60)), 'malformed packet'],
    [
      'a flood of small packets',
      concat(...Array.from({ length: 201 }, () => padding), pkesk3, seipd1),
      'too many packets',
    ],
  ];
  for (const [what, binary, reason] of cases) test(what, () => expect(checkEncrypted(binary)).toBe(reason));

  test('a message with a byte cut off anywhere at its end', () => {
    for (let cut = 1; cut < message.length; cut += 97) expect(checkEncrypted(message.subarray(0, -cut))).toBeDefined();
  });

  test('data in a flood of one-byte pieces, without running out of anything', () => {
    const pieces = concat(new Uint8Array(1_000_000).fill(224), Uint8Array.of(0));
    expect(checkEncrypted(concat(pkesk3, Uint8Array.of(0xd2, 224 | 9), new Uint8Array(512), pieces))).toBe(
      'malformed packet',
    );
  });

  test('or taken any other input, without an exception', () => {
    const sensible = fc.constantFrom(pkesk3, pkesk6, skesk4, seipd1, seipd2, padding, marker);
    const parts = fc.array(fc.oneof(sensible, fc.uint8Array({ maxLength: 20 })), { maxLength: 6 });
    fc.assert(
      fc.property(parts, (pieces) => {
        const read = readEncrypted(concat(...pieces));
        if (read.kind === 'encrypted') expect(checkEncrypted(canonicalOpenPgp(read, 'hide'))).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});
