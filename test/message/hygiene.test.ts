import { beforeAll, describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii } from '../../src/base/bytes.js';
import { SubmissionError } from '../../src/base/errors.js';
import { sealable, type Sealed } from '../../src/message/hygiene.js';
import { decryptBinary, encryptArmored, mailOf, personOf, pgpMimeParts, type Person } from './pep-mail.js';

let alice: Person;
let bob: Person;
let armored: string;

beforeAll(async () => {
  [alice, bob] = await Promise.all([personOf('alice@a.example'), personOf('bob@b.example')]);
  armored = await encryptArmored('the words', alice, bob);
});

const seal = async (mail: string): Promise<Sealed> => sealable(await parseMail(mailOf(mail)), 'hide', pureBase64);

/** The text a mail is refused with. */
const refusal = async (mail: string): Promise<string> => {
  const error: unknown = await seal(mail).catch((thrown: unknown) => thrown);
  if (!(error instanceof SubmissionError)) return expect.fail('not refused');
  expect(error.code).toBe('submission/not-encrypted');
  return error.message;
};

const header = 'From: alice@a.example\nTo: bob@b.example\nMIME-Version: 1.0\n';
const encrypted = (body: string) =>
  `${header}Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e\n\n${body}--e--\n`;
const mixed = (body: string) => `${header}Content-Type: multipart/mixed; boundary=e\n\n${body}--e--\n`;
const textPart = (text: string, type = 'text/plain') => `--e\nContent-Type: ${type}\n\n${text}\n`;

describe('taken as encrypted is', () => {
  const reversed = (body: string) => {
    const [, control = '', data = ''] = body.split('--e\n');
    return `--e\n${data}--e\n${control}`;
  };
  const forms: Record<string, () => string> = {
    'PGP/MIME, as pEp and Thunderbird write it': () => encrypted(pgpMimeParts(armored, 'e')),
    'PGP/MIME with its parts reversed, as Outlook writes it': () => encrypted(reversed(pgpMimeParts(armored, 'e'))),
    'multipart/mixed with the same parts': () => mixed(pgpMimeParts(armored, 'e')),
    'the same with an empty text before, as Exchange rewrites it': () =>
      mixed(textPart(' \n') + pgpMimeParts(armored, 'e')),
    'PGP/MIME in base64': () =>
      encrypted(
        pgpMimeParts('', 'e').replace(
          'msg.asc"\n\n',
          `msg.asc"\nContent-Transfer-Encoding: base64\n\n${btoa(armored)}`,
        ),
      ),
    'PGP/MIME inside multipart/mixed': () =>
      mixed(
        `--e\n${encrypted(pgpMimeParts(armored, 'e')).slice(header.length).replaceAll('--e', '--f').replace('=e', '=f')}`,
      ),
  };
  for (const [what, mail] of Object.entries(forms))
    test(what, async () => {
      const sealed = await seal(mail());
      expect(sealed).toMatchObject({ form: 'pgp-mime', autoConsume: false });
      expect(await decryptBinary(sealed.openpgp, alice, bob)).toBe('the words');
    });

  test('PGP inline, alone in a text', async () => {
    for (const mail of [
      `${header}\n${armored}`,
      `${header}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${armored.replaceAll('=', '=3D')}\n\n`,
      mixed(textPart(armored)),
    ]) {
      const sealed = await seal(mail);
      expect(sealed.form).toBe('pgp-inline');
      expect(await decryptBinary(sealed.openpgp, alice, bob)).toBe('the words');
    }
  });

  test("pEp's own messages, marked so that the receiver's engine takes them away", async () => {
    const mail = (value: string) => `pEp-auto-consume: ${value}\n${encrypted(pgpMimeParts(armored, 'e'))}`;
    expect((await seal(mail('yes'))).autoConsume).toBe(true);
    for (const value of ['no', 'yes, really', 'YES\npEp-auto-consume: yes'])
      expect((await seal(mail(value))).autoConsume).toBe(false);
  });

  test('bare OpenPGP data in place of armor', async () => {
    const { openpgp } = await seal(encrypted(pgpMimeParts(armored, 'e')));
    const parts = [
      { contentType: 'application/pgp-encrypted', content: mailOf('Version: 1\n') },
      { contentType: 'application/octet-stream', content: openpgp },
    ];
    expect(sealable({ contentType: 'multipart/encrypted', parts }, 'keep', pureBase64).openpgp).toEqual(openpgp);
  });
});

describe('taken apart, a mail', () => {
  const control = { contentType: 'application/pgp-encrypted', content: ascii('Version: 1') };
  const part = (contentType: string, text: string) => ({ contentType, content: ascii(text) });
  const taken = (contentType: string, ...parts: { contentType: string; content: Uint8Array }[]): boolean => {
    try {
      return sealable({ contentType, parts }, 'hide', pureBase64).form === 'pgp-mime';
    } catch (error) {
      expect(error).toMatchObject({ code: 'submission/not-encrypted' });
      return false;
    }
  };
  const data = () => part('application/octet-stream', armored);

  test('is one of the two kinds that hold encrypted parts', () => {
    for (const type of ['multipart/encrypted', 'multipart/mixed']) expect(taken(type, control, data())).toBe(true);
    for (const type of ['multipart/alternative', 'text/plain', '']) expect(taken(type, control, data())).toBe(false);
  });

  test('may have text parts of white space, and of nothing else', () => {
    const beside = (text: string, type = 'text/plain') => taken('multipart/mixed', part(type, text), control, data());
    for (const blank of ['', ' ', '\t\n\v\f\r ']) expect([blank, beside(blank)]).toEqual([blank, true]);
    for (const text of ['\b', '\x0e', '.', ' x', 'x ']) expect([text, beside(text)]).toEqual([text, false]);
    expect(beside(' ', 'text/html')).toBe(false);
  });

  test('has a control part that says "Version: 1", with white space if need be, and nothing else', () => {
    const controlled = (text: string, type = 'application/pgp-encrypted') =>
      taken('multipart/encrypted', part(type, text), data());
    for (const text of ['Version: 1\r\n', '\n version:1 \n', `Version: 1${' '.repeat(245)}`])
      expect([text, controlled(text)]).toEqual([text, true]);
    for (const text of ['', 'Version: 2', 'Version: 11', 'xVersion: 1', `Version: 1${' '.repeat(246)}`])
      expect([text, controlled(text)]).toEqual([text, false]);
    expect(controlled('Version: 1', 'application/octet-stream')).toBe(false);
  });

  test('with S/MIME in any part is none, whatever else it has', () => {
    for (const type of ['application/pkcs7-mime', 'application/x-pkcs7-signature'])
      expect(() =>
        sealable({ contentType: 'multipart/mixed', parts: [control, data(), part(type, 'x')] }, 'hide', pureBase64),
      ).toThrow(/S\/MIME/);
    expect(() =>
      sealable({ contentType: 'x', parts: [part('text/x-application/pkcs7-mime', 'x')] }, 'hide', pureBase64),
    ).toThrow(/turn on encryption/);
  });
});

describe('refused, in words that say what to do, is', () => {
  const cases: Record<string, [() => string, RegExp]> = {
    'a clear mail': [() => `${header}\nHello Bob`, /turn on encryption/],
    'an HTML mail': [() => `${header}Content-Type: text/html\n\n<p>Hello`, /turn on encryption/],
    'an empty mail': [() => `${header}\n`, /turn on encryption/],
    'a mail with only an attachment': [() => mixed(textPart('x', 'application/octet-stream')), /turn on encryption/],
    'a signed mail': [
      () =>
        `${header}\n-----BEGIN PGP SIGNED MESSAGE-----\n\nHello\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----`,
      /turn on encryption/,
    ],
    'an S/MIME mail': [
      () => `${header}Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nAAAA`,
      /S\/MIME/,
    ],
    'clear text before PGP inline': [() => `${header}\nHi Bob,\n\n${armored}`, /text stands around/],
    'a signature after PGP inline': [() => `${header}\n${armored}\n-- \nAlice`, /text stands around/],
    'clear text beside the encrypted part': [
      () => mixed(textPart('Hello') + pgpMimeParts(armored, 'e')),
      /unencrypted text/,
    ],
    'a footer behind the encrypted part': [
      () => mixed(pgpMimeParts(armored, 'e') + textPart('Footer')),
      /unencrypted text/,
    ],
    'PGP inline with HTML beside': [
      () => mixed(textPart(armored) + textPart('<p>Hello', 'text/html')),
      /turn off HTML/,
    ],
    'PGP inline with a clear attachment': [
      () => mixed(textPart(armored) + textPart('x', 'image/png')),
      /unencrypted attachment/,
    ],
    'PGP inline with a key attached': [
      () => mixed(textPart(armored) + textPart('x', 'application/pgp-keys')),
      /unencrypted attachment/,
    ],
    'an attachment beside the encrypted part': [
      () => encrypted(pgpMimeParts(armored, 'e') + textPart('x', 'application/octet-stream')),
      /unencrypted attachment/,
    ],
    'a control part that holds other words': [
      () => encrypted(pgpMimeParts(armored, 'e').replace('Version: 1\n', 'Version: 1\nHello Bob\n')),
      /turn on encryption/,
    ],
    'an encrypted part that holds none': [() => encrypted(pgpMimeParts('Hello Bob', 'e')), /malformed packet.*turn on/],
    'armor around something unencrypted': [
      () => `${header}\n-----BEGIN PGP MESSAGE-----\n\nyxR0AAAAAABIZWxsbyBCb2I=\n-----END PGP MESSAGE-----`,
      /can't be sent.*turn on/,
    ],
  };
  for (const [what, [mail, words]] of Object.entries(cases))
    test(what, async () => expect(await refusal(mail())).toMatch(words));
});
