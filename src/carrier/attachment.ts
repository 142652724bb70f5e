import { largestHeaderBytes } from '../base/bounds.js';
import { base64Lines, type Base64 } from '../base/base64.js';
import { ascii, indexOfBytes, latin1, toHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { minuteMs } from '../base/units.js';
import { domainOf, parseAddress } from '../base/address.js';
import { mailDate, mailLines } from '../message/canonical.js';

/** What all mails of one kind have in common. */
export interface AttachmentForm {
  readonly subject: string;
  /** One line for people: SpamAssassin punishes a mail that has an attachment and no text. */
  readonly textLine: string;
  readonly fileName: string;
}

/** A mail between programs: one attachment, and a line that says so. */
export interface AttachmentMail {
  readonly from: string;
  readonly to: string;
  readonly content: Uint8Array;
  readonly now: number;
  readonly rng: Rng;
}

const boundaryForm = /^=_[0-9a-f]{32}$/;
const boundaryBytes = 34;
const base64LineBytes = 76;

/** The lines of the body before the base64 text. */
const bodyHead = (boundary: string, { textLine, fileName }: AttachmentForm): readonly string[] => [
  `--${boundary}`,
  'Content-Type: text/plain; charset=us-ascii',
  '',
  textLine,
  `--${boundary}`,
  'Content-Type: application/octet-stream',
  `Content-Disposition: attachment; filename="${fileName}"`,
  'Content-Transfer-Encoding: base64',
  '',
];

/**
 * The canonical mail of that form; docs/spec-mail.md has it line by line. Everything in it is constant but the two
 * addresses, the minute, 32 random bytes in Message-ID and boundary, and the attachment.
 *
 * The Date is UTC rounded down to the minute and the Message-ID opaque, because the sending account's habits (time
 * zone, program, host name) are nobody's business.
 */
export const composeAttachmentMail = (mail: AttachmentMail, form: AttachmentForm, base64: Base64): Uint8Array => {
  const from = parseAddress(mail.from);
  const to = parseAddress(mail.to);
  if (from.kind === 'refused' || to.kind === 'refused') throw new Bug('such a mail goes between mail addresses');
  const boundary = `=_${toHex(mail.rng(16))}`;
  const head = mailLines([
    `From: <${from.address}>`,
    `To: <${to.address}>`,
    `Subject: ${form.subject}`,
    `Date: ${mailDate(mail.now, minuteMs)}`,
    `Message-ID: <${toHex(mail.rng(16))}@${domainOf(from.address)}>`,
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-generated',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    ...bodyHead(boundary, form),
  ]);
  const tail = mailLines([`--${boundary}--`]);
  return base64Lines(mail.content, base64LineBytes, base64, { head, tail });
};

const lf = 10;
const cr = 13;

/** Where the body begins, after the first empty line. */
const bodyStart = (raw: Uint8Array): number | undefined => {
  for (let at = raw.indexOf(lf); at >= 0 && at < largestHeaderBytes; at = raw.indexOf(lf, at + 1)) {
    if (raw[at + 1] === lf) return at + 2;
    if (raw[at + 1] === cr && raw[at + 2] === lf) return at + 3;
  }
  return undefined;
};

/** Where the next line begins if this line is at `at`, ended by CRLF or LF. */
const afterLine = (raw: Uint8Array, at: number, line: string): number | undefined => {
  for (let i = 0; i < line.length; i++) if (raw[at + i] !== line.charCodeAt(i)) return undefined;
  const end = at + line.length;
  if (raw[end] === lf) return end + 1;
  return raw[end] === cr && raw[end + 1] === lf ? end + 2 : undefined;
};

/** Where the closing delimiter begins if nothing but white space follows it. */
const closingDelimiter = (raw: Uint8Array, boundary: string): number | undefined => {
  let end = raw.length;
  while (end > 0 && [lf, cr, 32, 9].includes(raw[end - 1] ?? 0)) end--;
  const delimiter = ascii(`--${boundary}--`);
  const at = end - delimiter.length;
  return at > 0 && raw[at - 1] === lf && indexOfBytes(raw.subarray(at, end), delimiter) === 0 ? at : undefined;
};

/**
 * What is attached to a mail of that form as it arrives: servers may have put any headers before it, changed the order
 * or folding of its own, and turned CRLF into LF, but its body must be the canonical one to the byte. Undefined for
 * everything else, which a general MIME parser then looks at.
 *
 * It never makes text of the body, and its time is that of the base64 decoder.
 */
export const sliceAttachment = (raw: Uint8Array, form: AttachmentForm, base64: Base64): Uint8Array | undefined => {
  const start = bodyStart(raw);
  if (start === undefined) return undefined;
  const boundary = latin1(raw.subarray(start + 2, start + 2 + boundaryBytes));
  if (!boundaryForm.test(boundary)) return undefined;
  const header = latin1(raw.subarray(0, start));
  if (!header.includes(boundary) || !/^content-type:\s*multipart\/mixed\s*;/im.test(header)) return undefined;
  let at: number | undefined = start;
  for (const line of bodyHead(boundary, form)) {
    at = afterLine(raw, at, line);
    if (at === undefined) return undefined;
  }
  const end = closingDelimiter(raw, boundary);
  return end === undefined || end < at ? undefined : base64.decode(raw.subarray(at, end));
};
