import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat, equalBytes, latin1, toHex } from '../../src/base/bytes.js';
import { joinBundle, splitBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { packetsInParts } from '../../src/carrier/parts.js';
import { packetOf, packetsOf, rngOf } from './packets.js';

const rng = rngOf(7);
const bundle = joinBundle(packetsOf(3, rng), () => packetOf(rng), rng);
const packets = (splitBundle(bundle) ?? []).map(toHex);
const now = Date.UTC(2026, 10, 22, 13, 37, 42, 123);
const mail = composeCarrierMail({ from: 'mix-a@A.example', to: 'mix.b@b.example', bundle, now, rng }, pureBase64);
const text = latin1(mail);

const sliced = (raw: string): readonly string[] | undefined => sliceCarrierMail(ascii(raw), pureBase64)?.map(toHex);
const parsed = async (raw: string): Promise<readonly string[]> =>
  packetsInParts((await parseMail(ascii(raw))).parts).map(toHex);

describe('a carrier mail', () => {
  test('is canonical: constant but for addresses, minute, random ids and the bundle', () => {
    const lines = text.split('\r\n');
    expect(lines.slice(0, 19)).toEqual([
      'From: <mix-a@a.example>',
      'To: <mix.b@b.example>',
      'Subject: MixMailer packets',
      'Date: Sun, 22 Nov 2026 13:37:00 +0000',
      expect.stringMatching(/^Message-ID: <[0-9a-f]{32}@a\.example>$/),
      'MIME-Version: 1.0',
      'Auto-Submitted: auto-generated',
      expect.stringMatching(/^Content-Type: multipart\/mixed; boundary="=_[0-9a-f]{32}"$/),
      '',
      expect.stringMatching(/^--=_[0-9a-f]{32}$/),
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'The attachment of this mail holds packets of the MixMailer network. A program reads them.',
      lines[9],
      'Content-Type: application/octet-stream',
      'Content-Disposition: attachment; filename="packets.bin"',
      'Content-Transfer-Encoding: base64',
      '',
      expect.stringMatching(/^[A-Za-z0-9+/]{76}$/),
    ]);
    expect(lines.slice(-2)).toEqual([`${lines[9] ?? ''}--`, '']);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(89);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  test('is the same again under the same randomness and time, and another under other randomness', () => {
    const compose = (seed: number) =>
      composeCarrierMail({ from: 'a@a.example', to: 'b@b.example', bundle, now, rng: rngOf(seed) }, pureBase64);
    expect(equalBytes(compose(1), compose(1))).toBe(true);
    expect(equalBytes(compose(1), compose(2))).toBe(false);
  });

  test('goes only between mail addresses, and carries only a bundle', () => {
    const compose = (change: object) => () =>
      composeCarrierMail({ from: 'a@a.example', to: 'b@b.example', bundle, now, rng, ...change }, pureBase64);
    expect(compose({ to: 'b@b.example>\r\nBcc: <eve@e.example' })).toThrow('BUG');
    expect(compose({ from: 'a' })).toThrow('BUG');
    expect(compose({ bundle: bundle.subarray(1) })).toThrow('BUG');
  });
});

describe('the slicer gives the packets', () => {
  test('of the mail as it was sent', () => expect(sliced(text)).toEqual(packets));

  test('as does the general parser', async () => expect(await parsed(text)).toEqual(packets));

  const transported: Record<string, (raw: string) => string> = {
    'after servers prepended their headers': (raw) =>
      `Return-Path: <mix-a@a.example>\r\nDelivered-To: mix.b@b.example\r\nReceived: from a\r\n\tby b with ESMTPS;\r\n\tSun, 22 Nov 2026 13:37:44 +0000\r\n${raw}`,
    'after CRLF became LF': (raw) => raw.replaceAll('\r\n', '\n'),
    'after its Message-ID was replaced': (raw) => raw.replace(/Message-ID: .*/, 'Message-ID: <XYZ@outlook.example>'),
    'after its headers were folded anew': (raw) => raw.replace('mixed; boundary', 'mixed;\r\n boundary'),
    'after its headers were sorted and their names rewritten': (raw) => {
      const [head, ...body] = raw.split('\r\n\r\n');
      const lines = (head ?? '')
        .split('\r\n')
        .sort()
        .map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
      return [lines.join('\r\n'), ...body].join('\r\n\r\n');
    },
    'after the quotes of its boundary were dropped': (raw) => raw.replace(/boundary="(.*)"/, 'boundary=$1'),
    'after empty lines were added at its end': (raw) => `${raw}\r\n\r\n`,
    'after its last line end was lost': (raw) => raw.trimEnd(),
  };
  for (const [how, change] of Object.entries(transported))
    test(how, async () => {
      expect(sliced(change(text))).toEqual(packets);
      expect(await parsed(change(text))).toEqual(packets);
    });
});

describe('only the general parser gives the packets', () => {
  const rewritten: Record<string, (raw: string) => string> = {
    'when a gateway wrapped the mail to add a footer': (raw) => {
      const [, header = '', body = ''] = /^([^]*?)Content-Type: ([^]*)$/.exec(raw) ?? [];
      return `${header}Content-Type: multipart/mixed; boundary="gw"\r\n\r\n--gw\r\nContent-Type: ${body}\r\n--gw\r\nContent-Type: text/plain\r\n\r\nThis mail was checked.\r\n--gw--\r\n`;
    },
    'when it was forwarded as an attachment': (raw) =>
      `From: x@x.example\r\nContent-Type: multipart/mixed; boundary=fw\r\n\r\n--fw\r\n\r\nsee below\r\n--fw\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n${raw}\r\n--fw--\r\n`,
    'when a footer was put into its text part': (raw) => raw.replace('reads them.', 'reads them.\r\n\r\n-- \r\nFooter'),
    'when the attachment was renamed and retyped': (raw) =>
      raw.replace('application/octet-stream', 'application/x-msdownload; name="ATT00001.bin"'),
    'when a part was added after it': (raw) =>
      raw.replace(/--(=_[0-9a-f]+)--\r\n$/, '--$1\r\nContent-Type: text/html\r\n\r\n<p>Footer\r\n--$1--\r\n'),
    'when it has a preamble': (raw) => raw.replace('\r\n\r\n--', '\r\n\r\nThis is a multi-part message.\r\n\r\n--'),
    'when its parts are quoted-printable text of LF ends': (raw) =>
      raw
        .replace('us-ascii\r\n', 'us-ascii\r\nContent-Transfer-Encoding: quoted-printable\r\n')
        .replaceAll('\r\n', '\n'),
  };
  for (const [when, change] of Object.entries(rewritten))
    test(when, async () => {
      expect(change(text)).not.toBe(text);
      expect(sliced(change(text))).toBeUndefined();
      expect(await parsed(change(text))).toEqual(packets);
    });
});

describe('nobody gives packets', () => {
  test('of a mail that is cut short, or has a foreign character in its base64', async () => {
    const damaged = [text.slice(0, -5000), text.replace(/([A-Za-z0-9+/]{70})\r\n/, '$1-\r\n')];
    for (const raw of damaged) expect(sliced(raw)).toBeUndefined();
    expect(await parsed(damaged[0] ?? '')).toEqual([]);
  });

  test('of a mail whose boundary its header does not declare', () => {
    expect(sliced(text.replace(/boundary="=_./, 'boundary="=_x'))).toBeUndefined();
    expect(sliced(text.replace('multipart/mixed', 'multipart/alternative'))).toBeUndefined();
  });

  test('of a mail with a boundary of another form', () => {
    const other = text.replaceAll(/=_[0-9a-f]{32}/g, '=_\xe9\xe8 another form of its length xy');
    const raw = Uint8Array.from(other, (character) => character.charCodeAt(0));
    expect(raw.length).toBe(mail.length);
    expect(sliceCarrierMail(raw, pureBase64)).toBeUndefined();
  });

  test('of any other bytes, and nothing is thrown', () => {
    const canonical = mail.subarray(0, 900);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat(900), fc.uint8Array({ maxLength: 60 }))
        .map(([at, rest]) => concat(canonical.subarray(0, at), rest)),
    );
    fc.assert(fc.property(bytes, (raw) => sliceCarrierMail(raw, pureBase64) === undefined));
  });

  test('after any one byte of the body before the base64 text was changed', () => {
    const from = text.indexOf('\r\n\r\n') + 4;
    const to = text.indexOf('base64') + 8;
    for (let at = from; at < to; at += 3) {
      const changed = Uint8Array.from(mail);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(sliceCarrierMail(changed, pureBase64)).toBeUndefined();
    }
  });
});
