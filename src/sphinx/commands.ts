import { ascii, concat, fromHex, latin1, readU32, u32 } from '../base/bytes.js';
import { Bug, PacketError, unreachable } from '../base/errors.js';
import { nodeIdOf, type NodeId, nodeIdBytes } from '../base/ids.js';
import { geometry } from './geometry.js';

/**
 * A delay that is none: the packet waits like any other, and a hop that holds its pool because too few of its loops come
 * home (n-1 attack) lets it go at its next flush all the same. Only loops of nodes that hold their pools themselves ask
 * for it: if they waited for one another, none would ever come home.
 */
export const throughHoldMs = 0xffff_ffff;

/** What a hop that isn't the last does: wait, then send on. */
export interface ForwardCommand {
  readonly kind: 'forward';
  /** How long this hop holds the packet, if its mixing strategy heeds the sender's delays. */
  readonly delayMs: number;
  readonly nextHop: NodeId;
  /** MAC of the header the next hop gets, 32 bytes. */
  readonly mac: Uint8Array;
  /** KEM ciphertext for the next hop, 1120 bytes. */
  readonly ciphertext: Uint8Array;
}

/** What the last hop does with the payload. */
export type LastCommand =
  /** Reassemble and hand over to recipients. */
  | { readonly kind: 'exit' }
  /** Deliver the payload to a client's own mailbox: the end of a reply block's path. */
  | {
      readonly kind: 'to-mailbox';
      /** 16 bytes that tell the client which of its reply blocks this answers. */
      readonly surbId: Uint8Array;
      /** 1 to 254 printable ASCII characters, no space. */
      readonly address: string;
    }
  /** A node's own packet has come home; 16 bytes that tell it which. */
  | { readonly kind: 'loop'; readonly loopId: Uint8Array }
  /** Cover: throw it away. */
  | { readonly kind: 'drop' };

const codes = { forward: 1, exit: 2, 'to-mailbox': 3, loop: 4, drop: 5 } as const;

// A space, a control character or a line break here would end up in an SMTP command.
const addressText = /^[\x21-\x7e]{1,254}$/;

const lastArea = (command: LastCommand): Uint8Array => {
  switch (command.kind) {
    case 'exit':
    case 'drop':
      return new Uint8Array(0);
    case 'loop':
      if (command.loopId.length !== geometry.loopIdBytes) throw new Bug('a loop id is 16 bytes');
      return command.loopId;
    case 'to-mailbox':
      if (command.surbId.length !== geometry.surbIdBytes) throw new Bug('a SURB id is 16 bytes');
      if (!addressText.test(command.address)) throw new Bug('an address is 1 to 254 printable ASCII characters');
      return concat(command.surbId, Uint8Array.of(command.address.length), ascii(command.address));
    default:
      return unreachable(command);
  }
};

/**
 * The routing block of a last hop.
 *
 *   block 1189 = command 1 | last area 1188
 *   exit, drop   all zero
 *   loop         loop id 16 | zeros
 *   to-mailbox   SURB id 16 | address length 1 | address | zeros
 */
export const encodeLast = (command: LastCommand): Uint8Array => {
  const block = new Uint8Array(geometry.blockBytes);
  block[0] = codes[command.kind];
  block.set(lastArea(command), 1);
  return block;
};

/**
 * The routing block of any hop but the last.
 *
 *   block 1189 = command 1 | delayMs 4 | next hop id 32 | next MAC 32 | next KEM ciphertext 1120
 */
export const encodeForward = (command: Omit<ForwardCommand, 'kind'>): Uint8Array => {
  const { delayMs, nextHop, mac, ciphertext } = command;
  if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > 0xffff_ffff)
    throw new Bug('a delay is 0 to 2^32 - 1 whole milliseconds');
  const id = fromHex(nextHop);
  if (id?.length !== nodeIdBytes) throw new Bug('a node id is 64 hex digits');
  return concat(Uint8Array.of(codes.forward), u32(delayMs), id, mac, ciphertext);
};

const zeroFrom = (block: Uint8Array, at: number): void => {
  for (let i = at; i < block.length; i++) if (block[i] !== 0) throw new PacketError('packet/bad-command');
};

/**
 * What a decrypted routing block of 1189 bytes tells its hop to do.
 *
 * @throws PacketError `packet/bad-command`: unknown command, bytes that should be zero and aren't, an address that
 * isn't 1 to 254 printable ASCII characters. One command has one encoding.
 */
export const decodeBlock = (block: Uint8Array): ForwardCommand | LastCommand => {
  const { blockAt } = geometry;
  switch (block[0]) {
    case codes.forward:
      return {
        kind: 'forward',
        delayMs: readU32(block, blockAt.delay),
        nextHop: nodeIdOf(block.subarray(blockAt.nextHop, blockAt.mac)),
        mac: block.subarray(blockAt.mac, blockAt.ciphertext),
        ciphertext: block.subarray(blockAt.ciphertext),
      };
    case codes.exit:
      zeroFrom(block, 1);
      return { kind: 'exit' };
    case codes.drop:
      zeroFrom(block, 1);
      return { kind: 'drop' };
    case codes.loop: {
      const end = 1 + geometry.loopIdBytes;
      zeroFrom(block, end);
      return { kind: 'loop', loopId: block.slice(1, end) };
    }
    case codes['to-mailbox']: {
      const lengthAt = 1 + geometry.surbIdBytes;
      const end = lengthAt + 1 + (block[lengthAt] ?? 0);
      zeroFrom(block, end);
      const address = latin1(block.subarray(lengthAt + 1, end));
      if (!addressText.test(address)) throw new PacketError('packet/bad-command');
      return { kind: 'to-mailbox', surbId: block.slice(1, lengthAt), address };
    }
    default:
      throw new PacketError('packet/bad-command');
  }
};
