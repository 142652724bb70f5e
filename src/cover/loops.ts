import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { hopsOf } from '../route/hop.js';
import type { Network } from '../route/network.js';
import { chooseLoopPath } from '../path/path.js';
import { throughHoldMs } from '../sphinx/commands.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import { createPacket } from '../sphinx/packet.js';

export interface LoopRequest {
  readonly network: Network;
  readonly self: NodeId;
  readonly now: number;
  readonly rng: Rng;
  /** Whether it asks hops that hold their pools to let it go (`throughHoldMs`); they know it for a loop by that. */
  readonly throughHold: boolean;
}

/** Loops that a node makes for each flush: as many as it takes to notice silence within three intervals (mix/heartbeat). */
export const usualLoopsPerInterval = 3;

/** A packet that comes home to the node that made it, over hops chosen like those of a real one. */
export interface Loop {
  /** 16 random bytes, which nobody else knows. */
  readonly loopId: Uint8Array;
  readonly firstHop: NodeId;
  readonly packet: Uint8Array;
}

/**
 * Makes a loop through the network and back; to the hops it is a packet like any other.
 *
 * @throws RouteError 'route/no-path' if the network has no way around for this node
 */
export const createLoop = (crypto: SphinxCrypto, { network, self, now, rng, throughHold }: LoopRequest): Loop => {
  const length = Math.max(2, network.parameters.pathLength);
  const path = chooseLoopPath({ network, self, now, rng, length, allow: new Set() });
  const drawn = hopsOf(path, { network, now, rng });
  const hops = throughHold ? drawn.map((hop) => ({ ...hop, delayMs: throughHoldMs })) : drawn;
  const loopId = rng(geometry.loopIdBytes);
  const packet = createPacket(crypto, { hops, last: { kind: 'loop', loopId }, payload: new Uint8Array(), rng });
  const [first] = hops;
  if (first === undefined) throw new Bug('an empty path');
  return { loopId, firstHop: first.nodeId, packet };
};
