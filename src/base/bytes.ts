import { Bug } from './errors.js';

/** The bytes of all parts, one after the other. */
export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** Whether two byte strings are equal, in time that depends only on their lengths. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
};

/** Where `wanted` (not empty) first begins at `from` or later, or -1. */
export const indexOfBytes = (bytes: Uint8Array, wanted: Uint8Array, from = 0): number => {
  const first = wanted[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let same = 1;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same++;
    if (same === wanted.length) return at;
  }
  return -1;
};

const hexDigits = '0123456789abcdef';
const hexPairs: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `${hexDigits[byte >> 4] ?? ''}${hexDigits[byte & 15] ?? ''}`,
);

/** Lower-case hex. */
export const toHex = (bytes: Uint8Array): string => {
  let out = '';
  for (const byte of bytes) out += hexPairs[byte] ?? '';
  return out;
};

/** The bytes of a hex string of either case, or undefined if it isn't one. */
export const fromHex = (text: string): Uint8Array | undefined => {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
};

/** Bytes of an ASCII string. Any other character is a bug of the caller. */
export const ascii = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) throw new Bug('not an ASCII string');
    out[i] = code;
  }
  return out;
};

/** One character per byte (ISO 8859-1), for text that is ASCII or is only searched. */
export const latin1 = (bytes: Uint8Array): string => {
  let out = '';
  // An array-like will do for `apply`, and is ten times as fast as spreading one byte after the other.
  for (let at = 0; at < bytes.length; at += 8192)
    out += String.fromCharCode.apply(undefined, bytes.subarray(at, at + 8192) as unknown as number[]);
  return out;
};

/** The bytes whose `latin1` text this is. Any character above U+00FF is a bug of the caller. */
export const fromLatin1 = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw new Bug('not a string of bytes');
    out[i] = code;
  }
  return out;
};

/** Big-endian, 2 bytes. */
export const u16 = (value: number): Uint8Array => Uint8Array.of((value >>> 8) & 255, value & 255);

/** Big-endian, 4 bytes. */
export const u32 = (value: number): Uint8Array =>
  Uint8Array.of((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

/** Big-endian unsigned 16 bits at `at`; bytes beyond the end count as 0. */
export const readU16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Big-endian unsigned 32 bits at `at`; bytes beyond the end count as 0. */
export const readU32 = (bytes: Uint8Array, at: number): number => readU16(bytes, at) * 65536 + readU16(bytes, at + 2);
