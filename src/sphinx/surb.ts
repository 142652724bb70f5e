/**
 * Reply blocks: with one, somebody who doesn't know its maker makes one packet that ends at their mailbox.
 *
 * @module mixmailer/surb
 */
import { concat, fromHex } from '../base/bytes.js';
import { Bug, PacketError } from '../base/errors.js';
import { nodeIdOf, nodeIdBytes, type NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { encodeLast } from './commands.js';
import type { SphinxCrypto } from './crypto.js';
import { geometry } from './geometry.js';
import { createHeader, type Hop } from './header.js';
import { checkPayload, padPayload } from './packet.js';
import { decryptWide, encryptWide, type WideBlock } from './sprp.js';

const { headerBytes, integrityBytes, keyBytes, maxHops, payloadBytes, surbBytes } = geometry;

export interface SurbRequest {
  /** 1 to 5; the last one delivers to the mailbox. */
  readonly hops: readonly Hop[];
  /** 16 bytes, fresh: the last hop and the mailbox provider see them in clear. */
  readonly surbId: Uint8Array;
  /** Where the last hop delivers the reply: 1 to 254 printable ASCII characters. */
  readonly address: string;
  readonly rng: Rng;
}

export interface CreatedSurb {
  /**
   * To be given away, 7162 bytes: first hop id 32 | header 7098 | payload key 32. Whoever holds it can send one packet
   * that looks like any other and learns only the first hop.
   */
  readonly surb: Uint8Array;
  /** To be kept under the SURB id, secret: payload key 32 | payload key of each hop 32 * hops. */
  readonly opener: Uint8Array;
}

/**
 * A single-use reply block.
 *
 * Not protected: used twice, it makes two packets that are recognizably the same path; the first hop drops the second
 * as a replay.
 *
 * @param request `rng` is asked as for a packet of that path, then for the payload key
 * @throws Bug as `createPacket`
 *
 * Source: Sphinx (2009) section 3.4.
 */
export const createSurb = (crypto: SphinxCrypto, { hops, surbId, address, rng }: SurbRequest): CreatedSurb => {
  const { header, payloadKeys } = createHeader(
    crypto,
    { hops, lastBlock: encodeLast({ kind: 'to-mailbox', surbId, address }) },
    rng,
  );
  const firstHop = fromHex(hops[0]?.nodeId ?? '');
  if (firstHop?.length !== nodeIdBytes) throw new Bug('a node id is 64 hex digits');
  const payloadKey = rng(keyBytes);
  return { surb: concat(firstHop, header, payloadKey), opener: concat(payloadKey, ...payloadKeys) };
};

/** Whom a reply over that SURB goes to first; undefined when those bytes are none. Only hops can check the rest of it. */
export const firstHopOf = (surb: Uint8Array): NodeId | undefined =>
  surb.length === surbBytes && surb[nodeIdBytes] === geometry.version
    ? nodeIdOf(surb.subarray(0, nodeIdBytes))
    : undefined;

/**
 * The reply packet a SURB makes. Its header is its maker's and can't be checked here: a hop will.
 *
 * @param payload at most 25,638 bytes; arrives padded with zeros to that length
 * @throws PacketError `packet/bad-length` or `packet/bad-version` when those bytes are no SURB; Bug on a longer payload
 */
export const useSurb = (
  crypto: SphinxCrypto,
  surb: Uint8Array,
  payload: Uint8Array,
): { readonly firstHop: NodeId; readonly packet: Uint8Array } => {
  if (surb.length !== surbBytes) throw new PacketError('packet/bad-length');
  if (surb[nodeIdBytes] !== geometry.version) throw new PacketError('packet/bad-version');
  const header = surb.subarray(nodeIdBytes, nodeIdBytes + headerBytes);
  const block = encryptWide(crypto, surb.subarray(nodeIdBytes + headerBytes), padPayload(payload));
  return { firstHop: nodeIdOf(surb.subarray(0, nodeIdBytes)), packet: concat(header, ...block) };
};

/**
 * What the user of a SURB wrote: undoes what each hop's decryption did to it, then its encryption.
 *
 * @param opener as `createSurb` made it
 * @param payload as the last hop delivered it, 25,670 bytes
 * @returns 25,638 bytes
 * @throws PacketError `packet/bad-length`; `packet/bad-payload` when it isn't an unchanged reply to this SURB
 */
export const openSurb = (crypto: SphinxCrypto, opener: Uint8Array, payload: Uint8Array): Uint8Array => {
  const hops = opener.length / keyBytes - 1;
  if (!Number.isInteger(hops) || hops < 1 || hops > maxHops) throw new Bug('an opener holds 2 to 6 keys');
  if (payload.length !== payloadBytes) throw new PacketError('packet/bad-length');
  let block: WideBlock = [payload.subarray(0, integrityBytes), payload.subarray(integrityBytes)];
  for (let hop = hops; hop >= 1; hop--)
    block = encryptWide(crypto, opener.subarray(hop * keyBytes, (hop + 1) * keyBytes), block);
  return checkPayload(decryptWide(crypto, opener.subarray(0, keyBytes), block));
};
