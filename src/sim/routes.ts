import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { loopPathsFor, pathsFor, type PathWish } from '../path/path.js';
import type { Descriptor } from '../route/descriptor.js';
import type { Routes, Way } from './protocol.js';
import type { World } from './world.js';

type Draw = () => readonly Descriptor[];

/** Keeps what draws the paths of a node: one for each run, which its generator stands for, and each node. */
const perNode = (make: (rng: Rng, node: number) => Draw): ((rng: Rng, node: number) => readonly Descriptor[]) => {
  const runs = new WeakMap<Rng, Map<number, Draw>>();
  return (rng, node) => {
    let draws = runs.get(rng);
    if (draws === undefined) runs.set(rng, (draws = new Map<number, Draw>()));
    let draw = draws.get(node);
    if (draw === undefined) draws.set(node, (draw = make(rng, node)));
    return draw();
  };
};

/**
 * Ways as our clients and nodes draw them, by the very functions they use. Paths are drawn by the million for a few wishes,
 * so what a wish asks for is reckoned once.
 */
export const ourRoutes = (world: World): Routes => {
  const { network, indexOf } = world;
  const length = network.parameters.pathLength;
  const terms = { network, now: 0, allow: new Set<never>() };
  const sender = { ...terms, length, senderProvider: 'a-sender.example', recipientDomains: [] };
  const idOf = (node: number): NodeId => (network.nodes[node] as Descriptor).nodeId;
  const wayOf = (path: readonly Descriptor[]): Way => path.map(({ nodeId }) => indexOf.get(nodeId) ?? -1);
  const paths = (rng: Rng, ends: Partial<PathWish> = {}): Draw => pathsFor({ ...sender, ...ends, rng });

  const whole = perNode((rng) => paths(rng));
  const through = perNode((rng, entry) => paths(rng, { entry: idOf(entry) }));
  const home = perNode((rng, exit) => paths(rng, { from: idOf(exit), lastRole: 'mix' }));
  const around = perNode((rng, node) => loopPathsFor({ ...terms, length: Math.max(2, length), self: idOf(node), rng }));
  // From whichever node: they are the same for all.
  const any = (rng: Rng): Way => wayOf(whole(rng, 0));
  return {
    message: any,
    loop: (rng, node) => [node, ...wayOf(around(rng, node))],
    drop: (rng, node) => [node, ...any(rng)],
    clientDrop: (rng, entry) => (entry === undefined ? any(rng) : wayOf(through(rng, entry))),
    answer: (rng, exit) => [exit, ...wayOf(home(rng, exit))],
  };
};
