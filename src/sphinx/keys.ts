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

/** HKDF-Expand with SHA-256 (RFC 5869). @param key 32 bytes @param lengthBytes a multiple of 32 */
export const expand = (crypto: SphinxCrypto, key: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array => {
  const out = new Uint8Array(lengthBytes);
  for (let at = 0, i = 1; at < lengthBytes; at += 32, i++)
    out.set(crypto.hmac(key, out.subarray(Math.max(at - 32, 0), at), info, Uint8Array.of(i)), at);
  return out;
};

/**
 * The keys of one hop: HKDF-SHA-256, extract with the protocol's name as salt, then one expand a key under its own
 * label.
 *
 * @param sharedSecret 32 bytes, from the KEM; fresh for every hop of every packet, so every key here is used once
 */
export const hopKeys = (crypto: SphinxCrypto, sharedSecret: Uint8Array): HopKeys => {
  const prk = crypto.hmac(salt, sharedSecret);
  const one = (info: Uint8Array): Uint8Array => expand(crypto, prk, info, 32);
  return {
    headerMac: one(labels.headerMac),
    routing: one(labels.routing),
    payload: one(labels.payload),
    replayTag: one(labels.replayTag),
  };
};
