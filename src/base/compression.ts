/**
 * Raw DEFLATE (RFC 1951). adapters/node-compression is the one there is; an interface, because the pure rooms can't reach
 * node:zlib.
 */
export interface Compression {
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
  /**
   * What those bytes inflate to; undefined if they are no DEFLATE stream, are cut short, have something behind them, or
   * hold more than `mostBytes`. Never has more than that in memory.
   */
  readonly inflate: (bytes: Uint8Array, mostBytes: number) => Uint8Array | undefined;
  /**
   * Whether what those bytes inflate to begins like that, as far as their first 512 tell: that costs next to nothing. No
   * promise for the rest.
   */
  readonly begins: (bytes: Uint8Array, beginning: Uint8Array) => boolean;
}
