import { largestDirectoryBytes } from '../base/bounds.js';
import type { Base64 } from '../base/base64.js';
import { ascii, concat, latin1 } from '../base/bytes.js';
import type { Compression } from '../base/compression.js';
import { Bug } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { type AttachmentForm, composeAttachmentMail, sliceAttachment } from './attachment.js';

/** Subject of every mail that carries documents of the directory. */
export const directorySubject = 'MixMailer directory';

const form: AttachmentForm = {
  subject: directorySubject,
  textLine: 'The attachment of this mail is about the list of the MixMailer network. A program reads it.',
  fileName: 'directory.bin',
};

/** Documents that travel in one mail. */
export interface DirectoryMail {
  readonly from: string;
  readonly to: string;
  /** In canonical form. */
  readonly documents: readonly string[];
  readonly now: number;
  readonly rng: Rng;
}

/**
 * The documents as the attachment has them: their texts one after the other, compressed.
 *
 * @returns undefined when that is more than one mail carries
 */
export const packDocuments = (documents: readonly string[], compression: Compression): Uint8Array | undefined => {
  const packed = compression.deflate(concat(...documents.map(ascii)));
  return packed.length > largestDirectoryBytes ? undefined : packed;
};

/** The canonical mail that carries what `packDocuments` made: compressed once, it goes to many. */
export const composePackedMail = (
  mail: Omit<DirectoryMail, 'documents'> & { readonly packed: Uint8Array },
  base64: Base64,
): Uint8Array => composeAttachmentMail({ ...mail, content: mail.packed }, form, base64);

/**
 * The canonical mail that carries these documents; docs/spec-directory.md has it line by line. Nothing in it is secret: the
 * documents are signed, and everybody may read them.
 *
 * Not protected: that its sender and receiver use MixMailer.
 */
export const composeDirectoryMail = (mail: DirectoryMail, base64: Base64, compression: Compression): Uint8Array => {
  const packed = packDocuments(mail.documents, compression);
  if (packed === undefined) throw new Bug('more documents than a mail carries');
  return composePackedMail({ ...mail, packed }, base64);
};

/** The text in an attachment: undefined if it doesn't inflate to ASCII of at most that many bytes. */
const textIn = (packed: Uint8Array, compression: Compression, mostBytes: number): string | undefined => {
  const bytes = packed.length > largestDirectoryBytes ? undefined : compression.inflate(packed, mostBytes);
  const text = bytes && latin1(bytes);
  // Over a large text a search is eight times as fast as a look at each byte.
  return text === undefined || /[\x7f-\xff]/.test(text) ? undefined : text;
};

/**
 * The text of all documents in a directory mail in canonical form, as `sliceAttachment` reads it.
 *
 * @returns undefined for any other mail; an empty text for one in canonical form whose attachment is no such text, or
 * inflates to more than `mostBytes`
 */
export const sliceDirectoryMail = (
  raw: Uint8Array,
  base64: Base64,
  { compression, mostBytes }: { readonly compression: Compression; readonly mostBytes: number },
): string | undefined => {
  const packed = sliceAttachment(raw, form, base64);
  return packed && (textIn(packed, compression, mostBytes) ?? '');
};

/** Whether that is a directory mail in canonical form, whatever its attachment holds. */
export const isDirectoryMail = (raw: Uint8Array, base64: Base64): boolean =>
  sliceAttachment(raw, form, base64) !== undefined;

/** How the text of an attachment begins in a mail that gateways have changed. */
const beginning = ascii('mixmailer-');

/**
 * The text of all documents in a mail that gateways have changed: of the first leaf whose text begins like a document.
 * Of the others no more than the beginning is inflated, so that a mail costs no more than one attachment.
 *
 * @param parts the leaves a general MIME parser found, transfer encoding removed
 * @returns undefined if there is no such leaf; an empty text if that leaf is no such text, or inflates to more than
 * `mostBytes`
 */
export const documentsInParts = (
  parts: readonly { readonly contentType: string; readonly content: Uint8Array }[],
  { compression, mostBytes }: { readonly compression: Compression; readonly mostBytes: number },
): string | undefined => {
  const found = parts.find(
    ({ contentType, content }) => contentType === 'application/octet-stream' && compression.begins(content, beginning),
  );
  return found && (textIn(found.content, compression, mostBytes) ?? '');
};
