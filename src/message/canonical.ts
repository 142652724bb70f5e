import { ascii, concat } from '../base/bytes.js';

const lineEnd = ascii('\r\n');

/** ASCII lines, each ended by CRLF. */
export const mailLines = (lines: readonly string[]): Uint8Array =>
  concat(...lines.flatMap((line) => [ascii(line), lineEnd]));

/**
 * A Date header's value, UTC, rounded down to a multiple of `coarseMs`: `Sun, 22 Nov 2026 13:00:00 +0000`.
 *
 * Source: RFC 5322 section 3.3.
 */
export const mailDate = (now: number, coarseMs: number): string =>
  new Date(now - (now % coarseMs)).toUTCString().replace('GMT', '+0000');
