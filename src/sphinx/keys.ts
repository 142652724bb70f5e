import { ascii } from '../base/bytes.js';
import type { SphinxCrypto } from './crypto.js';

/** What a hop and the sender both derive from the KEM's shared secret; 32 bytes each. */
export interface HopKeys {
  readonly headerMac: Uint8Array;
  readonly routing: Uint8Array;
  readonly payload: Uint8Array;
  readonly replayTag: Uint8Array;
}

const salt = ascii('mixmailer packet 1');
const labels = {
  headerMac: ascii('header mac'),
  routing: ascii('routing stream'),
  payload: ascii('payload'),
  replayTag: ascii('replay tag'),
};

const one = Uint8Array.of(1);

/**
 * The keys of one hop: HKDF-SHA-256, extract with the protocol's name as salt, then one expand a key under its own
 * label (RFC 5869).
 *
 * @param sharedSecret 32 bytes, from the KEM; fresh for every hop of every packet, so every key here is used once
 */
export const hopKeys = (crypto: SphinxCrypto, sharedSecret: Uint8Array): HopKeys => {
  const prk = crypto.hmac(salt, sharedSecret);
  // HKDF-Expand to one block is one HMAC over info | 1.
  const expand = (info: Uint8Array): Uint8Array => crypto.hmac(prk, info, one);
  return {
    headerMac: expand(labels.headerMac),
    routing: expand(labels.routing),
    payload: expand(labels.payload),
    replayTag: expand(labels.replayTag),
  };
};
