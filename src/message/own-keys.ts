import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { ascii, concat, indexOfBytes, toHex, u32 } from '../base/bytes.js';
import { dearmorKeys } from './armor.js';
import { type KeyNames, type OpenPgpPacket, readPacket } from './openpgp.js';

/** Why a file is not one of public keys. */
export type NotKeys = 'no public key' | 'a secret key' | 'a damaged key' | 'a key of an unknown version';

export type KeysResult =
  { readonly kind: 'keys'; readonly names: KeyNames } | { readonly kind: 'refused'; readonly reason: NotKeys };

const secretTags = [5, 7];
const publicTags = [6, 14];
const keyIdBytes = 8;

/** Key id and fingerprint, in hex; undefined for other versions than 4 and 6. Source: RFC 9580 section 5.5.4. */
const namesOf = ({ body }: OpenPgpPacket): readonly [id: string, fingerprint: string] | undefined => {
  const version = body[0];
  if (version === 4) {
    const fingerprint = sha1(concat(Uint8Array.of(0x99, body.length >> 8, body.length & 255), body));
    return [toHex(fingerprint.subarray(-keyIdBytes)), toHex(fingerprint)];
  }
  if (version !== 6) return undefined;
  const fingerprint = sha256(concat(Uint8Array.of(0x9b), u32(body.length), body));
  return [toHex(fingerprint.subarray(0, keyIdBytes)), toHex(fingerprint)];
};

const namesIn = (binary: Uint8Array): NotKeys | readonly string[] => {
  const names: string[] = [];
  for (let at = 0; at < binary.length;) {
    const read = readPacket(binary, at);
    if (read === undefined) return 'a damaged key';
    at = read.next;
    if (secretTags.includes(read.packet.tag)) return 'a secret key';
    if (!publicTags.includes(read.packet.tag)) continue;
    const found = namesOf(read.packet);
    if (found === undefined) return 'a key of an unknown version';
    names.push(...found);
  }
  return names;
};

/**
 * What session keys for these keys name them by: of each key and each of its subkeys key id and fingerprint.
 *
 * @param file public keys as OpenPGP programs export them, armored (any number of blocks) or not
 */
export const readOwnKeys = (file: Uint8Array, base64: Base64): KeysResult => {
  const refuse = (reason: NotKeys): KeysResult => ({ kind: 'refused', reason });
  if (indexOfBytes(file, ascii('-----BEGIN PGP PRIVATE KEY BLOCK-----'), 0) >= 0) return refuse('a secret key');
  const isArmored = indexOfBytes(file, ascii('-----BEGIN PGP '), 0) >= 0;
  const binaries = isArmored ? dearmorKeys(file, base64) : [file];
  if (binaries === undefined) return refuse('a damaged key');
  const names = new Set<string>();
  for (const binary of binaries) {
    const found = namesIn(binary);
    if (typeof found === 'string') return refuse(found);
    for (const name of found) names.add(name);
  }
  return names.size === 0 ? refuse('no public key') : { kind: 'keys', names };
};
