import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Compression } from '../base/compression.js';

/** What zlib gives for `info: true`, which its types leave out. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** Room for the codes of a block and the first of its text; a bomb makes half a megabyte of so many bytes, in half a millisecond. */
const headBytes = 512;

/** DEFLATE by node:zlib at its best level: a list is compressed once and mailed often. */
export const nodeCompression: Compression = {
  deflate: (bytes) => new Uint8Array(deflateRawSync(bytes, { level: 9 })),
  inflate: (bytes, mostBytes) => {
    try {
      const options = { maxOutputLength: Math.max(1, mostBytes), info: true };
      const { buffer, engine } = inflateRawSync(bytes, options) as unknown as Inflated;
      // Bytes behind the stream would be room for what no reader sees.
      if (engine.bytesWritten !== bytes.length || buffer.length > mostBytes) return undefined;
      return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    } catch {
      return undefined;
    }
  },
  begins: (bytes, beginning) => {
    try {
      // What is cut off is no mistake with this flush.
      const head = inflateRawSync(bytes.subarray(0, headBytes), { finishFlush: constants.Z_SYNC_FLUSH });
      return head.subarray(0, beginning.length).equals(beginning);
    } catch {
      return false;
    }
  },
};
