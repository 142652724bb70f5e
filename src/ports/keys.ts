import type { LiveKey } from './unwrapper.js';

/** A mix key with its span: announced from the start, used by senders until `notAfter`, unwrapped until `expiresAt`. */
export interface MixKey extends LiveKey {
  /** X-Wing public key, 1216 bytes. */
  readonly publicKey: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  /** `notAfter` plus the grace period; then key and replay tags are destroyed together. */
  readonly expiresAt: number;
}

/** A node's secrets at rest, readable by their owner only. */
export interface KeyStore {
  /** Ed25519 secret key (32-byte seed) that signs descriptors and never decrypts; made at first use. */
  readonly identity: () => Uint8Array;
  /**
   * Keys not yet expired at `now`, those first that begin first; makes those of the running and the next epoch if they
   * are missing, and of every other epoch that begins before `until`.
   */
  readonly mixKeys: (now: number, until?: number) => readonly MixKey[];
  /** Destroys the keys expired at `now`. @returns their key ids */
  readonly destroyExpired: (now: number) => readonly string[];
}
