import { createMessage, decrypt, encrypt, generateKey, readMessage } from 'openpgp';
import type { PrivateKey, PublicKey } from 'openpgp';

/** Somebody with an address and a throw-away key. */
export interface Person {
  readonly name: string;
  readonly address: string;
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
}

export const person = async (name: string, address: string): Promise<Person> => {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: [{ name, email: address }],
    format: 'object',
  });
  return { name, address, privateKey, publicKey };
};

export interface Letter {
  readonly from: Person;
  readonly to: readonly Person[];
  readonly bcc?: readonly Person[];
  readonly subject: string;
  readonly text: string;
  readonly attachment?: { readonly name: string; readonly content: Uint8Array };
  readonly date: Date;
}

const lines = (...text: readonly string[]): string => text.join('\r\n');
const addresses = (people: readonly Person[]): string =>
  people.map(({ name, address }) => `${name} <${address}>`).join(', ');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\r\n');

/** The message that only its readers see: the real headers, the text, the attachment. */
const innerMail = ({ from, to, subject, text, attachment, date }: Letter): string => {
  const header = [
    `From: ${from.name} <${from.address}>`,
    `To: ${addresses(to)}`,
    `Subject: ${subject}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    'X-pEp-Version: 2.1',
    'X-pEp-Wrapped-Message-Info: INNER',
    `X-pEp-Sender-FPR: ${from.publicKey.getFingerprint().toUpperCase()}`,
    'MIME-Version: 1.0',
  ];
  const textPart = ['Content-Type: text/plain; charset="utf-8"', '', text];
  if (attachment === undefined) return lines(...header, ...textPart);
  return lines(
    ...header,
    'Content-Type: multipart/mixed; boundary="inner-parts"',
    '',
    '--inner-parts',
    ...textPart,
    '--inner-parts',
    'Content-Type: application/octet-stream',
    `Content-Disposition: attachment; filename="${attachment.name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    base64(attachment.content),
    '--inner-parts--',
    '',
  );
};

/** A pEp 2.1 mail as the engine hands it to its transport: everything real inside the encryption, a shell outside. */
export const pepMail = async (letter: Letter): Promise<string> => {
  const { from, to, bcc = [], date } = letter;
  const wrapped = lines(
    'Content-Type: multipart/mixed; boundary="wrapper"',
    '',
    '--wrapper',
    'Content-Type: text/plain; charset="utf-8"',
    '',
    'This message was encrypted with p≡p (https://pep.software).',
    '--wrapper',
    'Content-Type: message/rfc822; forwarded="no"',
    '',
    innerMail(letter),
    '--wrapper',
    'Content-Type: application/pgp-keys; name="sender_key.asc"',
    'Content-Disposition: attachment; filename="sender_key.asc"',
    '',
    from.publicKey.armor(),
    '--wrapper--',
    '',
  );
  const armored: string = (await encrypt({
    message: await createMessage({ text: wrapped }),
    encryptionKeys: [...to, ...bcc, from].map((reader) => reader.publicKey),
    signingKeys: from.privateKey,
  })) as string;
  const boundary = `----pEp${date.getTime().toString(36)}`;
  return lines(
    `From: ${from.name} <${from.address}>`,
    `To: ${addresses(to)}`,
    ...(bcc.length > 0 ? [`Bcc: ${addresses(bcc)}`] : []),
    'Subject: =?utf-8?Q?p=E2=89=A1p?=',
    `Message-ID: <pEp.${date.getTime().toString(36)}.1Z4X.7d1f@${from.address.split('@')[1] ?? ''}>`,
    'X-pEp-Version: 2.1',
    'X-EncStatus: trusted and anonymized',
    'MIME-Version: 1.0',
    `Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: application/pgp-encrypted',
    '',
    'Version: 1',
    `--${boundary}`,
    'Content-Type: application/octet-stream',
    'Content-Disposition: inline; filename="msg.asc"',
    '',
    armored.replace(/\r?\n/g, '\r\n'),
    `--${boundary}--`,
    '',
  );
};

/** openpgp.js declares its results by DOM types that Node's types lack. */
interface Opened {
  readonly data: string;
  readonly signatures: readonly { readonly verified: Promise<true> }[];
}

/** What a reader sees of a delivered mail: the decrypted text, whose signature has been checked against the sender's key. */
export const openMail = async (raw: string, reader: Person, sender: Person): Promise<string> => {
  const armored = /-----BEGIN PGP MESSAGE-----[^]*-----END PGP MESSAGE-----/.exec(raw)?.[0] ?? '';
  const { data, signatures } = (await decrypt({
    message: await readMessage({ armoredMessage: armored }),
    decryptionKeys: reader.privateKey,
    verificationKeys: sender.publicKey,
    expectSigned: true,
  })) as Opened;
  await Promise.all(signatures.map((signature) => signature.verified));
  return data;
};
