import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { drawFree } from '../path/free.js';
import { chooseLoopPath, choosePath, type LoopWish, type PathWish } from '../path/path.js';
import { type Plan, planOf, planOfLoop } from '../path/rules.js';
import { placesOf } from '../path/topology.js';
import { drawWalk } from '../path/walk.js';
import type { Descriptor } from '../route/descriptor.js';
import type { Routes, Way } from './protocol.js';
import type { World } from './world.js';

/** Made once for each run, which its generator stands for, and each node. */
const perNode = <T>(make: (rng: Rng, node: number) => T): ((rng: Rng, node: number) => T) => {
  const runs = new WeakMap<Rng, Map<number, T>>();
  return (rng, node) => {
    const known = runs.get(rng) ?? new Map<number, T>();
    const made = known.get(node) ?? make(rng, node);
    known.set(node, made);
    runs.set(rng, known);
    return made;
  };
};

/**
 * Ways as our clients and nodes draw them, by the very functions they use. A client makes a plan for each path; here paths
 * are drawn by the million for a few wishes, and to make the plan would take longer than to draw: it is kept.
 */
export const ourRoutes = (world: World): Routes => {
  const { network, indexOf } = world;
  const { pathLength } = network.parameters;
  const places = placesOf(network);
  const terms = { network, now: 0, allow: new Set<never>() };
  const idOf = (node: number): NodeId => (network.nodes[node] as Descriptor).nodeId;
  const draw = (plan: Plan): readonly Descriptor[] | undefined =>
    places === undefined ? drawFree(plan) : drawWalk(plan, places);
  const wayOf = (path: readonly Descriptor[]): Way => path.map(({ nodeId }) => indexOf.get(nodeId) ?? -1);

  // Where nothing can be drawn, the clients' own function is asked: it says why.
  const paths = (rng: Rng, ends: Partial<PathWish> = {}): (() => Way) => {
    const own = { length: pathLength, senderProvider: 'a-sender.example', recipientDomains: [] };
    const wish: PathWish = { ...terms, ...own, ...ends, rng };
    const plan = planOf(wish);
    return () => wayOf(draw(plan) ?? choosePath(wish));
  };
  const loops = (rng: Rng, self: NodeId): (() => Way) => {
    const wish: LoopWish = { ...terms, length: Math.max(2, pathLength), self, rng };
    const plan = planOfLoop(wish);
    return () => wayOf(draw(plan) ?? chooseLoopPath(wish));
  };

  const whole = perNode((rng) => paths(rng));
  const through = perNode((rng, entry) => paths(rng, { entry: idOf(entry) }));
  const home = perNode((rng, exit) => paths(rng, { from: idOf(exit), lastRole: 'mix' }));
  const around = perNode((rng, node) => loops(rng, idOf(node)));
  const any = (rng: Rng): Way => whole(rng, 0)();
  return {
    message: any,
    loop: (rng, node) => [node, ...around(rng, node)()],
    drop: (rng, node) => [node, ...any(rng)],
    clientDrop: (rng, entry) => (entry === undefined ? any(rng) : through(rng, entry)()),
    answer: (rng, exit) => [exit, ...home(rng, exit)()],
  };
};
