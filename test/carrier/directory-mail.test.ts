import fc from 'fast-check';
import { largestDirectoryMailBytes } from '../../src/base/bounds.js';
import { describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeCompression as compression } from '../../src/adapters/node-compression.js';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import {
  composeDirectoryMail,
  composePackedMail,
  documentsInParts,
  packDocuments,
  sliceDirectoryMail,
} from '../../src/carrier/directory-mail.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { packetsInParts } from '../../src/carrier/parts.js';
import { rngOf } from './packets.js';

const now = Date.UTC(2026, 10, 22, 13, 37, 42, 123);
const from = 'mix-a@A.example';
const to = 'Alice@b.example';
const documents = ['mixmailer-request 1\nend mixmailer-request\n', 'mixmailer-other 1\nend mixmailer-other\n'];
const mail = composeDirectoryMail({ from, to, documents, now, rng: rngOf(7) }, pureBase64, compression);
const text = latin1(mail);
const bounds = { compression, mostBytes: 1000 };
const sliced = (raw: string | Uint8Array): string | undefined =>
  sliceDirectoryMail(typeof raw === 'string' ? ascii(raw) : raw, pureBase64, bounds);
const packedMail = (packed: Uint8Array): Uint8Array =>
  composePackedMail({ from, to, packed, now, rng: rngOf(7) }, pureBase64);

describe('a directory mail', () => {
  it('is canonical: constant but for addresses, minute, random ids and the attachment', () => {
    const lines = text.split('\r\n');
    expect(lines.slice(0, 18)).toEqual([
      'From: <mix-a@a.example>',
      'To: <Alice@b.example>',
      'Subject: MixMailer directory',
      'Date: Sun, 22 Nov 2026 13:37:00 +0000',
      expect.stringMatching(/^Message-ID: <[0-9a-f]{32}@a\.example>$/),
      'MIME-Version: 1.0',
      'Auto-Submitted: auto-generated',
      expect.stringMatching(/^Content-Type: multipart\/mixed; boundary="=_[0-9a-f]{32}"$/),
      '',
      expect.stringMatching(/^--=_[0-9a-f]{32}$/),
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'The attachment of this mail is about the list of the MixMailer network. A program reads it.',
      lines[9],
      'Content-Type: application/octet-stream',
      'Content-Disposition: attachment; filename="directory.bin"',
      'Content-Transfer-Encoding: base64',
      '',
    ]);
    expect(composeDirectoryMail({ from, to, documents, now, rng: rngOf(7) }, pureBase64, compression)).toEqual(mail);
  });

  it('gives back its documents, however servers have treated it', () => {
    const body = documents.join('');
    expect(sliced(text)).toBe(body);
    expect(sliced(text.replaceAll('\r\n', '\n'))).toBe(body);
    expect(sliced(`Return-Path: <x@y.example>\r\nReceived: from a\r\n by b\r\n${text}\r\n\r\n`)).toBe(body);
  });

  it('gives them also when gateways have changed it', async () => {
    const changed = text
      .replace('Content-Type: text/plain', 'Content-Type: text/html')
      .replace('A program reads it.', 'Checked.')
      .replace('directory.bin', 'x.dat');
    expect(sliced(changed)).toBeUndefined();
    expect(documentsInParts((await parseMail(ascii(changed))).parts, bounds)).toBe(documents.join(''));
  });

  it('is none for who looks for packets, and the other way round', async () => {
    expect(sliceCarrierMail(mail, pureBase64)).toBeUndefined();
    expect(packetsInParts((await parseMail(mail)).parts)).toEqual([]);
    expect(sliced(text.replace('directory.bin', 'packets.bin'))).toBeUndefined();
  });

  it('is empty when its attachment is no text, too much of it, or a bomb', () => {
    const bomb = compression.deflate(new Uint8Array(100_000_000).fill(65));
    for (const packed of [
      new Uint8Array(),
      Uint8Array.of(7, 7, 7),
      compression.deflate(new Uint8Array(1001).fill(65)),
      compression.deflate(Uint8Array.of(65, 127)),
      compression.deflate(Uint8Array.of(65, 200)),
      concat(compression.deflate(ascii('text')), ascii('more')),
      bomb,
    ])
      expect(sliced(packedMail(packed))).toBe('');
    expect(sliced(packedMail(compression.deflate(new Uint8Array(1000).fill(65))))).toHaveLength(1000);
  });

  it('takes nothing for documents that only inflates', () => {
    const parts = (content: Uint8Array, contentType = 'application/octet-stream') => [{ contentType, content }];
    expect(documentsInParts(parts(compression.deflate(ascii('Dear Alice'))), bounds)).toBeUndefined();
    const packed = packDocuments(documents, compression) ?? new Uint8Array();
    expect(documentsInParts(parts(packed, 'image/png'), bounds)).toBeUndefined();
    expect(documentsInParts([...parts(Uint8Array.of(1)), ...parts(packed)], bounds)).toBe(documents.join(''));
  });

  it('costs one attachment, whatever else is in it', () => {
    const counted = { inflated: 0 };
    const counting = {
      ...compression,
      inflate: (bytes: Uint8Array, mostBytes: number) => {
        counted.inflated++;
        return compression.inflate(bytes, mostBytes);
      },
    };
    const leavesOf = (packed: Uint8Array) =>
      Array.from({ length: 99 }, () => ({ contentType: 'application/octet-stream', content: packed }));
    const read = (leaves: ReturnType<typeof leavesOf>): string | undefined =>
      documentsInParts(leaves, { compression: counting, mostBytes: 1000 });
    const packed = packDocuments(documents, compression) ?? new Uint8Array();
    const letters = leavesOf(compression.deflate(new Uint8Array(5000).fill(97)));
    expect(read(letters)).toBeUndefined();
    expect(counted.inflated).toBe(0);
    expect(read([...letters, ...leavesOf(packed).slice(0, 1)])).toBe(documents.join(''));
    expect(counted.inflated).toBe(1);
    // One that says what it is and bursts is not followed by another try.
    const burst = leavesOf(compression.deflate(ascii(`mixmailer-${'a'.repeat(1000)}`)));
    expect(read([...burst, ...leavesOf(packed)])).toBe('');
    expect(counted.inflated).toBe(2);
  });

  it('has an end: what does not fit is packed into none, and what fits is fetched', () => {
    const noise = (bytes: number): string => latin1(rngOf(3)(bytes).map((byte) => 33 + (byte % 90)));
    expect(packDocuments([noise(16_000_000)], compression)).toBeUndefined();
    const packed = packDocuments([noise(14_000_000)], compression);
    const raw = composePackedMail({ from, to, packed: packed ?? new Uint8Array(), now, rng: rngOf(7) }, nodeBase64);
    expect(raw.length).toBeGreaterThan(15_000_000);
    expect(raw.length).toBeLessThan(largestDirectoryMailBytes);
  });

  it('never makes its reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        sliced(packedMail(bytes));
        sliced(concat(mail.subarray(0, 300 + bytes.length), bytes));
        documentsInParts([{ contentType: 'application/octet-stream', content: bytes }], bounds);
      }),
    );
  });
});
