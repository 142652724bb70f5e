import { concat } from '../base/bytes.js';
import { Bug, PacketError } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { encodeLast } from './commands.js';
import type { SphinxCrypto } from './crypto.js';
import { geometry } from './geometry.js';
import { createHeader, type Hop } from './header.js';

const { at, headerBytes, macBytes, packetBytes, payloadBytes, surbIdBytes } = geometry;

/** What the last hop of a reply block's path brings to the block's maker. */
export interface MailboxContent {
  /** 16 bytes. */
  readonly surbId: Uint8Array;
  /** 25,670 bytes, to be opened by `openSurb`. */
  readonly payload: Uint8Array;
}

export interface MailboxRequest extends MailboxContent {
  /** Any node with a mix key: the KEM ciphertext is made for it, and nobody ever opens it. */
  readonly decoy: Pick<Hop, 'nodeId' | 'publicKey'>;
  readonly rng: Rng;
}

/**
 * The packet in which the end of a reply travels from the last hop to the mailbox of the reply block's maker.
 *
 *   packet 32768 = version 1 | KEM ciphertext 1120 | SURB id 16 | random 16 | random-looking 5945 | payload 25670
 *
 * Who sees it on its way takes it for a packet like any other, so everything in it is of the right kind: the KEM
 * ciphertext is a real one, because random bytes in its place can be told from one (ML-KEM's rounding is not uniform,
 * and the highest bit of an X25519 key is 0). The id stands where a packet has its MAC.
 *
 * Not protected: who holds the mix key of the decoy finds that the MAC is none.
 *
 * @param request `rng` is asked as for a packet of one hop, then for 16 bytes
 */
export const createMailboxPacket = (
  crypto: SphinxCrypto,
  { surbId, payload, decoy, rng }: MailboxRequest,
): Uint8Array => {
  if (surbId.length !== surbIdBytes || payload.length !== payloadBytes)
    throw new Bug('a reply has an id and a payload');
  const { header } = createHeader(
    crypto,
    { hops: [{ ...decoy, delayMs: 0 }], lastBlock: encodeLast({ kind: 'drop' }) },
    rng,
  );
  header.set(surbId, at.mac);
  header.set(rng(macBytes - surbIdBytes), at.mac + surbIdBytes);
  return concat(header, payload);
};

/**
 * The SURB id and payload in a packet that came to a mailbox. Whether they are an answer, only the id tells: every
 * packet reads as one.
 *
 * @throws PacketError `packet/bad-length`, `packet/bad-version`
 */
export const readMailboxPacket = (packet: Uint8Array): MailboxContent => {
  if (packet.length !== packetBytes) throw new PacketError('packet/bad-length');
  if (packet[0] !== geometry.version) throw new PacketError('packet/bad-version');
  return { surbId: packet.slice(at.mac, at.mac + surbIdBytes), payload: packet.subarray(headerBytes) };
};
