import { createMessage, encrypt } from 'openpgp';
import type { Person } from '../servers/pep-mail.js';

export const headerOf = (raw: string): string => raw.split(/\r?\n\r?\n/)[0] ?? '';

/** The value of a header field of a mail, white space at its ends removed; undefined where it has none. */
export const fieldOf = (raw: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*)$`, 'im').exec(headerOf(raw).replace(/\r?\n[ \t]+/g, ' '))?.[1]?.trim();

export interface Answer {
  /** The mail that is answered, as it lies in the mailbox. */
  readonly mail: string;
  readonly from: Person;
  /** Whose key the answer is encrypted to. */
  readonly reader: Person;
  /** Subject inside the encryption. */
  readonly subject: string;
  readonly text: string;
  /** Left part of its Message-ID. */
  readonly id: string;
  readonly date: Date;
}

export interface WrittenAnswer {
  /** The mail address it goes to. */
  readonly to: string;
  readonly messageId: string;
  readonly raw: string;
}

/**
 * What any mail program makes when its user presses Reply, types, and sends encrypted (PGP/MIME): it goes where Reply-To
 * or From says, and names the mail it answers. It knows nothing of a mix network.
 */
export const pressReply = async ({ mail, from, reader, subject, text, id, date }: Answer): Promise<WrittenAnswer> => {
  const to = /[^\s<>]+@[^\s<>]+/.exec(fieldOf(mail, 'Reply-To') ?? fieldOf(mail, 'From') ?? '')?.[0] ?? '';
  const answered = fieldOf(mail, 'Message-ID') ?? '';
  const messageId = `<${id}@${from.address.split('@')[1] ?? ''}>`;
  const inner = [
    'Content-Type: text/plain; charset="utf-8"; protected-headers="v1"',
    `From: ${from.name} <${from.address}>`,
    `Subject: ${subject}`,
    '',
    text,
  ];
  const armored = (await encrypt({
    message: await createMessage({ text: inner.join('\r\n') }),
    encryptionKeys: [reader, from].map(({ publicKey }) => publicKey),
    signingKeys: from.privateKey,
  })) as string;
  const outerSubject = fieldOf(mail, 'Subject') ?? '';
  const boundary = `------------${id}`;
  const raw = [
    `Message-ID: ${messageId}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    'User-Agent: A Mail Program',
    `Subject: ${/^re:/i.test(outerSubject) ? outerSubject : `Re: ${outerSubject}`}`,
    `To: ${to}`,
    `References: ${[fieldOf(mail, 'References'), answered].filter((one) => one !== undefined).join(' ')}`,
    `In-Reply-To: ${answered}`,
    `From: ${from.name} <${from.address}>`,
    `Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="${boundary}"`,
    '',
    'This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)',
    `--${boundary}`,
    'Content-Type: application/pgp-encrypted',
    'Content-Description: PGP/MIME version identification',
    '',
    'Version: 1',
    '',
    `--${boundary}`,
    'Content-Type: application/octet-stream; name="encrypted.asc"',
    'Content-Description: OpenPGP encrypted message',
    'Content-Disposition: inline; filename="encrypted.asc"',
    '',
    armored.replace(/\r?\n/g, '\r\n'),
    `--${boundary}--`,
    '',
  ];
  return { to, messageId, raw: raw.join('\r\n') };
};
