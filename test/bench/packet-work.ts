import { systemRng } from '../../src/adapters/system.js';
import { Bug } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import { geometry } from '../../src/sphinx/geometry.js';
import type { Hop } from '../../src/sphinx/header.js';
import { decapsulate, expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { hopKeys } from '../../src/sphinx/keys.js';
import { createDrop, createPacket, unwrapPacket, type Unwrapped } from '../../src/sphinx/packet.js';

/** Three nodes and a packet for them, on one backend. */
export interface Fixture {
  readonly crypto: SphinxCrypto;
  readonly seed: Uint8Array;
  readonly key: ExpandedKey;
  readonly hops: readonly Hop[];
  readonly packet: Uint8Array;
}

const payload = new Uint8Array(geometry.userPayloadBytes).fill(1);

export const fixture = (crypto: SphinxCrypto): Fixture => {
  const seed = systemRng(32);
  const key = expandKey(crypto, seed);
  const keys = [key, expandKey(crypto, systemRng(32)), expandKey(crypto, systemRng(32))];
  const hops = keys.map(({ publicKey }) => ({ nodeId: nodeIdOf(systemRng(32)), publicKey, delayMs: 0 }));
  return { crypto, seed, key, hops, packet: create(crypto, hops) };
};

const create = (crypto: SphinxCrypto, hops: readonly Hop[]): Uint8Array =>
  createPacket(crypto, { hops, last: { kind: 'exit' }, payload, rng: systemRng });

/** A packet over three hops. */
export const createOne = ({ crypto, hops }: Fixture): Uint8Array => create(crypto, hops);

export const dropOne = ({ crypto, hops }: Fixture): Uint8Array => {
  const [hop] = hops;
  if (!hop) throw new Bug('three hops');
  return createDrop(crypto, hop, systemRng);
};

/** One layer off, a packet to send on. */
export const unwrapOne = ({ crypto, key, packet }: Fixture): Unwrapped => unwrapPacket(crypto, key, packet);

const subkeys = new Uint8Array(128);
const { at, headerBytes, routingBytes, blockBytes } = geometry;

/**
 * What a hop cannot do without, bare: X-Wing decapsulation, the KDF for its keys, the stream over the routing blocks,
 * the MAC over the header, LIONESS's subkeys and four passes. No formats, no comparisons, no packet put together.
 */
export const primitivesOne = ({ crypto, key, packet }: Fixture): Uint8Array => {
  const secret = decapsulate(crypto, key, packet.subarray(at.ciphertext, at.mac));
  if (!secret) throw new Bug('a sound packet');
  hopKeys(crypto, secret);
  crypto.stream(secret, packet.subarray(0, routingBytes + blockBytes));
  crypto.hmac(secret, packet.subarray(0, headerBytes - geometry.macBytes));
  crypto.stream(secret, subkeys);
  const right = packet.subarray(headerBytes + geometry.integrityBytes);
  crypto.hmac(secret, right);
  const once = crypto.stream(secret, right);
  crypto.hmac(secret, once);
  return crypto.stream(secret, once);
};
