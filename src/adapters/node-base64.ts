import type { Base64 } from '../base/base64.js';

const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
const bufferOver = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

const isSpace = (code: number): boolean => code === 9 || code === 10 || code === 13 || code === 32;
const padding = 61;
const digitsAndSpace = /^[A-Za-z0-9+/\t\n\r ]*$/;

const countDigits = (text: Uint8Array): number => {
  let digits = 0;
  for (const code of text) if (code > 32) digits++;
  return digits;
};

/** How many padding characters there are, or undefined if there is anything else but white space. */
const countPadding = (text: Uint8Array): number | undefined => {
  let pads = 0;
  for (const code of text)
    if (code === padding) pads++;
    else if (!isSpace(code)) return undefined;
  return pads;
};

/**
 * Base64 by node's Buffer, whose own decoder forgives anything: what the reference refuses is refused here before the
 * Buffer sees it.
 */
export const nodeBase64: Base64 = {
  encode: (bytes) => plain(Buffer.from(bufferOver(bytes).toString('base64'), 'latin1')),
  decode: (text) => {
    const whole = bufferOver(text);
    const padAt = whole.indexOf(padding);
    const end = padAt < 0 ? text.length : padAt;
    const pads = countPadding(text.subarray(end));
    const head = whole.toString('latin1', 0, end);
    if (pads === undefined || !digitsAndSpace.test(head)) return undefined;
    const rest = countDigits(text.subarray(0, end)) % 4;
    if (rest === 1 || pads !== (4 - rest) % 4) return undefined;
    return plain(Buffer.from(head, 'base64'));
  },
};
