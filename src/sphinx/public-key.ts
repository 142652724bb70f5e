import { geometry } from './geometry.js';

/**
 *   X-Wing public key 1216 = ML-KEM-768 public key 1184 (1152 bytes of 12-bit numbers, 32 bytes seed) | X25519 32
 */
const encodedNumbersBytes = 1152;
const mlKemPublicKeyBytes = 1184;
const mlKemModulus = 3329;

// Coordinates of the curve's points of small order, little-endian: with one of these every shared secret is the same.
// RFC 7748 section 6.1; the values are those of libsodium's blocklist, p - 1, p and p + 1 among them.
const smallOrder: readonly (readonly number[])[] = [
  [...Array<number>(32).fill(0)],
  [1, ...Array<number>(31).fill(0)],
  [
    0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d,
    0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
  ],
  [
    0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c,
    0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
  ],
  [0xec, ...Array<number>(30).fill(0xff), 0x7f],
  [0xed, ...Array<number>(30).fill(0xff), 0x7f],
  [0xee, ...Array<number>(30).fill(0xff), 0x7f],
];

/**
 * Whether a sender can encapsulate to that key. A node that publishes another must be told here, not stop the sender
 * in the middle of a mail.
 *
 * Source: FIPS 203 section 7.2 (modulus check), RFC 7748 section 6.1 (small order).
 */
export const isPublicKey = (bytes: Uint8Array): boolean => {
  if (bytes.length !== geometry.publicKeyBytes) return false;
  for (let i = 0; i < encodedNumbersBytes; i += 3) {
    const [a, b, c] = [bytes[i] ?? 0, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0];
    if ((a | ((b & 15) << 8)) >= mlKemModulus || ((b >> 4) | (c << 4)) >= mlKemModulus) return false;
  }
  const point = bytes.slice(mlKemPublicKeyBytes);
  point[31] = (point[31] ?? 0) & 0x7f; // X25519 ignores the highest bit
  return !smallOrder.some((one) => one.every((byte, i) => point[i] === byte));
};
