import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { mixKeyAt } from '../route/epoch.js';
import type { Network } from '../route/network.js';
import { chooseLoopPath } from '../route/path.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { createPacket } from '../sphinx/packet.js';

export interface LoopRequest {
  readonly network: Network;
  readonly self: NodeId;
  readonly now: number;
  readonly rng: Rng;
}

/** A packet that comes home to the node that made it, over hops chosen like those of a real one. */
export interface Loop {
  readonly firstHop: NodeId;
  readonly packet: Uint8Array;
}

const loopIdBytes = 16;

/**
 * Makes a loop through the network and back; to the hops it is a packet like any other.
 *
 * @returns undefined if the network has no way around for this node (fewer than two others, or itself not listed)
 */
export const createLoop = (crypto: SphinxCrypto, { network, self, now, rng }: LoopRequest): Loop | undefined => {
  const path = chooseLoopPath({ network, self, now, rng });
  const first = path?.[0];
  if (path === undefined || first === undefined) return undefined;
  const hops = path.flatMap((node) => {
    const key = mixKeyAt(node, now);
    return key === undefined ? [] : [{ nodeId: node.nodeId, publicKey: key.publicKey, delayMs: 0 }];
  });
  if (hops.length !== path.length) return undefined;
  const last = { kind: 'loop', loopId: rng(loopIdBytes) } as const;
  return { firstHop: first.nodeId, packet: createPacket(crypto, { hops, last, payload: new Uint8Array(), rng }) };
};
