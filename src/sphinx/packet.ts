/**
 * Sphinx packets with X-Wing at each hop: made for a path, and opened hop by hop.
 *
 * @module mixmailer/packet
 */
import { concat } from '../base/bytes.js';
import { Bug, PacketError, unreachable } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { encodeLast, type LastCommand } from './commands.js';
import type { SphinxCrypto } from './crypto.js';
import { geometry } from './geometry.js';
import { createHeader, nextHeader, openHeader, type Hop } from './header.js';
import type { ExpandedKey } from './kem.js';
import { decryptWide, encryptWide, type WideBlock } from './sprp.js';

export { PacketError, type DropReason } from '../base/errors.js';
export type { Rng } from '../base/random.js';
export type { LastCommand } from './commands.js';
export type { Hop } from './header.js';

/**
 * What one hop finds in a packet. The replay tag (32 bytes) is there in every case: record it, as long as the key
 * lives, before anything else is done.
 */
export type Unwrapped =
  /** To be sent on: 32,768 bytes for `nextHop`. */
  | {
      readonly kind: 'forward';
      readonly replayTag: Uint8Array;
      readonly nextHop: NodeId;
      readonly delayMs: number;
      readonly packet: Uint8Array;
    }
  /** 25,638 bytes as its sender put them in, zeros behind. */
  | { readonly kind: 'exit'; readonly replayTag: Uint8Array; readonly payload: Uint8Array }
  /** 25,670 bytes that only the reply block's maker can open (surb: openSurb). */
  | {
      readonly kind: 'to-mailbox';
      readonly replayTag: Uint8Array;
      readonly surbId: Uint8Array;
      readonly address: string;
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'loop'; readonly replayTag: Uint8Array; readonly loopId: Uint8Array }
  | { readonly kind: 'drop'; readonly replayTag: Uint8Array };

const { at, integrityBytes, userPayloadBytes, payloadBytes, packetBytes } = geometry;

/**
 * The user payload with its 32 zero bytes in front and zeros behind.
 *
 * @throws Bug when it is over 25,638 bytes
 * @internal
 */
export const padPayload = (payload: Uint8Array): WideBlock => {
  if (payload.length > userPayloadBytes) throw new Bug('a payload is at most 25638 bytes');
  const right = new Uint8Array(userPayloadBytes);
  right.set(payload);
  return [new Uint8Array(integrityBytes), right];
};

/**
 * The 25,638 bytes behind the 32 zeros.
 *
 * @throws PacketError `packet/bad-payload` when those aren't zero
 * @internal
 */
export const checkPayload = ([left, right]: WideBlock): Uint8Array => {
  let difference = 0;
  for (const byte of left) difference |= byte;
  if (difference !== 0) throw new PacketError('packet/bad-payload');
  return right;
};

export interface PacketContent {
  /** 1 to 5. */
  readonly hops: readonly Hop[];
  readonly last: LastCommand;
  /** At most 25,638 bytes; the last hop gets it padded with zeros to that length, so it must tell its own end. */
  readonly payload: Uint8Array;
  /** All its randomness: the same rng gives the same bytes. */
  readonly rng: Rng;
}

/**
 * A packet of 32,768 bytes for the first of its hops.
 *
 * @param content what goes into it
 * @throws Bug for what a caller can know beforehand: 1 to 5 hops with valid keys, payload and ids of the right length
 *
 * Source: Sphinx (2009) section 3.2, with a KEM a hop.
 */
export const createPacket = (crypto: SphinxCrypto, { hops, last, payload, rng }: PacketContent): Uint8Array => {
  const { header, payloadKeys } = createHeader(crypto, { hops, lastBlock: encodeLast(last) }, rng);
  let block = padPayload(payload);
  for (const key of payloadKeys.toReversed()) block = encryptWide(crypto, key, block);
  return concat(header, ...block);
};

/**
 * A packet that its only hop throws away, to fill a bundle with. Its payload is random and never decrypted.
 *
 * @param rng as for a packet of one hop, then for 25,670 bytes
 */
export const createDrop = (crypto: SphinxCrypto, hop: Pick<Hop, 'nodeId' | 'publicKey'>, rng: Rng): Uint8Array => {
  const { header } = createHeader(
    crypto,
    { hops: [{ ...hop, delayMs: 0 }], lastBlock: encodeLast({ kind: 'drop' }) },
    rng,
  );
  return concat(header, rng(payloadBytes));
};

/**
 * Takes one layer off a packet.
 *
 * Not protected here: the payload of `to-mailbox` and `drop` is not checked (the first can't be, the second doesn't
 * matter), and a packet seen twice unwraps twice: refusing the replay tag is the caller's.
 *
 * @throws PacketError in this order: `packet/bad-length`, `packet/bad-version`, `packet/bad-mac` (also: made for
 * another key), `packet/bad-command`, `packet/bad-payload` (exit and loop: some hop or link changed the payload)
 *
 * Source: Sphinx (2009) section 3.6.
 */
export const unwrapPacket = (crypto: SphinxCrypto, key: ExpandedKey, packet: Uint8Array): Unwrapped => {
  if (packet.length !== packetBytes) throw new PacketError('packet/bad-length');
  const { command, replayTag, payloadKey, nextRouting } = openHeader(crypto, key, packet);
  const decrypted = (): WideBlock =>
    decryptWide(crypto, payloadKey, [
      packet.subarray(at.payload, at.payload + integrityBytes),
      packet.subarray(at.payload + integrityBytes),
    ]);
  switch (command.kind) {
    case 'forward': {
      const { nextHop, delayMs } = command;
      return {
        kind: 'forward',
        replayTag,
        nextHop,
        delayMs,
        packet: concat(...nextHeader(command, nextRouting), ...decrypted()),
      };
    }
    case 'exit':
      return { kind: 'exit', replayTag, payload: checkPayload(decrypted()) };
    case 'to-mailbox': {
      const { surbId, address } = command;
      return { kind: 'to-mailbox', replayTag, surbId, address, payload: concat(...decrypted()) };
    }
    case 'loop':
      checkPayload(decrypted());
      return { kind: 'loop', replayTag, loopId: command.loopId };
    case 'drop':
      // Nobody needs it, and it takes as long as that of others: who sees when a mail is dealt with doesn't learn that it was cover.
      decrypted();
      return { kind: 'drop', replayTag };
    default:
      return unreachable(command);
  }
};
