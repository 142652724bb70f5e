import { sha256 } from '@noble/hashes/sha2.js';
import { ascii, concat, fromHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Network } from '../route/network.js';
import { first48, placesOf, randomnessOf } from './topology.js';

const phasePrefix = ascii('MixMailer phase 1\n');

/** How much later the same place of the next layer has its turn: with an interval of 12 minutes 90 seconds, so most mail is there. */
const layerStep = 1 / 8;

/**
 * When in each mix interval that node flushes, as a part of it: 0 to, not including, 1.
 *
 * If all flushed at one time a packet would wait for a whole interval at each hop, and all that leaves one node would meet
 * nothing that came before. So the nodes of a layer have their turns one after the other, and a node's successors have
 * theirs soon after it. In lists without layers turns are spread by chance.
 */
export const phaseOf = (network: Network, nodeId: NodeId): number => {
  const places = placesOf(network);
  const [layer, angle] = [places?.layerOf(nodeId), places?.angleOf(nodeId)];
  if (layer !== undefined && angle !== undefined) return (angle + layerStep * (layer - 1)) % 1;
  const id = fromHex(nodeId);
  if (id === undefined) throw new Bug('a node id is hex');
  return first48(sha256(concat(phasePrefix, randomnessOf(network), id))) / 2 ** 48;
};
