import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Descriptor } from '../route/descriptor.js';
import { mostTries } from './free.js';
import { fitsAt, type Plan } from './rules.js';
import type { Places } from './topology.js';
import { drawAll, drawFrom, type Urn, urnOf } from './urn.js';

/** How to go hop by hop: from the first to the last, or back from a last one that is decided. */
interface Way {
  readonly begin: Urn<Descriptor>;
  /** Which hop the node is, from 0 on, that is reached with the n-th step. */
  readonly hopOf: (step: number) => number;
  /** What the n-th step can lead to. */
  readonly next: (node: Descriptor, step: number) => readonly Descriptor[];
  readonly weight: (node: Descriptor, step: number) => number;
}

/** The nodes of the first layer, found once for a list. */
const entries = new WeakMap<Places, Urn<Descriptor>>();

const entriesOf = (places: Places, { weight }: Plan): Urn<Descriptor> => {
  const urn = entries.get(places) ?? urnOf(places.layers[0] ?? [], weight);
  entries.set(places, urn);
  return urn;
};

const wayBack = ({ length, weight }: Plan, places: Places, ends: readonly Descriptor[]): Way => ({
  begin: urnOf(ends, weight),
  hopOf: (step) => length - 1 - step,
  next: ({ nodeId }) => places.predecessors(nodeId),
  weight,
});

/** The nodes with which a walk can begin, where that is not the whole first layer. */
const decidedBegin = ({ network, from, entry }: Plan, places: Places): readonly Descriptor[] | undefined => {
  if (from !== undefined) return places.successors(from);
  const first = entry === undefined || places.layerOf(entry) === undefined ? undefined : network.byId.get(entry);
  return entry === undefined ? undefined : first === undefined ? [] : [first];
};

const wayOf = (plan: Plan, places: Places): Way => {
  const { network, exit, weight } = plan;
  const begin = decidedBegin(plan, places);
  const forward = {
    hopOf: (step: number) => step,
    next: ({ nodeId }: Descriptor) => places.successors(nodeId),
    weight,
  };
  if (exit === undefined)
    return { ...forward, begin: begin === undefined ? entriesOf(places, plan) : urnOf(begin, weight) };
  if (begin === undefined) {
    const last = places.layerOf(exit) === undefined ? undefined : network.byId.get(exit);
    return wayBack(plan, places, last === undefined ? [] : [last]);
  }
  const ways = waysBetween(plan, places, { begin, exit });
  const wayWeight = (node: Descriptor, step: number): number => weight(node) * (ways[step]?.get(node) ?? 0);
  const leading = (nodes: readonly Descriptor[], step: number): readonly Descriptor[] =>
    nodes.filter((node) => ways[step]?.has(node) === true);
  return {
    begin: urnOf(leading(begin, 0), (node) => wayWeight(node, 0)),
    hopOf: (step) => step,
    next: ({ nodeId }, step) => leading(places.successors(nodeId), step),
    weight: wayWeight,
  };
};

type Counts = ReadonlyMap<Descriptor, number>;

/**
 * For each hop and each node that can be it, in how many ways (by weight) a walk goes on from there to the end, without
 * regard to who may not stand together. Of the first hops only those are looked at that the beginning leads to, of the
 * others only those that lead to the end: they meet after the square of a node's successors, not after their fifth power.
 */
const waysBetween = (
  plan: Plan,
  places: Places,
  { begin, exit }: { readonly begin: readonly Descriptor[]; readonly exit: NodeId },
): readonly Counts[] => {
  const { network, length, weight } = plan;
  const meeting = Math.max(0, Math.floor((length - 3) / 2));
  const reached: ReadonlySet<Descriptor>[] = [];
  let next = begin;
  for (let hop = 0; hop <= meeting; hop++) {
    const nodes = new Set(next.filter((node) => fitsAt(plan, hop, node)));
    reached.push(nodes);
    next = [...nodes].flatMap(({ nodeId }) => places.successors(nodeId));
  }
  const end = network.byId.get(exit);
  let known: Counts = new Map(end !== undefined && fitsAt(plan, length - 1, end) ? [[end, 1]] : []);
  const ways = [known];
  for (let hop = length - 2; hop >= 0; hop--) {
    const counts = new Map<Descriptor, number>();
    const after = known;
    for (const node of reached[hop] ?? []) {
      const sum = places.successors(node.nodeId).reduce((all, one) => all + weight(one) * (after.get(one) ?? 0), 0);
      if (sum > 0) counts.set(node, sum);
    }
    if (hop > meeting)
      for (const [node, count] of after)
        for (const one of places.predecessors(node.nodeId))
          if (fitsAt(plan, hop, one)) counts.set(one, (counts.get(one) ?? 0) + weight(node) * count);
    ways.unshift((known = counts));
  }
  return ways;
};

/**
 * A path along the successors of a list with layers: into the first layer, or to a successor of the node that sends, and
 * on by weight; or back from the exit over predecessors. Undefined if there is none.
 *
 * Walks that break a rule are thrown away; when that goes on for too long, all are looked through, in an order by chance.
 */
export const drawWalk = (plan: Plan, places: Places): readonly Descriptor[] | undefined => {
  if (plan.length !== places.layers.length) throw new Bug('a path has as many hops as its list has layers');
  const way = wayOf(plan, places);
  for (let tries = 0; tries < mostTries; tries++) {
    const path = tryOnce(plan, way);
    if (path !== undefined) return path;
  }
  return searchAll(plan, places);
};

/** Whether there is such a path. */
export const hasWalk = (plan: Plan, places: Places): boolean => searchAll(plan, places) !== undefined;

// What is rare is an exit that fits, so a path from anywhere is looked for backwards, from those that do.
const searchAll = (plan: Plan, places: Places): readonly Descriptor[] | undefined => {
  const { length, from, entry, exit } = plan;
  if (from !== undefined || entry !== undefined || exit !== undefined) return search(plan, wayOf(plan, places));
  if (places.layers[0]?.some((node) => fitsAt(plan, 0, node)) !== true) return undefined;
  const ends = places.layers.at(-1)?.filter((node) => fitsAt(plan, length - 1, node)) ?? [];
  return search(plan, wayBack(plan, places, ends));
};

const inOrder = (path: readonly Descriptor[], { hopOf }: Way): readonly Descriptor[] =>
  hopOf(0) === 0 ? path : path.toReversed();

const tryOnce = (plan: Plan, way: Way): readonly Descriptor[] | undefined => {
  const { rng, length, party } = plan;
  const path: Descriptor[] = [];
  const parties = new Set<string>();
  let urn = way.begin;
  for (let step = 0; step < length; step++) {
    const node = drawFrom(rng, urn);
    if (node === undefined || !fitsAt(plan, way.hopOf(step), node)) return undefined;
    if (parties.size === parties.add(party(node)).size) return undefined;
    path.push(node);
    const following = step + 1;
    if (following < length) urn = urnOf(way.next(node, following), (one) => way.weight(one, following));
  }
  return inOrder(path, way);
};

/**
 * The first path found, by going on from each node in turn. What is learned from a dead end is kept: which parties, taken
 * before, close all ways from a node. So no way is gone twice for the same reason, and a network of many nodes without any
 * path is looked through in time linear in its connections.
 */
const search = (plan: Plan, way: Way): readonly Descriptor[] | undefined => {
  const { rng, length, party } = plan;
  const used = new Set<string>();
  const deadEnds = Array.from({ length }, () => new Map<NodeId, ReadonlySet<string>[]>());
  type Found = { readonly path: readonly Descriptor[] } | { readonly closedBy: Set<string> };
  const go = (nodes: readonly Descriptor[], step: number): Found => {
    const closedBy = new Set<string>();
    for (const node of nodes) {
      if (!fitsAt(plan, way.hopOf(step), node)) continue;
      const own = party(node);
      if (used.has(own)) {
        closedBy.add(own);
        continue;
      }
      if (step === length - 1) return { path: [node] };
      const known = deadEnds[step]?.get(node.nodeId) ?? [];
      const same = known.find((parties) => [...parties].every((one) => used.has(one)));
      if (same !== undefined) {
        for (const one of same) closedBy.add(one);
        continue;
      }
      used.add(own);
      const following = drawAll(rng, way.next(node, step + 1), (one) => way.weight(one, step + 1));
      const found = go(following, step + 1);
      used.delete(own);
      if ('path' in found) return { path: [node, ...found.path] };
      found.closedBy.delete(own);
      deadEnds[step]?.set(node.nodeId, [...known, found.closedBy]);
      for (const one of found.closedBy) closedBy.add(one);
    }
    return { closedBy };
  };
  const found = go(
    drawAll(rng, way.begin.items, (node) => way.weight(node, 0)),
    0,
  );
  return 'path' in found ? inOrder(found.path, way) : undefined;
};
