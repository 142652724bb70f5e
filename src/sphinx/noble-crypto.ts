import { chacha20 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { MlKemPublic, MlKemSecret, SphinxCrypto, X25519Key } from './crypto.js';

const nonce = new Uint8Array(12);

const x25519Key = (secret: Uint8Array): X25519Key => {
  const own = secret.slice();
  return {
    publicKey: x25519.getPublicKey(own),
    shared: (publicKey) => {
      try {
        return x25519.getSharedSecret(own, publicKey);
      } catch {
        // With both lengths right the library's only objection is the all-zero secret of a small-order point.
        return undefined;
      }
    },
  };
};

const mlKemSecret = (seed: Uint8Array): MlKemSecret => {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  const prepared = ml_kem768.prepare(publicKey);
  return { publicKey, decapsulate: (ciphertext) => prepared.decapsulate(ciphertext, secretKey) };
};

const mlKemPublic = (publicKey: Uint8Array): MlKemPublic | undefined => {
  try {
    const prepared = ml_kem768.prepare(publicKey);
    return {
      encapsulate: (coins) => {
        const { cipherText, sharedSecret } = prepared.encapsulate(coins);
        return { ciphertext: cipherText, secret: sharedSecret };
      },
    };
  } catch {
    return undefined;
  }
};

/** The reference backend: audited JavaScript, no native code, runs anywhere. */
export const nobleCrypto: SphinxCrypto = {
  name: 'noble',
  sha256: (bytes) => sha256(bytes),
  sha3: (bytes) => sha3_256(bytes),
  hmac: (key, ...parts) => {
    const mac = hmac.create(sha256, key);
    for (const part of parts) mac.update(part);
    return mac.digest();
  },
  stream: (key, bytes) => chacha20(key, nonce, bytes),
  x25519: x25519Key,
  mlKemSecret,
  mlKemPublic,
};
