import { ascii, concat } from '../base/bytes.js';
import { messageIdsIn } from './head.js';

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

const usualLineLength = 78;

/** The words of a text in lines of at most 78 characters, if they are not longer; `indent` begins all but the first. */
export const wrapped = (text: string, indent: string): readonly string[] => {
  const [first = '', ...words] = text.split(/[ \t]+/);
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    if (line.length + 1 + word.length <= usualLineLength) line += ` ${word}`;
    else {
      lines.push(line);
      line = `${indent}${word}`;
    }
  }
  return [...lines, line];
};

/** The fields of a mail that answers another: none if that one has no Message-ID, or none that can be named. */
export const threadLines = (messageId: string | undefined): readonly string[] =>
  messageIdsIn(messageId ?? '')
    .slice(0, 1)
    .flatMap((id) => [`In-Reply-To: ${id}`, `References: ${id}`]);
