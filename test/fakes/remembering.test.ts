import { ed25519 as usual } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { ascii } from '../../src/base/bytes.js';
import { seededRng } from '../../src/base/random.js';
import { decapsulate, encapsulate, expandKey } from '../../src/sphinx/kem.js';
import { ed25519 } from './remembering-ed25519.js';
import { thriftyCrypto } from './remembering.js';

const rng = seededRng(new Uint8Array(32).fill(7));
const strict = { zip215: false } as const;

describe('signatures that are remembered', () => {
  const secretKey = rng(32);
  const [text, other] = [ascii('text'), ascii('texT')];
  const publicKey = usual.getPublicKey(secretKey);
  const signature = usual.sign(text, secretKey);

  it('are those of the arithmetic, at the first time and later, whatever became of the first result', () => {
    for (let time = 0; time < 3; time++) {
      const [key, signed] = [ed25519.getPublicKey(secretKey), ed25519.sign(text, secretKey)];
      expect([key, signed]).toEqual([publicKey, signature]);
      signed.fill(0);
      key.fill(0);
    }
    expect(ed25519.sign(other, secretKey)).toEqual(usual.sign(other, secretKey));
  });

  it('fit what was signed and nothing else, in whatever order they are asked about', () => {
    const forged = signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
    const stranger = usual.getPublicKey(rng(32));
    for (let time = 0; time < 2; time++) {
      expect(ed25519.verify(forged, text, publicKey, strict)).toBe(false);
      expect(ed25519.verify(signature, text, publicKey, strict)).toBe(true);
      expect(ed25519.verify(signature, other, publicKey, strict)).toBe(false);
      expect(ed25519.verify(signature, text, stranger, strict)).toBe(false);
    }
  });

  it('are refused where the arithmetic refuses: another length, no point of the curve', () => {
    const outcome = (verify: typeof usual.verify, of: Uint8Array, by: Uint8Array): unknown => {
      try {
        return verify(of, text, by, strict);
      } catch {
        return 'refused';
      }
    };
    const odd = [
      [signature.subarray(1), publicKey],
      [signature, publicKey.subarray(1)],
      [signature, new Uint8Array(32).fill(255)],
      // Small order: what ZIP 215 would let in.
      [signature, Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))],
    ] as const;
    for (const [of, by] of odd)
      for (let time = 0; time < 2; time++)
        expect(outcome(ed25519.verify, of, by)).toEqual(outcome(usual.verify, of, by));
  });
});

describe('an arithmetic with one ML-KEM encapsulation to each key', () => {
  it('agrees with the usual one on every secret, none of which comes twice', () => {
    const usualCrypto = chooseCrypto();
    const crypto = thriftyCrypto(usualCrypto);
    const seed = rng(32);
    const [key, usualKey] = [expandKey(crypto, seed), expandKey(usualCrypto, seed)];
    const secrets = Array.from({ length: 3 }, () => {
      const made = encapsulate(crypto, key.publicKey, rng(64)) ?? expect.fail('a good key');
      expect(decapsulate(crypto, key, made.ciphertext)).toEqual(made.secret);
      expect(decapsulate(usualCrypto, usualKey, made.ciphertext)).toEqual(made.secret);
      const changed = made.ciphertext.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
      expect(decapsulate(crypto, key, changed)).toEqual(decapsulate(usualCrypto, usualKey, changed));
      return Buffer.from(made.secret).toString('hex');
    });
    expect(new Set(secrets).size).toBe(3);
  });
});
