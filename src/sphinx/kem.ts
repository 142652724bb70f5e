/**
 * X-Wing, the hybrid key encapsulation of every hop, with the keys of nodes.
 *
 * @module mixmailer/kem
 */
import { shake256 } from '@noble/hashes/sha3.js';
import { ascii, concat, equalBytes, toHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { MlKemPublic, MlKemSecret, SphinxCrypto, X25519Key } from './crypto.js';
import { geometry } from './geometry.js';

/*
 * X-Wing: ML-KEM-768 and X25519 as one KEM, as strong as the stronger of the two.
 *
 *   public key 1216 = ML-KEM 1184 | X25519 32        ciphertext 1120 = ML-KEM 1088 | X25519 32
 *   secret key 32: SHAKE256(seed, 96) = ML-KEM seed d|z 64 | X25519 secret 32
 *   shared secret 32 = SHA3-256(ssM 32 | ssX 32 | ctX 32 | pkX 32 | label 6)
 *
 * Source: draft-connolly-cfrg-xwing-kem-10, checked with its vectors. (An earlier revision had the label first.)
 */
const label = ascii('\\.//^\\');
const mlKemPublicBytes = 1184;
const mlKemCiphertextBytes = 1088;
const mlKemSeedBytes = 64;

/** An X-Wing secret key made ready for use: making it ready costs several decapsulations, so keep it. */
export interface ExpandedKey {
  /** 1216 bytes. */
  readonly publicKey: Uint8Array;
  readonly mlKem: MlKemSecret;
  readonly x25519: X25519Key;
}

/** @param seed the X-Wing secret key, 32 bytes */
export const expandKey = (crypto: SphinxCrypto, seed: Uint8Array): ExpandedKey => {
  if (seed.length !== geometry.seedBytes) throw new Bug('an X-Wing seed is 32 bytes');
  const expanded = shake256(seed, { dkLen: 96 });
  const mlKem = crypto.mlKemSecret(expanded.subarray(0, mlKemSeedBytes));
  const x25519 = crypto.x25519(expanded.subarray(mlKemSeedBytes));
  return { publicKey: concat(mlKem.publicKey, x25519.publicKey), mlKem, x25519 };
};

/** Names a mix key: hex of the first 16 bytes of SHA-256 of its public key. */
export const keyIdOf = (crypto: SphinxCrypto, publicKey: Uint8Array): string =>
  toHex(crypto.sha256(publicKey).subarray(0, 16));

const secretOf = (crypto: SphinxCrypto, parts: readonly Uint8Array[]): Uint8Array =>
  crypto.sha3(concat(...parts, label));

// Expanding a public key's matrix costs as much as an encapsulation, and the same few hops are used all day. The cache
// holds the key's bytes too, so an array whose bytes were changed is not mistaken for what it was.
const expandedPublic = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: MlKemPublic | undefined }>();

const mlKemPublicOf = (crypto: SphinxCrypto, publicKey: Uint8Array): MlKemPublic | undefined => {
  const known = expandedPublic.get(publicKey);
  if (known && equalBytes(known.bytes, publicKey)) return known.key;
  const bytes = publicKey.slice();
  const key = crypto.mlKemPublic(bytes.subarray(0, mlKemPublicBytes));
  expandedPublic.set(publicKey, { bytes, key });
  return key;
};

/** A ciphertext (1120 bytes) and the secret (32) that the owner of the key gets out of it. */
export interface Encapsulated {
  readonly ciphertext: Uint8Array;
  readonly secret: Uint8Array;
}

/**
 * Draws a fresh shared secret for the owner of a public key.
 *
 * @param publicKey 1216 bytes
 * @param eseed 64 random bytes: ML-KEM coins 32 | X25519 ephemeral secret 32
 * @returns undefined if that is no X-Wing public key: wrong length, ML-KEM modulus check, X25519 point of small order
 */
export const encapsulate = (
  crypto: SphinxCrypto,
  publicKey: Uint8Array,
  eseed: Uint8Array,
): Encapsulated | undefined => {
  if (eseed.length !== geometry.encapsulationSeedBytes) throw new Bug('an encapsulation seed is 64 bytes');
  if (publicKey.length !== geometry.publicKeyBytes) return undefined;
  const pkX = publicKey.subarray(mlKemPublicBytes);
  const ephemeral = crypto.x25519(eseed.subarray(32));
  const ssX = ephemeral.shared(pkX);
  const mlKem = mlKemPublicOf(crypto, publicKey)?.encapsulate(eseed.subarray(0, 32));
  if (!ssX || !mlKem) return undefined;
  return {
    ciphertext: concat(mlKem.ciphertext, ephemeral.publicKey),
    secret: secretOf(crypto, [mlKem.secret, ssX, ephemeral.publicKey, pkX]),
  };
};

/**
 * @param ciphertext 1120 bytes
 * @returns the shared secret, 32 bytes, which nobody else knows if the ciphertext wasn't made for this key; undefined
 * if its X25519 part is a point of small order, which no sender makes
 */
export const decapsulate = (crypto: SphinxCrypto, key: ExpandedKey, ciphertext: Uint8Array): Uint8Array | undefined => {
  const ctX = ciphertext.subarray(mlKemCiphertextBytes);
  const ssX = key.x25519.shared(ctX);
  if (!ssX) return undefined;
  const ssM = key.mlKem.decapsulate(ciphertext.subarray(0, mlKemCiphertextBytes));
  return secretOf(crypto, [ssM, ssX, ctX, key.x25519.publicKey]);
};
