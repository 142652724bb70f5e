import type { Base64 } from '../base/base64.js';
import { ascii, indexOfBytes, latin1 } from '../base/bytes.js';
import { SubmissionError } from '../base/errors.js';
import { dearmor } from './armor.js';
import { canonicalOpenPgp, readEncrypted, type KeyIds, type KeyNames } from './openpgp.js';

const armorBegin = ascii('-----BEGIN PGP MESSAGE-----');

/** How the encrypted message stood in the mail, and will stand in the delivered one. */
export type Form = 'pgp-mime' | 'pgp-inline';

/** What hygiene needs of a submitted mail, taken apart by a general MIME parser. */
export interface SubmittedMail {
  readonly contentType: string;
  readonly parts: readonly { readonly contentType: string; readonly content: Uint8Array }[];
  readonly autoConsume?: boolean;
}

/** All that leaves the sender's machine of a mail, besides its recipient. */
export interface Sealed {
  readonly form: Form;
  /** One encrypted OpenPGP message in canonical binary form. */
  readonly openpgp: Uint8Array;
  /** The receiver's pEp engine takes this mail away unseen. */
  readonly autoConsume: boolean;
}

type Part = SubmittedMail['parts'][number];

const refuse = (why: string): never => {
  throw new SubmissionError('submission/not-encrypted', why);
};

const turnOn =
  'turn on encryption: only mail encrypted with OpenPGP (PGP/MIME, pEp, or PGP inline) can be sent this way';

const isBlankText = (part: Part): boolean =>
  part.contentType === 'text/plain' && part.content.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));

/** Whether this is the first part of RFC 3156: nothing but `Version: 1`. */
const isControl = (part: Part): boolean =>
  part.contentType === 'application/pgp-encrypted' &&
  part.content.length < 256 &&
  /^\s*version:\s*1\s*$/i.test(latin1(part.content));

const refuseBeside = (part: Part): never =>
  refuse(
    part.contentType.startsWith('text/')
      ? 'unencrypted text stands beside the encrypted message: write it inside the encryption, and turn off HTML for PGP inline'
      : 'an unencrypted attachment stands beside the encrypted message: encrypt it with the message (PGP/MIME does)',
  );

/** The part with the OpenPGP data, when nothing else in the mail carries anything. */
const encryptedPart = (mail: SubmittedMail): { form: Form; content: Uint8Array } => {
  // Exchange turns multipart/encrypted into multipart/mixed with an empty text before the two parts.
  const parts = mail.parts.filter((part) => !isBlankText(part));
  if (parts.some((part) => /^application\/(?:x-)?pkcs7-/.test(part.contentType)))
    return refuse('S/MIME is not carried: encrypt this mail with OpenPGP');
  const control = parts.find(isControl);
  const data = parts.find((part) =>
    control === undefined ? part.contentType === 'text/plain' : part.contentType === 'application/octet-stream',
  );
  if (data === undefined) return refuse(turnOn);
  if (control === undefined && indexOfBytes(data.content, armorBegin) < 0) return refuse(turnOn);
  const other = parts.find((part) => part !== control && part !== data);
  if (other !== undefined) return refuseBeside(other);
  if (control !== undefined && !['multipart/encrypted', 'multipart/mixed'].includes(mail.contentType))
    return refuse(turnOn);
  return { form: control === undefined ? 'pgp-inline' : 'pgp-mime', content: data.content };
};

const openPgpBytes = (content: Uint8Array, base64: Base64): Uint8Array => {
  const found = dearmor(content, base64);
  if (found?.textOutside === true)
    return refuse('unencrypted text stands around the encrypted message: write it inside the encryption');
  return found?.binary ?? content;
};

/**
 * All that may leave the sender's machine of a mail: an allow-list. It takes the encrypted OpenPGP message, in
 * canonical form, and whether it stood as PGP/MIME or inline. No header, boundary, file name, armor header or part of
 * the mail besides is looked at, so none can leak. What would be lost that way is refused, in words for the user.
 *
 * Accepted are `multipart/encrypted` in either order of its parts (RFC 3156; Outlook reverses them), the same two
 * parts in `multipart/mixed`, and a text that is exactly one armored message; empty text parts don't count.
 *
 * @param mail the submitted mail, taken apart
 * @param keyIds whether the key ids in the message, the sender's own among them, stay readable
 * @param own the sender's own keys, whose session keys are left out
 * @throws SubmissionError `submission/not-encrypted`
 */
export const sealable = (mail: SubmittedMail, keyIds: KeyIds, base64: Base64, own?: KeyNames): Sealed => {
  const { form, content } = encryptedPart(mail);
  const message = readEncrypted(openPgpBytes(content, base64));
  if (message.kind === 'refused') return refuse(`the OpenPGP data can't be sent (${message.reason}); ${turnOn}`);
  return { form, openpgp: canonicalOpenPgp(message, keyIds, own), autoConsume: mail.autoConsume === true };
};
