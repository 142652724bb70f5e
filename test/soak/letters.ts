import { createHash } from 'node:crypto';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { concat } from '../../src/base/bytes.js';
import type { Rng } from '../../src/base/random.js';
import { toHex } from '../../src/base/bytes.js';
import { armor, dearmor } from '../../src/message/armor.js';
import { readEncrypted } from '../../src/message/openpgp.js';

/** A mail as a mail program hands it in, and how it is known again. */
export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly raw: string;
  /** Of the encrypted data, which nothing on its way may change. */
  readonly digest: string;
  /** Message-ID, angle brackets included. */
  readonly messageId: string;
}

const digestOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex').slice(0, 32);

/** New-format packet with a length of five bytes (RFC 9580 section 4.2.1.4). */
const packet = (tag: number, body: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(6);
  head[0] = 0xc0 | tag;
  head[1] = 255;
  head.writeUInt32BE(body.length, 2);
  return concat(head, body);
};

/** A letter of about that many encrypted bytes. What is in it nobody can read: noise takes the place of the ciphertext. */
export const writeLetter = (from: string, to: string, bytes: number, rng: Rng): Letter => {
  const sessionKey = packet(1, concat(Uint8Array.of(3), rng(8), Uint8Array.of(18), rng(96)));
  const data = concat(Uint8Array.of(1), rng(Math.max(64, bytes)));
  const armored = Buffer.from(armor(concat(sessionKey, packet(18, data)), nodeBase64)).toString('latin1');
  const id = toHex(rng(16));
  const messageId = `<${id}@program.test>`;
  const raw = [
    `From: <${from}>`,
    `To: <${to}>`,
    'Subject: ...',
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b${id}"`,
    '',
    `--b${id}`,
    'Content-Type: application/pgp-encrypted',
    '',
    'Version: 1',
    `--b${id}`,
    'Content-Type: application/octet-stream',
    '',
    armored.trimEnd(),
    `--b${id}--`,
    '',
  ].join('\r\n');
  return { from, to, raw, digest: digestOf(data), messageId };
};

/** The digest of the encrypted data in a delivered mail; undefined if there is none. */
export const digestIn = (raw: Uint8Array): string | undefined => {
  const binary = dearmor(raw, nodeBase64)?.binary;
  const message = binary && readEncrypted(binary);
  return message?.kind === 'encrypted' ? digestOf(message.data.body) : undefined;
};
