import { createHash } from 'node:crypto';
import type { MlKemSecret, SphinxCrypto } from '../../src/sphinx/crypto.js';

/** What the function gave for those bytes before, or gives now. */
export const remembered = <T>(compute: (bytes: Uint8Array) => T): ((bytes: Uint8Array) => T) => {
  const known = new Map<string, T>();
  return (bytes) => {
    const name = createHash('sha256').update(bytes).digest('base64');
    if (!known.has(name)) known.set(name, compute(bytes));
    return known.get(name) as T;
  };
};

/**
 * The same arithmetic, in which ML-KEM is never computed twice for the same bytes. For a story that is told again and
 * again with one change: until then all its packets are the same.
 */
export const rememberingCrypto = (crypto: SphinxCrypto): SphinxCrypto => ({
  ...crypto,
  mlKemSecret: remembered((seed): MlKemSecret => {
    const { publicKey, decapsulate } = crypto.mlKemSecret(seed);
    return { publicKey, decapsulate: remembered(decapsulate) };
  }),
  mlKemPublic: remembered((publicKey) => {
    const key = crypto.mlKemPublic(publicKey);
    return key && { encapsulate: remembered(key.encapsulate) };
  }),
});

const sameCoins = new Uint8Array(32);

/**
 * The same arithmetic, in which only one ML-KEM encapsulation is ever made to each key; the X25519 half of every packet is
 * its own, and with it every secret, key and tag. For stories of many packets in which nobody compares ciphertexts:
 * ML-KEM takes most of the time that a packet takes.
 */
export const thriftyCrypto = (crypto: SphinxCrypto): SphinxCrypto => {
  const remembering = rememberingCrypto(crypto);
  return {
    ...remembering,
    mlKemPublic: (publicKey) => {
      const key = remembering.mlKemPublic(publicKey);
      return key && { encapsulate: () => key.encapsulate(sameCoins) };
    },
  };
};
