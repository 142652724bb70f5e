import { largestHeaderBytes, mostHeaderFields } from '../base/bounds.js';
import { latin1 } from '../base/bytes.js';

/** One field of a mail's header. */
export interface HeadField {
  /** In lower case. */
  readonly name: string;
  /** Unfolded to one line, one character a byte, white space at both ends removed. */
  readonly value: string;
  /** As it stands in the mail, with its line ends. */
  readonly raw: Uint8Array;
}

/** The header of a mail. */
export interface MailHead {
  readonly fields: readonly HeadField[];
  /** Where the body begins, in bytes. */
  readonly bodyAt: number;
}

const [tab, lf, cr, space, colon] = [9, 10, 13, 32, 58];
const nameForm = /^[!-9;-~]+$/;

const isWhite = (byte: number | undefined): boolean => byte === space || byte === tab || byte === lf || byte === cr;

/** By hand: a regular expression for the white space at the end takes a square of its length in time. */
const trimmed = (bytes: Uint8Array): Uint8Array => {
  let [from, to] = [0, bytes.length];
  while (from < to && isWhite(bytes[from])) from++;
  while (from < to && isWhite(bytes[to - 1])) to--;
  return bytes.subarray(from, to);
};

/** Where the line at `at` ends, after its LF. */
const lineEnd = (bytes: Uint8Array, at: number): number => {
  const end = bytes.indexOf(lf, at);
  return end < 0 ? bytes.length : end + 1;
};

const fieldOf = (raw: Uint8Array): readonly HeadField[] => {
  const nameEnd = Math.max(0, raw.indexOf(colon));
  const name = latin1(raw.subarray(0, nameEnd)).toLowerCase();
  if (!nameForm.test(name)) return [];
  return [{ name, value: latin1(trimmed(raw.subarray(nameEnd + 1))).replaceAll(/\r?\n/g, ''), raw }];
};

/**
 * The header of a mail, up to the first empty line; LF and CRLF both end a line. Lines that are no field are left out,
 * among them the `From ` line of an mbox. At most 256 KiB are looked at: a mail whose header doesn't end in them has no
 * body. Of more than 2000 fields those behind are left out.
 *
 * Source: RFC 5322 section 2.2.
 */
export const readHead = (raw: Uint8Array): MailHead => {
  const head = raw.subarray(0, largestHeaderBytes);
  const fields: HeadField[] = [];
  for (let at = 0; at < head.length;) {
    let end = lineEnd(head, at);
    if (head[at] === lf || (head[at] === cr && head[at + 1] === lf)) return { fields, bodyAt: end };
    while (head[end] === space || head[end] === tab) end = lineEnd(head, end);
    if (fields.length < mostHeaderFields) fields.push(...fieldOf(head.subarray(at, end)));
    at = end;
  }
  return { fields, bodyAt: raw.length };
};

/** The values of all fields of that name (lower case), in order. */
export const valuesOf = (head: MailHead, name: string): readonly string[] =>
  head.fields.filter((field) => field.name === name).map(({ value }) => value);

/**
 * The message ids in a value of Message-ID, In-Reply-To or References, in order: printable ASCII without spaces between
 * angle brackets, which are included; at most 900 characters, so that each fits a line.
 */
export const messageIdsIn = (value: string): readonly string[] => value.match(/<[!-;=?-~]{1,898}>/g) ?? [];

/** The mail's own Message-ID, angle brackets included; undefined if it has none that is well-formed. */
export const messageIdIn = (head: MailHead): string | undefined =>
  valuesOf(head, 'message-id').flatMap(messageIdsIn)[0];
