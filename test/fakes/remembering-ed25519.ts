import { ed25519 as usual } from '@noble/curves/ed25519.js';
import { concat } from '../../src/base/bytes.js';
import { remembered } from './remembering.js';

const keyBytes = 32;
const signatureBytes = 64;

const publicKeys = remembered((secretKey) => usual.getPublicKey(secretKey));
const signatures = remembered((known) => usual.sign(known.subarray(keyBytes), known.subarray(0, keyBytes)));
const strictly = remembered((known) => {
  const message = known.subarray(keyBytes + signatureBytes);
  return usual.verify(known.subarray(keyBytes, keyBytes + signatureBytes), message, known.subarray(0, keyBytes), {
    zip215: false,
  });
});

/**
 * The functions of Ed25519 that documents need, none of which is computed twice for the same bytes. In a story each
 * authority, node and client looks at the same signatures, and the same story is told again with one change: all that took most
 * of its time. Results and errors are those of the arithmetic itself.
 *
 * Of other lengths than keys of 32 bytes and signatures of 64 nothing is remembered.
 */
export const ed25519: Pick<typeof usual, 'getPublicKey' | 'sign' | 'verify'> = {
  getPublicKey: (secretKey) => publicKeys(secretKey).slice(),
  sign: (message, secretKey, options) =>
    options === undefined && secretKey.length === keyBytes
      ? signatures(concat(secretKey, message)).slice()
      : usual.sign(message, secretKey, options),
  verify: (signature, message, publicKey, options) =>
    options?.zip215 === false && signature.length === signatureBytes && publicKey.length === keyBytes
      ? strictly(concat(publicKey, signature, message))
      : usual.verify(signature, message, publicKey, options),
};
