/**
 * RFC 4648 base64 between bytes and ASCII bytes. The reference is `pureBase64`; adapters/node-base64 is the fast one,
 * proven equal by test. Decoding skips white space and line breaks and gives undefined on any other foreign byte, on
 * padding in the middle, or on a length no encoder makes.
 */
export interface Base64 {
  readonly encode: (bytes: Uint8Array) => Uint8Array;
  readonly decode: (text: Uint8Array) => Uint8Array | undefined;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const encodeTable = Uint8Array.from(alphabet, (character) => character.charCodeAt(0));
const foreign = 255;
const skip = 254;
const pad = 253;
const decodeTable = new Uint8Array(256).fill(foreign);
encodeTable.forEach((code, value) => (decodeTable[code] = value));
for (const code of [9, 10, 13, 32]) decodeTable[code] = skip;
decodeTable[61] = pad;

const at = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0;

const encode = (bytes: Uint8Array): Uint8Array => {
  const out = new Uint8Array(4 * Math.ceil(bytes.length / 3));
  for (let i = 0, o = 0; i < bytes.length; i += 3, o += 4) {
    const group = (at(bytes, i) << 16) | (at(bytes, i + 1) << 8) | at(bytes, i + 2);
    out[o] = at(encodeTable, group >>> 18);
    out[o + 1] = at(encodeTable, (group >>> 12) & 63);
    out[o + 2] = i + 1 < bytes.length ? at(encodeTable, (group >>> 6) & 63) : 61;
    out[o + 3] = i + 2 < bytes.length ? at(encodeTable, group & 63) : 61;
  }
  return out;
};

const decode = (text: Uint8Array): Uint8Array | undefined => {
  const out = new Uint8Array(Math.floor((text.length * 3) / 4) + 3);
  let length = 0;
  let group = 0;
  let digits = 0;
  let pads = 0;
  for (const code of text) {
    const value = at(decodeTable, code);
    if (value === skip) continue;
    if (value === foreign) return undefined;
    if (value === pad) {
      pads++;
      continue;
    }
    if (pads > 0) return undefined;
    group = (group << 6) | value;
    if (++digits % 4 === 0) {
      out[length++] = (group >>> 16) & 255;
      out[length++] = (group >>> 8) & 255;
      out[length++] = group & 255;
      group = 0;
    }
  }
  const rest = digits % 4;
  if (rest === 1 || (rest === 0 ? pads > 0 : pads !== 4 - rest)) return undefined;
  if (rest === 2) out[length++] = (group >>> 4) & 255;
  if (rest === 3) {
    out[length++] = (group >>> 10) & 255;
    out[length++] = (group >>> 2) & 255;
  }
  return out.slice(0, length);
};

export const pureBase64: Base64 = { encode, decode };

/** Lines encoded at a time: texts of this size stay in the processor's cache. */
const linesAtOnce = 300;

/** What stands around base64 lines. */
export interface Around {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/**
 * The bytes as base64 in CRLF-ended lines, with something before and after it, put together in one go: a mail of 64
 * packets is 2.9 MB, and every copy of it shows.
 *
 * @param lineLength a multiple of 4 (RFC 2045: at most 76)
 */
export const base64Lines = (
  bytes: Uint8Array,
  lineLength: number,
  base64: Base64,
  { head, tail }: Around = { head: new Uint8Array(), tail: new Uint8Array() },
): Uint8Array => {
  const digits = 4 * Math.ceil(bytes.length / 3);
  const out = new Uint8Array(head.length + digits + 2 * Math.ceil(digits / lineLength) + tail.length);
  out.set(head);
  let at = head.length;
  const chunkBytes = (lineLength / 4) * 3 * linesAtOnce;
  for (let chunkAt = 0; chunkAt < bytes.length; chunkAt += chunkBytes) {
    const text = base64.encode(bytes.subarray(chunkAt, chunkAt + chunkBytes));
    // At the end of its place, from where each line moves forward: half the time of taking lines out as views.
    const lines = Math.ceil(text.length / lineLength);
    let from = at + 2 * lines;
    const end = from + text.length;
    out.set(text, from);
    for (; from < end; from += lineLength) {
      const length = Math.min(lineLength, end - from);
      out.copyWithin(at, from, from + length);
      at += length;
      out[at++] = 13;
      out[at++] = 10;
    }
  }
  out.set(tail, at);
  return out;
};
