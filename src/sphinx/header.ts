import { concat, equalBytes } from '../base/bytes.js';
import { Bug, PacketError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { decodeBlock, encodeForward, type ForwardCommand, type LastCommand } from './commands.js';
import type { SphinxCrypto } from './crypto.js';
import { geometry } from './geometry.js';
import { decapsulate, encapsulate, type Encapsulated, type ExpandedKey } from './kem.js';
import { hopKeys, type HopKeys } from './keys.js';

/** A node on a path, as its sender sees it. */
export interface Hop {
  readonly nodeId: NodeId;
  /** X-Wing, 1216 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * How long this hop itself is to hold the packet before it sends it on, in whole milliseconds below 2^32. The last
   * hop sends nothing on: its delay is not in the packet.
   */
  readonly delayMs: number;
}

/** The hops of a packet in order and what the last one finds. */
export interface HeaderContent {
  /** 1 to 5. */
  readonly hops: readonly Hop[];
  /** Routing block of the last hop, 1189 bytes (commands: encodeLast). */
  readonly lastBlock: Uint8Array;
}

/** A header, and for every hop the payload key it will derive. */
export interface CreatedHeader {
  /** 7098 bytes. */
  readonly header: Uint8Array;
  /** 32 bytes each, in the order of the hops. */
  readonly payloadKeys: readonly Uint8Array[];
}

const { at, blockBytes, routingBytes, maxHops } = geometry;

const headerMac = (crypto: SphinxCrypto, key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array =>
  crypto.hmac(key, Uint8Array.of(geometry.version), ...parts);

interface SealedHop extends Encapsulated {
  readonly hop: Hop;
  readonly keys: HopKeys;
}

const seal = (crypto: SphinxCrypto, hop: Hop, rng: Rng): SealedHop => {
  const sealed = encapsulate(crypto, hop.publicKey, rng(geometry.encapsulationSeedBytes));
  // Descriptors are checked (public-key: isPublicKey) before their node can be on a path.
  if (!sealed) throw new Bug('a hop on the path has no valid public key');
  return { ...sealed, hop, keys: hopKeys(crypto, sealed.secret) };
};

/** What the zeros that each hop appends have become by the time the last hop sees them: (hops - 1) blocks. */
const fillerOf = (crypto: SphinxCrypto, hops: readonly SealedHop[]): Uint8Array => {
  let filler = new Uint8Array(0);
  for (const { keys } of hops.slice(0, -1)) {
    const extended = new Uint8Array(routingBytes + blockBytes);
    extended.set(filler, routingBytes - filler.length);
    filler = crypto.stream(keys.routing, extended).slice(routingBytes - filler.length);
  }
  return filler;
};

/**
 * The header of a packet or reply block.
 *
 *   header 7098 = version 1 | KEM ciphertext 1120 | MAC 32 | routing 5945
 *
 * From the last hop to the first: routing_i = (block_i | routing_i+1 without its last block) ^ stream_i,
 * MAC_i = HMAC(version | ciphertext_i | routing_i). Under the last hop's layer the blocks behind its own are random
 * bytes, not zeros: zeros there told the last hop how long the path was.
 *
 * @param rng asked for 64 bytes a hop in the order of the hops, then for (5 - hops) * 1189
 * @throws Bug when there are no hops or more than 5, or a hop's key is none
 *
 * Source: Sphinx (2009) section 3.2; for the random bytes Kuhn, Beck and Strufe, "Breaking and (Partially) Fixing
 * Provably Secure Onion Routing" (2020).
 */
export const createHeader = (crypto: SphinxCrypto, { hops, lastBlock }: HeaderContent, rng: Rng): CreatedHeader => {
  if (hops.length < 1 || hops.length > maxHops) throw new Bug('a path has 1 to 5 hops');
  const sealed = hops.map((hop) => seal(crypto, hop, rng));
  const filler = fillerOf(crypto, sealed);
  const innermost = concat(lastBlock, rng((maxHops - hops.length) * blockBytes));

  let next: (SealedHop & { readonly mac: Uint8Array; readonly routing: Uint8Array }) | undefined;
  for (const sealedHop of sealed.toReversed()) {
    const { hop, keys, ciphertext } = sealedHop;
    const routing = next
      ? crypto.stream(
          keys.routing,
          concat(
            encodeForward({
              delayMs: hop.delayMs,
              nextHop: next.hop.nodeId,
              mac: next.mac,
              ciphertext: next.ciphertext,
            }),
            next.routing.subarray(0, routingBytes - blockBytes),
          ),
        )
      : concat(crypto.stream(keys.routing, innermost), filler);
    next = { ...sealedHop, routing, mac: headerMac(crypto, keys.headerMac, [ciphertext, routing]) };
  }
  if (!next) throw new Bug('a path has 1 to 5 hops');
  return {
    header: concat(Uint8Array.of(geometry.version), next.ciphertext, next.mac, next.routing),
    payloadKeys: sealed.map(({ keys }) => keys.payload),
  };
};

/** What a hop learns from a header. */
export interface OpenedHeader {
  readonly command: ForwardCommand | LastCommand;
  /** 32 bytes. */
  readonly replayTag: Uint8Array;
  /** 32 bytes. */
  readonly payloadKey: Uint8Array;
  /** Routing blocks for the next hop, 5945 bytes; means nothing if the command isn't `forward`. */
  readonly nextRouting: Uint8Array;
}

/**
 * Opens one layer of a header. Nothing of it is used before its MAC is verified.
 *
 * @param header at least the 7098 bytes of the header
 * @throws PacketError `packet/bad-version`, `packet/bad-mac` (also: made for another key), `packet/bad-command`
 */
export const openHeader = (crypto: SphinxCrypto, key: ExpandedKey, header: Uint8Array): OpenedHeader => {
  if (header[0] !== geometry.version) throw new PacketError('packet/bad-version');
  const ciphertext = header.subarray(at.ciphertext, at.mac);
  const routing = header.subarray(at.routing, at.payload);
  const secret = decapsulate(crypto, key, ciphertext);
  if (!secret) throw new PacketError('packet/bad-mac');
  const keys = hopKeys(crypto, secret);
  const mac = headerMac(crypto, keys.headerMac, [ciphertext, routing]);
  if (!equalBytes(mac, header.subarray(at.mac, at.routing))) throw new PacketError('packet/bad-mac');

  const extended = new Uint8Array(routingBytes + blockBytes);
  extended.set(routing);
  const opened = crypto.stream(keys.routing, extended);
  return {
    command: decodeBlock(opened.subarray(0, blockBytes)),
    replayTag: keys.replayTag,
    payloadKey: keys.payload,
    nextRouting: opened.subarray(blockBytes),
  };
};

/** The header the next hop gets. */
export const nextHeader = ({ mac, ciphertext }: ForwardCommand, routing: Uint8Array): readonly Uint8Array[] => [
  Uint8Array.of(geometry.version),
  ciphertext,
  mac,
  routing,
];
