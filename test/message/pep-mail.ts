import * as openpgp from 'openpgp';
import { ascii } from '../../src/base/bytes.js';

export interface Person {
  readonly address: string;
  readonly secret: openpgp.PrivateKey;
  readonly public: openpgp.PublicKey;
}

/** A throw-away key: Curve25519 of version 4 as pEp makes them, or of version 6 (RFC 9580). */
export const personOf = async (address: string, version: 4 | 6 = 4): Promise<Person> => {
  const { privateKey, publicKey } = await openpgp.generateKey({
    userIDs: [{ email: address }],
    type: version === 4 ? 'ecc' : 'curve25519',
    format: 'object',
    ...(version === 6 ? { config: { v6Keys: true, aeadProtect: true } } : {}),
  });
  return { address, secret: privateKey, public: publicKey };
};

const encryptOptions = async (text: string, from: Person, to: Person) => ({
  message: await openpgp.createMessage({ text }),
  encryptionKeys: [to.public, from.public],
  signingKeys: from.secret,
  config: { aeadProtect: true },
});

/** Signed, encrypted to receiver and sender, armored as programs write it. */
export const encryptArmored = async (text: string, from: Person, to: Person): Promise<string> =>
  (await openpgp.encrypt({ ...(await encryptOptions(text, from, to)), format: 'armored' })) as string;

export const encryptBinary = async (text: string, from: Person, to: Person): Promise<Uint8Array> =>
  (await openpgp.encrypt({ ...(await encryptOptions(text, from, to)), format: 'binary' })) as Uint8Array;

/** The text inside, verified against the sender's key. */
export const decryptBinary = async (binary: Uint8Array, from: Person, to: Person): Promise<string> => {
  // The package's types lean on a stream package that isn't there; these are the two fields asked for.
  const { data, signatures } = (await openpgp.decrypt({
    message: await openpgp.readMessage({ binaryMessage: binary }),
    decryptionKeys: to.secret,
    verificationKeys: from.public,
  })) as { readonly data: string; readonly signatures: readonly { readonly verified: Promise<boolean> }[] };
  if (!(await signatures[0]?.verified)) throw new Error('the signature does not hold');
  return data;
};

/** The two parts of RFC 3156 between boundary lines, without headers of the whole. */
export const pgpMimeParts = (armored: string, boundary: string): string =>
  `--${boundary}
Content-Type: application/pgp-encrypted

Version: 1
--${boundary}
Content-Type: application/octet-stream
Content-Disposition: inline; filename="msg.asc"

${armored}
`;

/** A mail's bytes, from text with LF or CRLF ends. */
export const mailOf = (text: string): Uint8Array => ascii(text.replace(/\r?\n/g, '\r\n'));
