import { mostOpenPgpPackets, mostOpenPgpPieces } from '../base/bounds.js';
import { readU32, toHex, u32, concat } from '../base/bytes.js';

/** Why bytes are not one encrypted OpenPGP message. */
export type NotEncrypted =
  | 'malformed packet'
  | 'no session key for anybody'
  | 'session key of an unknown version'
  | 'session key of another version than the data'
  | 'encrypted without integrity protection'
  | 'encrypted data of an unknown version'
  | 'encrypted data that is not last'
  | 'no encrypted data'
  | 'other OpenPGP data'
  | 'too many packets';

/** One packet of an OpenPGP message, whatever way its length was written. */
export interface OpenPgpPacket {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** An encrypted OpenPGP message taken apart. */
export interface EncryptedMessage {
  readonly kind: 'encrypted';
  /** PKESK and SKESK packets, in order. */
  readonly sessionKeys: readonly OpenPgpPacket[];
  readonly data: OpenPgpPacket;
}

export type OpenPgpResult = EncryptedMessage | { readonly kind: 'refused'; readonly reason: NotEncrypted };

/** Whether the key ids of the receivers stay readable in the delivered mail. */
export type KeyIds = 'hide' | 'keep';

/** By what session keys name the keys of somebody: key ids and fingerprints, in hex. */
export type KeyNames = ReadonlySet<string>;

const pkeskTag = 1;
const skeskTag = 3;
const unprotectedTag = 9;
const markerTag = 10;
const seipdTag = 18;
const paddingTag = 21;
// SEIPD 1: version 1, then a block and two bytes, MDC 22. SEIPD 2: version, cipher, AEAD, chunk size, salt 32, last tag 16.
const leastSeipd1Bytes = 1 + 18 + 22;
const leastSeipd2Bytes = 4 + 32 + 16;
const keyIdBytes = 8;

interface Length {
  /** Where the body, or this piece of it, begins. */
  readonly from: number;
  readonly length: number;
  readonly partial: boolean;
}

/** RFC 9580 section 4.2.1. */
const newFormatLength = (bytes: Uint8Array, at: number): Length | undefined => {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 192) return { from: at + 1, length: first, partial: false };
  if (first < 224) return { from: at + 2, length: ((first - 192) << 8) + (bytes[at + 1] ?? 0) + 192, partial: false };
  if (first < 255) return { from: at + 1, length: 2 ** (first & 31), partial: true };
  return { from: at + 5, length: readU32(bytes, at + 1), partial: false };
};

/** RFC 9580 section 4.2.2. A packet of indeterminate length is refused: nothing else than the end of file ends it. */
const oldFormatLength = (bytes: Uint8Array, at: number, lengthType: number): Length | undefined => {
  if (lengthType === 3) return undefined;
  const octets = 2 ** lengthType;
  let length = 0;
  for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at + i] ?? 0);
  return { from: at + octets, length, partial: false };
};

/** The packet at `at` and where the next begins; undefined if it is damaged or goes beyond the end. */
export const readPacket = (bytes: Uint8Array, at: number): { packet: OpenPgpPacket; next: number } | undefined => {
  const first = bytes[at] ?? 0;
  if ((first & 0x80) === 0) return undefined;
  const isNew = (first & 0x40) !== 0;
  const tag = isNew ? first & 63 : (first >> 2) & 15;
  const pieces: Uint8Array[] = [];
  let length = isNew ? newFormatLength(bytes, at + 1) : oldFormatLength(bytes, at + 1, first & 3);
  for (;;) {
    if (length === undefined || length.from + length.length > bytes.length) return undefined;
    const end = length.from + length.length;
    pieces.push(bytes.subarray(length.from, end));
    if (pieces.length > mostOpenPgpPieces) return undefined;
    if (!length.partial) return { packet: { tag, body: concat(...pieces) }, next: end };
    // Only data packets may come in pieces, and the first piece has at least 512 bytes (RFC 9580 section 4.2.1.4).
    if (tag !== seipdTag || (pieces[0]?.length ?? 0) < 512) return undefined;
    length = newFormatLength(bytes, end);
  }
};

/** The SEIPD version (1 or 2) that goes with this session key packet; undefined if this reader knows none. */
const dataVersionFor = (packet: OpenPgpPacket): 1 | 2 | undefined => {
  const version = packet.body[0];
  if (packet.tag === pkeskTag) {
    if (version === 3) return packet.body.length > 1 + keyIdBytes + 1 ? 1 : undefined;
    if (version !== 6) return undefined;
    const idBytes = packet.body[1] ?? 255;
    // Empty, or key version and fingerprint of a version 4 key (20 bytes) or a version 6 key (32).
    return [0, 21, 33].includes(idBytes) && packet.body.length > 2 + idBytes + 1 ? 2 : undefined;
  }
  if (packet.body.length < 4) return undefined;
  return version === 4 ? 1 : version === 6 ? 2 : undefined;
};

const refuse = (reason: NotEncrypted): OpenPgpResult => ({ kind: 'refused', reason });

const isMarker = (body: Uint8Array): boolean =>
  body.length === 3 && body[0] === 0x50 && body[1] === 0x47 && body[2] === 0x50;

/**
 * Takes an encrypted OpenPGP message apart, or says why it is none:
 *
 *   message = (PKESK | SKESK) 1 or more, SEIPD of version 1 or 2 that ends at the last byte; 200 packets at most
 *
 * Session keys must be of the version that goes with the data (3 and 4 with 1, 6 with 2). Marker and padding packets
 * may stand anywhere and are left out of the result. Everything else is refused: signatures and literal data are not
 * encrypted, tag 9 has no integrity protection, tag 20 (GnuPG's own container) is not in RFC 9580.
 *
 * Not protected: a liar can put readable text where the ciphertext belongs; nobody without the key can tell.
 *
 * Source: RFC 9580 sections 4.2, 5.1, 5.3, 5.8, 5.13, 5.14, 10.3.
 */
export const readEncrypted = (binary: Uint8Array): OpenPgpResult => {
  const sessionKeys: OpenPgpPacket[] = [];
  let data: OpenPgpPacket | undefined;
  for (let at = 0, count = 1; at < binary.length; count++) {
    if (count > mostOpenPgpPackets) return refuse('too many packets');
    const read = readPacket(binary, at);
    if (read === undefined) return refuse('malformed packet');
    at = read.next;
    const { packet } = read;
    if (packet.tag === markerTag ? isMarker(packet.body) : packet.tag === paddingTag) continue;
    if (data !== undefined) return refuse('encrypted data that is not last');
    if (packet.tag === seipdTag) data = packet;
    else if (packet.tag === pkeskTag || packet.tag === skeskTag) sessionKeys.push(packet);
    else return refuse(packet.tag === unprotectedTag ? 'encrypted without integrity protection' : 'other OpenPGP data');
  }
  if (data === undefined) return refuse('no encrypted data');
  if (sessionKeys.length === 0) return refuse('no session key for anybody');
  const version = data.body[0];
  if (version !== 1 && version !== 2) return refuse('encrypted data of an unknown version');
  if (data.body.length < (version === 1 ? leastSeipd1Bytes : leastSeipd2Bytes)) return refuse('malformed packet');
  const versions = sessionKeys.map(dataVersionFor);
  if (versions.includes(undefined)) return refuse('session key of an unknown version');
  if (!versions.every((of) => of === version)) return refuse('session key of another version than the data');
  return { kind: 'encrypted', sessionKeys, data };
};

/** Undefined if the bytes are one encrypted OpenPGP message, else why not; see `readEncrypted`. */
export const checkEncrypted = (binary: Uint8Array): NotEncrypted | undefined => {
  const result = readEncrypted(binary);
  return result.kind === 'refused' ? result.reason : undefined;
};

const newFormatLengthBytes = (length: number): Uint8Array => {
  if (length < 192) return Uint8Array.of(length);
  if (length < 8384) return Uint8Array.of(((length - 192) >> 8) + 192, (length - 192) & 255);
  return concat(Uint8Array.of(255), u32(length));
};

const writePacket = (packet: OpenPgpPacket): Uint8Array =>
  concat(Uint8Array.of(0xc0 | packet.tag), newFormatLengthBytes(packet.body.length), packet.body);

/**
 * A session key packet that doesn't name its key:
 *
 *   PKESK 3 = 3 | key id 8, zero | algorithm 1 | ...
 *   PKESK 6 = 6 | length of what names the key 1, zero | algorithm 1 | ...
 *
 * What it encrypts stays valid: the key derivation of ECDH takes the fingerprint from the receiver's key, not from
 * this packet (RFC 9580 section 11.5), and X25519, X448, RSA and Elgamal take none.
 */
const anonymous = (packet: OpenPgpPacket): OpenPgpPacket => {
  const { tag, body } = packet;
  if (tag !== pkeskTag) return packet;
  const rest = body[0] === 3 ? body.subarray(1 + keyIdBytes) : body.subarray(2 + (body[1] ?? 0));
  const nobody = body[0] === 3 ? Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0) : Uint8Array.of(6, 0);
  return { tag, body: concat(nobody, rest) };
};

/** What names the key in a session key packet: its key id, or its fingerprint; empty if nothing does. */
const keyNameIn = ({ tag, body }: OpenPgpPacket): string => {
  if (tag !== pkeskTag) return '';
  return toHex(body[0] === 3 ? body.subarray(1, 1 + keyIdBytes) : body.subarray(3, 2 + (body[1] ?? 0)));
};

/**
 * The same message in canonical form: new-format packets of definite length, no marker or padding packets, so that
 * the way lengths were written doesn't tell the sender's program. With 'hide' no session key names its key any more:
 * programs encrypt to the sender too, and that key id would name the sender to everyone who sees the delivered mail.
 * A receiver's program then tries each of its secret keys (RFC 9580 section 5.1.8), as GnuPG, Sequoia and with it the
 * pEp engine, RNP and OpenPGP.js do.
 *
 * Session keys for the sender's own keys are left out, where it is known which these are. A message to nobody else keeps
 * them, without names.
 *
 * Not protected: how many keys the message is encrypted to, and their algorithms.
 */
export const canonicalOpenPgp = (message: EncryptedMessage, keyIds: KeyIds, own: KeyNames = new Set()): Uint8Array => {
  const others = message.sessionKeys.filter((packet) => !own.has(keyNameIn(packet)));
  const [kept, naming] = others.length > 0 ? ([others, keyIds] as const) : ([message.sessionKeys, 'hide'] as const);
  return concat(
    ...kept.map((packet) => writePacket(naming === 'hide' ? anonymous(packet) : packet)),
    writePacket(message.data),
  );
};
