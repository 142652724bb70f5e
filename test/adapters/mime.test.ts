import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { latin1 } from '../../src/base/bytes.js';
import { SubmissionError } from '../../src/base/errors.js';
import { mailOf, pgpMimeParts } from '../message/pep-mail.js';

const partsOf = async (text: string): Promise<readonly (readonly [string, string])[]> =>
  (await parseMail(mailOf(text))).parts.map(({ contentType, content }) => [contentType, latin1(content)]);

describe('every leaf is a part, with nothing but its transfer encoding removed', () => {
  test('in multipart/encrypted: both', async () => {
    const mail = await parseMail(
      mailOf(
        `Content-Type: Multipart/Encrypted; Protocol="application/pgp-encrypted"; boundary="=_x y"\n\n${pgpMimeParts('ARMOR', '=_x y')}--=_x y--\n`,
      ),
    );
    expect(mail.contentType).toBe('multipart/encrypted');
    expect(mail.contentTypeParameters.get('protocol')).toBe('application/pgp-encrypted');
    expect(mail.parts.map(({ contentType, content }) => [contentType, latin1(content).trim()])).toEqual([
      ['application/pgp-encrypted', 'Version: 1'],
      ['application/octet-stream', 'ARMOR'],
    ]);
  });

  test('in a mail without MIME: its text, byte for byte', async () => {
    expect(await partsOf('Subject: x\n\n one \n\n-- \n.\n')).toEqual([['text/plain', ' one \r\n\r\n-- \r\n.\r\n']]);
  });

  test('whatever its character set, type or disposition', async () => {
    expect(
      await partsOf(
        'Content-Type: multipart/mixed; boundary=b\n\n' +
          '--b\nContent-Type: text/plain; charset=iso-8859-1; format=flowed\nContent-Transfer-Encoding: quoted-printable\n\nh=E9=20\nx\n' +
          '--b\nContent-Type: TEXT/HTML\nContent-Disposition: inline\n\n<p>&amp;\n' +
          '--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nattached\n--c--\n' +
          '--b\nContent-Type: application/octet-stream; name=a.pdf\nContent-Transfer-Encoding: base64\n\nAP8=\n' +
          '--b\nContent-Type: message/delivery-status\n\nStatus: 5\n' +
          '--b--\n',
      ),
    ).toEqual([
      ['text/plain', 'h\xe9 \r\nx'],
      ['text/html', '<p>&amp;'],
      ['text/plain', 'attached'],
      ['application/octet-stream', '\0\xff'],
      ['message/delivery-status', 'Status: 5'],
    ]);
  });

  test('in forwarded mails, three deep; a fourth stays closed', async () => {
    const forwarded = (times: number): string =>
      times === 0
        ? 'Subject: x\n\ninnermost'
        : `Content-Type: message/rfc822\nContent-Disposition: attachment\n\n${forwarded(times - 1)}`;
    expect(await partsOf(forwarded(1))).toEqual([['text/plain', 'innermost']]);
    expect(await partsOf(forwarded(3))).toEqual([['text/plain', 'innermost']]);
    expect(await partsOf(forwarded(4))).toEqual([['message/rfc822', 'Subject: x\r\n\r\ninnermost']]);
  });
});

describe('of the header it gives', () => {
  test('the recipients, whatever way they are written', async () => {
    const { recipients } = await parseMail(
      mailOf(
        'To: "Bob, B." <bob@b.example>, carol@c.example\nTo: dave@d.example\nCC: friends: eve@e.example, =?utf-8?Q?F?= <f@xn--bcher-kva.example>;\nBcc: g@g.example\nReply-To: no@no.example\n\nx',
      ),
    );
    expect(recipients).toEqual([
      'bob@b.example',
      'carol@c.example',
      'dave@d.example',
      'eve@e.example',
      'f@xn--bcher-kva.example',
      'g@g.example',
    ]);
  });

  test('the recipient of an international domain in its xn-- form', async () => {
    const raw = new TextEncoder().encode('To: <g@bücher.example>\r\n\r\nx');
    expect((await parseMail(raw)).recipients).toEqual(['g@xn--bcher-kva.example']);
  });

  test('pEp-auto-consume only if it says exactly yes, once', async () => {
    const flagged = async (header: string) => (await parseMail(mailOf(`${header}\n\nx`))).autoConsume;
    expect(await flagged('PEP-Auto-Consume: yes')).toBe(true);
    expect(await flagged('X: y')).toBe(false);
    expect(await flagged('pEp-auto-consume: Yes')).toBe(false);
    expect(await flagged('pEp-auto-consume: yes\npEp-auto-consume: yes')).toBe(false);
  });
});

test('any bytes give a parsed mail or a SubmissionError, and always an answer', async () => {
  const line = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Type: multipart/mixed',
    'Content-Type: message/rfc822',
    'Content-Type: ;;==',
    'Content-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: quoted-printable',
    'Content-Disposition: inline',
    'To: <a@b.example',
    '--b',
    '--b--',
    '',
    'AAA=',
    '=\xff=',
    ' folded',
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.array(line, { maxLength: 14 }).map((lines) => Uint8Array.from(lines.join('\r\n'), (c) => c.charCodeAt(0))),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (raw) => {
      const result = await parseMail(raw).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(SubmissionError);
    }),
    { numRuns: 400 },
  );
});
