/**
 * The primitives that packets need: from `node:crypto` where it has them, else from @noble, with equal bytes.
 *
 * @module mixmailer/crypto
 */
import * as native from 'node:crypto';
import { concat, equalBytes } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { MlKemSecret, SphinxCrypto, X25519Key } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import { nobleCrypto } from '../sphinx/noble-crypto.js';

export type { MlKemPublic, MlKemSecret, SphinxCrypto, X25519Key } from '../sphinx/crypto.js';

// Where a Buffer would leave this file it leaves as the plain Uint8Array it is a view of.
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);

// OpenSSL's `chacha20` takes counter 4 | nonce 12.
const counterAndNonce = new Uint8Array(16);

// On Node 24 a cipher or HMAC given a raw key costs 10 us more than one given a KeyObject.
const keyObject = (key: Uint8Array): native.KeyObject => native.createSecretKey(key);

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');

const x25519Pkcs8 = Uint8Array.from(Buffer.from('302e020100300506032b656e04220420', 'hex'));

const fromPkcs8 = (prefix: Uint8Array, secret: Uint8Array): native.KeyObject =>
  native.createPrivateKey({ key: Buffer.from(concat(prefix, secret)), format: 'der', type: 'pkcs8' });

// JWK wants the public key too. Before Node 26 it isn't looked at, which spares computing it, and on Node 20 a JWK
// costs 0.03 ms against 0.35 ms for PKCS8.
const anyPublicKey = base64url(new Uint8Array(32).fill(9));
const fromJwk = (secret: Uint8Array): native.KeyObject =>
  native.createPrivateKey({
    key: { kty: 'OKP', crv: 'X25519', x: anyPublicKey, d: base64url(secret) },
    format: 'jwk',
  });

const rawPublicKey = (key: native.KeyObject): Uint8Array =>
  Uint8Array.from(Buffer.from(native.createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url'));

type Import = (secret: Uint8Array) => native.KeyObject;

const x25519With =
  (importSecret: Import) =>
  (secret: Uint8Array): X25519Key => {
    const privateKey = importSecret(secret);
    return {
      publicKey: rawPublicKey(privateKey),
      shared: (publicKey) => {
        const other = native.createPublicKey({
          key: { kty: 'OKP', crv: 'X25519', x: base64url(publicKey) },
          format: 'jwk',
        });
        try {
          return plain(native.diffieHellman({ privateKey, publicKey: other }));
        } catch {
          // OpenSSL refuses to give the all-zero secret of a small-order point, and nothing else fails here.
          return undefined;
        }
      },
    };
  };

// Node 24.7 and later; not in the type declarations of the oldest Node supported.
type Decapsulate = (key: native.KeyObject, ciphertext: Uint8Array) => Buffer;
const nativeDecapsulate = (native as unknown as { readonly decapsulate?: Decapsulate }).decapsulate;

// PrivateKeyInfo { 0, id-alg-ml-kem-768, [0] seed 64 }: RFC 9935's seed form.
const mlKemPkcs8 = Uint8Array.from(Buffer.from('3054020100300b060960864801650304040204428040', 'hex'));

const nativeMlKemSecret =
  (decapsulate: Decapsulate) =>
  (seed: Uint8Array): MlKemSecret => {
    const key = fromPkcs8(mlKemPkcs8, seed);
    const { publicKey } = nobleCrypto.mlKemSecret(seed);
    return { publicKey, decapsulate: (ciphertext) => plain(decapsulate(key, ciphertext)) };
  };

// HMAC (RFC 2104) over one-shot hashes in place of `createHmac`: a hop makes eight, and two native objects each, key and
// HMAC, cost more than the short messages they hash, most of it in garbage collection.
const hashBlockBytes = 64;
const inner = new Uint8Array(hashBlockBytes + geometry.packetBytes);
const outer = new Uint8Array(hashBlockBytes + 32);

const hmacSha256 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => {
  if (key.length > hashBlockBytes) throw new Bug('an HMAC key here is at most 64 bytes');
  inner.fill(0x36, 0, hashBlockBytes);
  outer.fill(0x5c, 0, hashBlockBytes);
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  let end = hashBlockBytes;
  for (const part of parts) {
    inner.set(part, end);
    end += part.length;
  }
  outer.set(native.hash('sha256', inner.subarray(0, end), 'buffer'), hashBlockBytes);
  return plain(native.hash('sha256', outer, 'buffer'));
};

const fast: Omit<SphinxCrypto, 'x25519' | 'mlKemSecret'> = {
  name: 'node',
  sha256: (bytes) => plain(native.hash('sha256', bytes, 'buffer')),
  sha3: (bytes) => plain(native.hash('sha3-256', bytes, 'buffer')),
  hmac: hmacSha256,
  stream: (key, bytes) => plain(native.createCipheriv('chacha20', keyObject(key), counterAndNonce).update(bytes)),
  // Encapsulation takes its coins from the caller; node:crypto has no such call.
  mlKemPublic: nobleCrypto.mlKemPublic,
};

/** Whether a candidate gives what the reference gives; one that throws doesn't. */
const agrees = (candidate: () => readonly Uint8Array[], reference: readonly Uint8Array[]): boolean => {
  try {
    const found = candidate();
    return reference.every((bytes, i) => equalBytes(bytes, found[i] ?? new Uint8Array(0)));
  } catch {
    return false;
  }
};

const pattern = (lengthBytes: number): Uint8Array =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => (7 * i + 3) & 255);

const hashAnswers = (crypto: Pick<SphinxCrypto, 'sha256' | 'sha3' | 'hmac' | 'stream'>): readonly Uint8Array[] => [
  crypto.sha256(pattern(100)),
  crypto.sha3(pattern(200)),
  crypto.hmac(pattern(32), pattern(100), pattern(3)),
  crypto.stream(pattern(32), pattern(200)),
];

const x25519Answers = (x25519: SphinxCrypto['x25519']): readonly Uint8Array[] => {
  const key = x25519(pattern(32));
  const smallOrder = new Uint8Array(32);
  return [
    key.publicKey,
    key.shared(pattern(32)) ?? new Uint8Array(0),
    Uint8Array.of(key.shared(smallOrder) === undefined ? 1 : 0),
  ];
};

const mlKemAnswers = (mlKemSecret: SphinxCrypto['mlKemSecret']): readonly Uint8Array[] => {
  const key = mlKemSecret(pattern(64));
  const right = nobleCrypto.mlKemPublic(key.publicKey)?.encapsulate(pattern(32)).ciphertext ?? pattern(1088);
  return [key.publicKey, key.decapsulate(right), key.decapsulate(pattern(1088))];
};

/**
 * The fast backend, or the reference one if the running Node doesn't have what it takes or gives other answers.
 * Native ML-KEM is used where the running Node has it (24.7 and later), the reference one elsewhere.
 */
export const nodeCrypto = (): SphinxCrypto => {
  if (!agrees(() => hashAnswers(fast), hashAnswers(nobleCrypto))) return nobleCrypto;

  const x25519Reference = x25519Answers(nobleCrypto.x25519);
  const x25519 = [fromJwk, (secret: Uint8Array) => fromPkcs8(x25519Pkcs8, secret)]
    .map(x25519With)
    .find((candidate) => agrees(() => x25519Answers(candidate), x25519Reference));
  if (!x25519) return nobleCrypto;

  const candidate = nativeDecapsulate && nativeMlKemSecret(nativeDecapsulate);
  const mlKemSecret =
    candidate && agrees(() => mlKemAnswers(candidate), mlKemAnswers(nobleCrypto.mlKemSecret))
      ? candidate
      : nobleCrypto.mlKemSecret;
  return { ...fast, x25519, mlKemSecret };
};

/** The backend to use on this machine. */
export const chooseCrypto = nodeCrypto;
