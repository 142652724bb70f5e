import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { native } from './world.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anyBytes = fc.uint8Array({ maxLength: 3000 });

/** Both backends give the same for everything the generator makes. */
const same = <T>(inputs: fc.Arbitrary<T>, call: (crypto: SphinxCrypto, input: T) => unknown, numRuns: number): void =>
  fc.assert(
    fc.property(inputs, (input) => {
      expect(call(native, input)).toEqual(call(nobleCrypto, input));
    }),
    { numRuns },
  );

describe('the native backend gives the bytes of the reference', () => {
  test('and is the native one', () => {
    expect(native.name).toBe('node');
  });

  test('SHA-256', () => same(anyBytes, ({ sha256 }, bytes) => sha256(bytes), 100));
  test('SHA3-256', () => same(anyBytes, ({ sha3 }, bytes) => sha3(bytes), 100));
  test('HMAC', () =>
    same(
      fc.tuple(fc.uint8Array({ maxLength: 64 }), fc.array(anyBytes, { maxLength: 4 })),
      ({ hmac }, [hmacKey, parts]) => hmac(hmacKey, ...parts),
      100,
    ));
  test('ChaCha20', () =>
    same(fc.tuple(key, anyBytes), ({ stream }, [streamKey, bytes]) => stream(streamKey, bytes), 100));
  test('ChaCha20 over a whole payload', () =>
    same(key, ({ stream }, streamKey) => stream(streamKey, new Uint8Array(25_638)), 3));
  test('X25519', () =>
    same(
      fc.tuple(key, key),
      ({ x25519 }, [secret, other]) => [x25519(secret).publicKey, x25519(secret).shared(other)],
      15,
    ));
  test('ML-KEM-768: key, right ciphertexts and wrong ones', () =>
    same(
      fc.tuple(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        key,
        fc.uint8Array({ minLength: 1088, maxLength: 1088 }),
      ),
      ({ mlKemSecret, mlKemPublic }, [seed, coins, wrong]) => {
        const secret = mlKemSecret(seed);
        const sealed = mlKemPublic(secret.publicKey)?.encapsulate(coins);
        return [secret.publicKey, sealed, sealed && secret.decapsulate(sealed.ciphertext), secret.decapsulate(wrong)];
      },
      8,
    ));
});

test('no function of either backend hands out a Buffer or a view of its argument', () => {
  for (const crypto of [nobleCrypto, native]) {
    const argument = new Uint8Array(64).fill(5);
    const key32 = argument.subarray(0, 32);
    const results = [
      crypto.sha256(argument),
      crypto.sha3(argument),
      crypto.hmac(key32, argument),
      crypto.stream(key32, argument),
      crypto.x25519(key32).publicKey,
      crypto.x25519(key32).shared(key32) ?? argument,
    ];
    for (const result of results) {
      expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
      expect(result.buffer).not.toBe(argument.buffer);
    }
    expect(argument).toEqual(new Uint8Array(64).fill(5));
  }
});
