import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { type LoopWish, chooseLoopPath, choosePath, type PathWish } from '../path/path.js';
import type { Descriptor } from '../route/descriptor.js';
import type { Routes, Way } from './protocol.js';
import type { World } from './world.js';

const nothing = new Set<never>();

/** Ways as our clients and nodes draw them, by the very functions they use. */
export const ourRoutes = (world: World): Routes => {
  const { network, indexOf } = world;
  const length = network.parameters.pathLength;
  const wayOf = (path: readonly Descriptor[]): number[] => path.map(({ nodeId }) => indexOf.get(nodeId) ?? -1);
  const idOf = (node: number): NodeId => (network.nodes[node] as Descriptor).nodeId;
  // Drawn by the million: an object a draw is all it should take.
  const terms = { network, now: 0, length, allow: nothing };
  const wishOf = (rng: Rng, more: Partial<PathWish> = {}): PathWish => ({
    ...terms,
    rng,
    senderProvider: 'a-sender.example',
    recipientDomains: [],
    ...more,
  });
  const loopWish = (rng: Rng, node: number): LoopWish => ({
    ...terms,
    rng,
    length: Math.max(2, length),
    self: idOf(node),
  });
  const drop = (rng: Rng, entry?: number): Way =>
    wayOf(choosePath(wishOf(rng, entry === undefined ? {} : { entry: idOf(entry) })));
  return {
    message: (rng) => drop(rng),
    loop: (rng, node) => [node, ...wayOf(chooseLoopPath(loopWish(rng, node)))],
    drop: (rng, node) => [node, ...drop(rng)],
    clientDrop: drop,
    answer: (rng, exit) => [exit, ...wayOf(choosePath(wishOf(rng, { from: idOf(exit), lastRole: 'mix' })))],
  };
};
