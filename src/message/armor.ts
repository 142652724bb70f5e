import { base64Lines, type Base64 } from '../base/base64.js';
import { ascii, concat, indexOfBytes } from '../base/bytes.js';
import { readEncrypted } from './openpgp.js';

const beginLine = ascii('-----BEGIN PGP MESSAGE-----');
const endLine = ascii('-----END PGP MESSAGE-----');
const lf = 10;
const equalsSign = 61;
const armorLineBytes = 64;

/** One armored message found in a text. */
export interface Dearmored {
  readonly binary: Uint8Array;
  /** Something other than white space stands before or after it. */
  readonly textOutside: boolean;
}

const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));

/** Where `line` stands at the start of a line with nothing but white space after it, at `from` or later, or -1. */
const lineAt = (text: Uint8Array, line: Uint8Array, from: number): number => {
  for (let at = indexOfBytes(text, line, from); at >= 0; at = indexOfBytes(text, line, at + 1)) {
    if ((at === 0 || text[at - 1] === lf) && isBlank(text.subarray(at + line.length, lineEnd(text, at)))) return at;
  }
  return -1;
};

/** Where the line at `at` ends, after its LF. */
const lineEnd = (text: Uint8Array, at: number): number => {
  const end = text.indexOf(lf, at);
  return end < 0 ? text.length : end + 1;
};

/** Where the base64 text begins: after the armor headers and the empty line, either of which some programs leave out. */
const afterArmorHeaders = (text: Uint8Array, from: number, to: number): number => {
  let at = from;
  while (at < to) {
    const next = lineEnd(text, at);
    const line = text.subarray(at, next);
    if (isBlank(line)) return next;
    if (!line.includes(58)) return at;
    at = next;
  }
  return at;
};

/** Where the CRC24 line begins (`=` and four digits), or `to` if there is none. */
const beforeChecksum = (text: Uint8Array, from: number, to: number): number => {
  const start = indexOfBytes(text, Uint8Array.of(lf, equalsSign), Math.max(from - 1, to - 12));
  return start < 0 || start >= to ? to : start;
};

/**
 * The first ASCII-armored OpenPGP message in a text, read as tolerantly as mail programs write: any armor headers or
 * none, LF or CRLF, spaces at line ends, with or without a checksum. The checksum is not verified: RFC 9580 forbids to
 * reject a message for it, and the encryption has its own.
 *
 * @returns undefined if there is none, or its base64 is damaged
 *
 * Source: RFC 9580 section 6.
 */
export const dearmor = (text: Uint8Array, base64: Base64): Dearmored | undefined => {
  const begin = lineAt(text, beginLine, 0);
  const end = begin < 0 ? -1 : lineAt(text, endLine, begin);
  if (end < 0) return undefined;
  const start = afterArmorHeaders(text, lineEnd(text, begin), end);
  const binary = base64.decode(text.subarray(start, beforeChecksum(text, start, end)));
  if (binary === undefined) return undefined;
  const textOutside = !isBlank(text.subarray(0, begin)) || !isBlank(text.subarray(lineEnd(text, end)));
  return { binary, textOutside };
};

/** CRC24 of RFC 9580 section 6.1.1, 3 bytes. */
const crc24 = (bytes: Uint8Array): Uint8Array => {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x800000) === 0 ? crc << 1 : ((crc << 1) ^ 0x864cfb) & 0xffffff;
  }
  return Uint8Array.of(crc >>> 16, (crc >>> 8) & 255, crc & 255);
};

/**
 * The canonical armor: no armor headers, lines of 64 characters, CRLF. With a CRC24 line, which older readers miss
 * otherwise, except around version 2 data, where RFC 9580 section 6.1 forbids it.
 */
export const armor = (binary: Uint8Array, base64: Base64): Uint8Array => {
  const message = readEncrypted(binary);
  const isVersion2 = message.kind === 'encrypted' && message.data.body[0] === 2;
  return concat(
    beginLine,
    ascii('\r\n\r\n'),
    base64Lines(binary, armorLineBytes, base64),
    isVersion2 ? new Uint8Array(0) : concat(ascii('='), base64.encode(crc24(binary)), ascii('\r\n')),
    endLine,
    ascii('\r\n'),
  );
};
