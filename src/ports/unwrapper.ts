import type { DropReason } from '../base/errors.js';
import type { Unwrapped } from '../sphinx/packet.js';

/** A packet unwrapped with one of the live mix keys, or why not. */
export type UnwrapResult =
  | { readonly kind: 'unwrapped'; readonly keyId: string; readonly unwrapped: Unwrapped }
  | { readonly kind: 'drop'; readonly reason: DropReason };

/** A mix key while it lives. */
export interface LiveKey {
  /** Names the key (and so the replay tags that die with it): hex of SHA-256 of its public key, first 16 bytes. */
  readonly keyId: string;
  /** X-Wing seed, 32 bytes. */
  readonly seed: Uint8Array;
}

/**
 * Unwraps packets, on this thread or on workers. Results come in the order of the packets. A key that is not in a call
 * any more is forgotten; a call without packets does nothing else.
 */
export interface Unwrapper {
  readonly unwrap: (packets: readonly Uint8Array[], keys: readonly LiveKey[]) => Promise<readonly UnwrapResult[]>;
  readonly close: () => Promise<void>;
}
