import { base64Lines, type Base64 } from '../base/base64.js';
import { ascii, concat, indexOfBytes } from '../base/bytes.js';
import { readEncrypted } from './openpgp.js';

/** What stands in an armored block, as its first and last lines say. */
type BlockKind = 'MESSAGE' | 'PUBLIC KEY BLOCK';

const beginLineOf = (kind: BlockKind): Uint8Array => ascii(`-----BEGIN PGP ${kind}-----`);
const endLineOf = (kind: BlockKind): Uint8Array => ascii(`-----END PGP ${kind}-----`);
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

/** A block: where it begins and ends, and what it holds; undefined where its base64 is damaged or its last line is missing. */
interface Block {
  readonly begin: number;
  readonly next: number;
  readonly binary: Uint8Array | undefined;
}

/** The first block of that kind at `from` or later. @returns undefined if there is none */
const blockFrom = (text: Uint8Array, kind: BlockKind, from: number, base64: Base64): Block | undefined => {
  const begin = lineAt(text, beginLineOf(kind), from);
  if (begin < 0) return undefined;
  const end = lineAt(text, endLineOf(kind), begin);
  if (end < 0) return { begin, next: text.length, binary: undefined };
  const start = afterArmorHeaders(text, lineEnd(text, begin), end);
  const binary = base64.decode(text.subarray(start, beforeChecksum(text, start, end)));
  return { begin, next: lineEnd(text, end), binary };
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
  const block = blockFrom(text, 'MESSAGE', 0, base64);
  if (block?.binary === undefined) return undefined;
  const textOutside = !isBlank(text.subarray(0, block.begin)) || !isBlank(text.subarray(block.next));
  return { binary: block.binary, textOutside };
};

/** All ASCII-armored public keys in a text, read as tolerantly. @returns undefined if one is damaged */
export const dearmorKeys = (text: Uint8Array, base64: Base64): readonly Uint8Array[] | undefined => {
  const found: Uint8Array[] = [];
  for (let from = 0; ;) {
    const block = blockFrom(text, 'PUBLIC KEY BLOCK', from, base64);
    if (block === undefined) return found;
    if (block.binary === undefined) return undefined;
    found.push(block.binary);
    from = block.next;
  }
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
    beginLineOf('MESSAGE'),
    ascii('\r\n\r\n'),
    base64Lines(binary, armorLineBytes, base64),
    isVersion2 ? new Uint8Array(0) : concat(ascii('='), base64.encode(crc24(binary)), ascii('\r\n')),
    endLineOf('MESSAGE'),
    ascii('\r\n'),
  );
};
