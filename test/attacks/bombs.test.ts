import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { pureBase64 } from '../../src/base/base64.js';
import { mostListBytes } from '../../src/base/bounds.js';
import { ascii, concat, fromLatin1, u32 } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { documentsInParts } from '../../src/carrier/directory-mail.js';
import { dearmor } from '../../src/message/armor.js';
import { decodeMessage } from '../../src/message/envelope.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { bouncesIn, isAutomaticAnswer, readIncoming } from '../../src/message/incoming.js';
import { checkEncrypted, readEncrypted } from '../../src/message/openpgp.js';

// Few bytes that ask for much: memory by the gigabyte, or time by the square of what came. Nothing here may cost more
// than a small multiple of its own length. (Mails as a whole: mime-bombs.test.ts.)

const mebibyte = 1024 * 1024;
/** Of this process's own time: how busy the machine is doesn't matter. */
const mostCpuMs = 2000;
const bounded = <T>(work: () => T, mostBytes = 128 * mebibyte): T => {
  const startedAt = process.cpuUsage();
  const before = process.memoryUsage().arrayBuffers;
  const result = work();
  const { user, system } = process.cpuUsage(startedAt);
  expect((user + system) / 1000).toBeLessThan(mostCpuMs);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(mostBytes);
  return result;
};

const pkesk3 = concat(Uint8Array.of(0xc1, 30, 3), new Uint8Array(29).fill(1));
const seipdHead = Uint8Array.of(0xd2);
/** Data of version 1, by its first byte. */
const sealed = concat(Uint8Array.of(1), new Uint8Array(100));

describe('OpenPGP data', () => {
  const lengths: Readonly<Record<string, Uint8Array>> = {
    'four gigabytes that are not there': concat(seipdHead, Uint8Array.of(255), u32(0xffffffff), sealed),
    'of the old form too': concat(Uint8Array.of(0x80 | (9 << 2) | 2), u32(0xffffffff), sealed),
    'a piece of a gigabyte': concat(seipdHead, Uint8Array.of(224 | 30), new Uint8Array(1000)),
    'pieces without an end': concat(
      seipdHead,
      Uint8Array.of(224 | 9),
      new Uint8Array(512),
      new Uint8Array(200_000).fill(224),
    ),
    'no bytes at all, again and again': new Uint8Array(400_000).map((_, i) => (i % 2 === 0 ? 0xd5 : 0)),
    'markers without an end': concat(...Array.from({ length: 50_000 }, () => Uint8Array.of(0xca, 3, 80, 71, 80))),
    'session keys without an end': concat(...Array.from({ length: 50_000 }, () => pkesk3)),
    'compressed data': concat(
      Uint8Array.of(0xc8, 255),
      u32(gzipSync(new Uint8Array(5_000_000)).length),
      gzipSync(new Uint8Array(5_000_000)),
    ),
    'compressed data in compressed data': Array.from({ length: 500 }).reduce<Uint8Array>(
      (inner) => concat(Uint8Array.of(0xc8, 255), u32(inner.length + 1), Uint8Array.of(0), inner),
      new Uint8Array(10),
    ),
  };
  for (const [what, bytes] of Object.entries(lengths))
    test(`of ${what} is refused, alone and behind a session key`, () => {
      for (const data of [bytes, concat(pkesk3, bytes)]) {
        expect(bounded(() => checkEncrypted(data))).toBeDefined();
        expect(bounded(() => readEncrypted(data))).toMatchObject({ kind: 'refused' });
      }
    });

  test('that was compressed is handed over as it is, since nobody but its reader can look into it', () => {
    const bomb = deflateRawSync(new Uint8Array(20_000_000));
    const data = concat(Uint8Array.of(1), bomb);
    const message = concat(pkesk3, seipdHead, Uint8Array.of(255), u32(data.length), data);
    const read = bounded(() => readEncrypted(message));
    expect(read.kind === 'encrypted' && read.data.body.length).toBe(data.length);
  });
});

describe('what is compressed', () => {
  test('is inflated up to a bound and no farther, however much there is', () => {
    const bomb = new Uint8Array(deflateRawSync(new Uint8Array(64 * mebibyte), { level: 9 }));
    expect(bomb.length).toBeLessThan(mebibyte / 8);
    expect(bounded(() => nodeCompression.inflate(bomb, 2 * mebibyte), 16 * mebibyte)).toBeUndefined();
    // A bomb in a bomb is bytes like any other: nothing is inflated twice.
    const twice = deflateRawSync(bomb);
    expect(nodeCompression.inflate(new Uint8Array(twice), 2 * mebibyte)).toEqual(bomb);
    for (const other of [gzipSync('x'), concat(deflateRawSync('x'), Uint8Array.of(0))])
      expect(nodeCompression.inflate(new Uint8Array(other), mebibyte)).toBeUndefined();
  });
});

describe('a directory mail', () => {
  const leaves = (text: Uint8Array) => {
    const content = nodeCompression.deflate(text);
    return Array.from({ length: 99 }, () => ({ contentType: 'application/octet-stream', content }));
  };
  const mostBytes = mostListBytes / 4;
  const beginning = ascii('mixmailer-');
  const bombs: Readonly<Record<string, Uint8Array>> = {
    letters: new Uint8Array(mostBytes).fill(97),
    'more than is allowed': new Uint8Array(mostBytes + 1).fill(97),
    'what begins like documents and bursts': concat(beginning, new Uint8Array(mostBytes).fill(97)),
    'what begins like documents and is no text': concat(beginning, new Uint8Array(mostBytes / 2).fill(200)),
  };
  for (const [what, text] of Object.entries(bombs))
    test(`of 99 leaves with ${what} costs no more than one`, () => {
      const bounds = { compression: nodeCompression, mostBytes };
      expect(bounded(() => documentsInParts(leaves(text), bounds)) ?? '').toBe('');
    });
});

describe('armor and base64', () => {
  const begin = '-----BEGIN PGP MESSAGE-----\n';
  const texts: Readonly<Record<string, string>> = {
    'beginnings without an end': begin.repeat(50_000),
    'ends without a beginning': '-----END PGP MESSAGE-----\n'.repeat(50_000),
    'armor headers without an end': `${begin}${'Comment: x\n'.repeat(100_000)}`,
    'empty lines': `${begin}${'\n'.repeat(1_000_000)}-----END PGP MESSAGE-----\n`,
    checksums: `${begin}\n${'=AAAA\n'.repeat(100_000)}-----END PGP MESSAGE-----\n`,
    dashes: '-'.repeat(1_000_000),
  };
  for (const [what, text] of Object.entries(texts))
    test(`full of ${what} are read in one pass`, () => {
      const read = bounded(() => dearmor(ascii(text), pureBase64));
      expect(read?.binary.length ?? 0).toBeLessThan(text.length);
      bounded(() => nodeBase64.decode(ascii(text)));
    });
});

describe('a header', () => {
  const size = 250_000;
  const headers: Readonly<Record<string, string>> = {
    fields: 'a:\n'.repeat(size / 3),
    'Message-IDs': `References: ${`<${'0'.repeat(32)}@mixmailer.invalid> `.repeat(size / 53)}`,
    'opening brackets': `References: ${'<'.repeat(size)}`,
    aliases: `To: ${'node+abcdefghijklmnop@mix1.test,'.repeat(size / 32)}`,
    comments: `From: ${'('.repeat(size)}`,
    quotes: `From: ${'"\\'.repeat(size / 2)}`,
    blanks: `From: ${' '.repeat(size)}x`,
    folds: `From: x${'\n '.repeat(size / 2)}`,
    'values that say what it is': `Auto-Submitted: ${'no-'.repeat(size / 3)}\nContent-Type: multipart/report${';'.repeat(size / 2)}`,
  };
  for (const [what, text] of Object.entries(headers))
    test(`full of ${what} is read in one pass, and bounded in what comes of it`, () => {
      const head = bounded(() => readHead(fromLatin1(`In-Reply-To: <a@b>\n${text}\n\n`)));
      const incoming = bounded(() => readIncoming(head, 'node@mix1.test'));
      bounded(() => isAutomaticAnswer(head));
      if (incoming.kind === 'reply') expect(incoming.aliases.length + incoming.tokens.length).toBeLessThanOrEqual(40);
      expect(valuesOf(head, 'in-reply-to')).toEqual(['<a@b>']);
    });

  test('of megabytes is not looked at beyond the first of them', () => {
    const head = bounded(() => readHead(ascii('a: b\n'.repeat(500_000))));
    expect(head.fields.length).toBeLessThan(60_000);
  });

  test('of a notification that is full of recipients is read as far as one of a few', () => {
    const status = ascii(`Reporting-MTA: x\n\n${'Action: failed\nStatus: 5.1.1\n\n'.repeat(60_000)}`);
    const parts = [{ contentType: 'message/delivery-status', content: status }];
    expect(bounded(() => bouncesIn(parts, ascii('no mail of ours is named')))).toEqual([]);
  });
});

describe('an envelope', () => {
  test('whose fields say more than there is, or are many, is refused', () => {
    const field = (tag: number, length: number): Uint8Array => concat(Uint8Array.of(tag), u32(length));
    const bad = [
      concat(Uint8Array.of(1), field(2, 0xffffffff)),
      concat(Uint8Array.of(1), ...Array.from({ length: 120_000 }, () => field(3, 0))),
      concat(Uint8Array.of(1), ...Array.from({ length: 120 }, (_, i) => field(1 + 2 * i, 0))),
      new Uint8Array(5_000_000).fill(1),
    ];
    for (const bytes of bad) expect(() => bounded(() => decodeMessage(bytes))).toThrow(PacketError);
  });
});
