/**
 * The arithmetic a packet is made of. Two backends give the same bytes: noble-crypto (the reference, runs anywhere) and
 * adapters/node-crypto (fast). Formats, key schedule and LIONESS are written once on top of this.
 *
 * Lengths are the caller's duty: kem, keys and sprp pass exactly the lengths named here. No function modifies its
 * arguments or returns a view of them.
 */
export interface SphinxCrypto {
  readonly name: 'noble' | 'node';
  /** SHA-256, 32 bytes. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** SHA3-256, 32 bytes. */
  readonly sha3: (bytes: Uint8Array) => Uint8Array;
  /** HMAC-SHA-256 over the parts, one after the other: 32 bytes. */
  readonly hmac: (key: Uint8Array, ...parts: readonly Uint8Array[]) => Uint8Array;
  /**
   * `bytes` XOR the ChaCha20 key stream (RFC 8439), block counter from 0, nonce all zero. The nonce never changes, so
   * a key must never meet two byte strings: every caller says why its key is used once.
   *
   * @param key 32 bytes
   */
  readonly stream: (key: Uint8Array, bytes: Uint8Array) => Uint8Array;
  /** @param secret 32 bytes */
  readonly x25519: (secret: Uint8Array) => X25519Key;
  /** ML-KEM-768 key generation. @param seed `d | z`, 64 bytes (FIPS 203 algorithm 16) */
  readonly mlKemSecret: (seed: Uint8Array) => MlKemSecret;
  /** @param publicKey 1184 bytes @returns undefined if it fails the modulus check of FIPS 203 section 7.2 */
  readonly mlKemPublic: (publicKey: Uint8Array) => MlKemPublic | undefined;
}

/** An X25519 secret key (RFC 7748), made ready for use. */
export interface X25519Key {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The shared secret, 32 bytes, or undefined if it is all zero (the other side sent a point of small order). */
  readonly shared: (publicKey: Uint8Array) => Uint8Array | undefined;
}

/** An ML-KEM-768 secret key, expanded: expanding costs more than ten decapsulations. */
export interface MlKemSecret {
  /** 1184 bytes. */
  readonly publicKey: Uint8Array;
  /** Never fails: a wrong ciphertext (1088 bytes) gives a secret nobody knows (implicit rejection). */
  readonly decapsulate: (ciphertext: Uint8Array) => Uint8Array;
}

/** An ML-KEM-768 public key, its matrix expanded. */
export interface MlKemPublic {
  /** Deterministic. @param coins 32 uniformly random bytes, never used twice */
  readonly encapsulate: (coins: Uint8Array) => { readonly ciphertext: Uint8Array; readonly secret: Uint8Array };
}
