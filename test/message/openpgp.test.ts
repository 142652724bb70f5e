import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat, u32 } from '../../src/base/bytes.js';
import {
  canonicalOpenPgp,
  checkEncrypted,
  readEncrypted,
  type KeyIds,
  type KeyNames,
} from '../../src/message/openpgp.js';
import { readOwnKeys } from '../../src/message/own-keys.js';
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

const canonical = (binary: Uint8Array, keyIds: KeyIds, own?: KeyNames): Uint8Array => {
  const read = readEncrypted(binary);
  return read.kind === 'encrypted' ? canonicalOpenPgp(read, keyIds, own) : expect.fail(read.reason);
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

  test.each([4, 6] as const)(
    'loses the session keys for own keys, and nobody else’s (keys of version %i)',
    async (version) => {
      const [from, to, sent] = version === 4 ? [alice, bob, message] : [alice6, bob6, message6];
      const own = readOwnKeys(ascii(from.public.armor()), pureBase64);
      const names = own.kind === 'keys' ? own.names : expect.fail(own.reason);
      const theirs = to.public.getSubkeys().map((key) => key.getKeyID().toHex());
      expect(await keyIdsIn(canonical(sent, 'keep', names))).toEqual(theirs);
      expect(await keyIdsIn(canonical(sent, 'hide', names))).toEqual(['0000000000000000']);
      for (const keyIds of ['keep', 'hide'] as const) {
        const left = canonical(sent, keyIds, names);
        expect(await decryptBinary(left, from, to)).toBe(words);
        await expect(decryptBinary(left, from, from)).rejects.toThrow();
      }
    },
  );

  test('to nobody but the sender keeps its session keys, without their names', async () => {
    const toSelf = await encryptBinary(words, alice, alice);
    const own = readOwnKeys(ascii(alice.public.armor()), pureBase64);
    const left = canonical(toSelf, 'keep', own.kind === 'keys' ? own.names : expect.fail(own.reason));
    expect(new Set(await keyIdsIn(left))).toEqual(new Set(['0000000000000000']));
    expect(await decryptBinary(left, alice, alice)).toBe(words);
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

describe('to the byte', () => {
  const sized = (bodyBytes: number): Uint8Array => packet(18, concat(Uint8Array.of(1), new Uint8Array(bodyBytes - 1)));

  test.each([
    [191, [0xd2, 191]],
    [192, [0xd2, 192, 0]],
    [448, [0xd2, 193, 0]],
    [8383, [0xd2, 223, 255]],
    [8384, [0xd2, 255, 0, 0, 0x20, 0xc0]],
  ])('data of %d bytes is written with the shortest length there is, and read back', (bodyBytes, head) => {
    const written = canonical(concat(pkesk3, sized(bodyBytes)), 'keep');
    expect([...written.subarray(14, 14 + head.length)]).toEqual(head);
    expect(written).toHaveLength(14 + head.length + bodyBytes);
    expect(canonical(written, 'keep')).toEqual(written);
  });

  test('an old length of one, two or four bytes says the same as a new one', () => {
    const body = pkesk3.subarray(6);
    for (const head of [
      [0x84, 12],
      [0x85, 0, 12],
      [0x86, 0, 0, 0, 12],
    ])
      expect(canonical(concat(Uint8Array.from(head), body, seipd1), 'keep')).toEqual(
        canonical(concat(pkesk3, seipd1), 'keep'),
      );
    // Two hundred and more bytes: the higher byte counts.
    const long = concat(Uint8Array.of(3, 1, 2, 3, 4, 5, 6, 7, 8, 25), new Uint8Array(290));
    expect(checkEncrypted(concat(Uint8Array.of(0x85, 1, 44), long, seipd1))).toBeUndefined();
    expect(checkEncrypted(concat(Uint8Array.of(0x85, 1, 43), long, seipd1))).toBe('malformed packet');
  });

  test('hidden key ids are zeros, or left out where their length is written', () => {
    const hidden = canonical(concat(pkesk3, seipd1), 'hide');
    expect([...hidden.subarray(0, 14)]).toEqual([0xc1, 12, 3, 0, 0, 0, 0, 0, 0, 0, 0, 25, 9, 9]);
    for (const idBytes of [21, 33]) {
      const named = packet(
        1,
        concat(Uint8Array.of(6, idBytes), new Uint8Array(idBytes).fill(7), Uint8Array.of(25, 9, 9)),
      );
      expect(canonical(concat(named, seipd2), 'keep')).toHaveLength(2 + 5 + idBytes + 54);
      expect(canonical(concat(named, seipd2), 'hide')).toEqual(canonical(concat(pkesk6, seipd2), 'keep'));
    }
  });

  test.each<[string, Uint8Array, Uint8Array, Uint8Array]>([
    ['data of version 1', pkesk3, seipd1, packet(18, concat(Uint8Array.of(1), new Uint8Array(39)))],
    ['data of version 2', pkesk6, seipd2, packet(18, concat(Uint8Array.of(2, 9, 2, 6), new Uint8Array(47)))],
  ])('%s is as long as it must be', (_, key, data, short) => {
    expect(checkEncrypted(concat(key, data))).toBeUndefined();
    expect(checkEncrypted(concat(key, short))).toBe('malformed packet');
  });

  test.each<[string, readonly number[], number, Uint8Array]>([
    ['of version 3', [3, 1, 2, 3, 4, 5, 6, 7, 8, 25, 9], 1, seipd1],
    ['of version 6 for whoever has the key', [6, 0, 25, 9], 1, seipd2],
    ['of version 6 for a key of version 4', [6, 21, ...new Array<number>(21).fill(7), 25, 9], 1, seipd2],
    ['of version 6 for a key of version 6', [6, 33, ...new Array<number>(33).fill(7), 25, 9], 1, seipd2],
    ['of version 4 for a password', [4, 9, 0, 8], 3, seipd1],
    ['of version 6 for a password', [6, 9, 0, 8], 3, seipd2],
  ])('a session key %s is as long as it must be', (_, body, tag, data) => {
    expect(checkEncrypted(concat(packet(tag, Uint8Array.from(body)), data))).toBeUndefined();
    expect(checkEncrypted(concat(packet(tag, Uint8Array.from(body.slice(0, -1))), data))).toBe(
      'session key of an unknown version',
    );
  });

  test('a session key of another version, or for a key named by another length, is none', () => {
    for (const wrong of [
      packet(1, Uint8Array.of(4, 1, 2, 3, 4, 5, 6, 7, 8, 25, 9, 9)),
      packet(1, Uint8Array.of(6)),
      packet(1, concat(Uint8Array.of(6, 20), new Uint8Array(23).fill(7))),
      packet(3, Uint8Array.of(5, 9, 0, 8)),
    ])
      for (const data of [seipd1, seipd2])
        expect(checkEncrypted(concat(wrong, data))).toBe('session key of an unknown version');
    expect(checkEncrypted(concat(pkesk3, pkesk6, seipd2))).toBe('session key of another version than the data');
    expect(checkEncrypted(concat(packet(3, Uint8Array.of(6, 9, 0, 8)), seipd1))).toBe(
      'session key of another version than the data',
    );
  });

  test('200 packets are a message, 201 are not', () => {
    const many = (count: number) => concat(...Array.from({ length: count }, () => padding), pkesk3, seipd1);
    expect(checkEncrypted(many(198))).toBeUndefined();
    expect(checkEncrypted(many(199))).toBe('too many packets');
  });

  test('a marker is three letters, no more', () => {
    for (const body of [
      [0x50, 0x47],
      [0x50, 0x47, 0x50, 0x50],
      [0x51, 0x47, 0x50],
      [0x50, 0x48, 0x50],
      [0x50, 0x47, 0x51],
    ])
      expect(checkEncrypted(concat(packet(10, Uint8Array.from(body)), pkesk3, seipd1))).toBe('other OpenPGP data');
  });

  test('data comes in 16,384 pieces at most, of which the first has 512 bytes at least', () => {
    const inPieces = (first: number, more: number): Uint8Array => {
      const small = Array.from({ length: more }, () => Uint8Array.of(224, 0));
      const start = concat(Uint8Array.of(0xd2, 224 | first, 1), new Uint8Array(2 ** first - 1));
      return concat(pkesk3, start, ...small, Uint8Array.of(0));
    };
    expect(checkEncrypted(inPieces(9, 16_382))).toBeUndefined();
    expect(checkEncrypted(inPieces(9, 16_383))).toBe('malformed packet');
    expect(checkEncrypted(inPieces(8, 2))).toBe('malformed packet');
    expect(canonical(inPieces(9, 2), 'keep')).toHaveLength(14 + 3 + 514);
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
