import { sha256 } from '@noble/hashes/sha2.js';
import { domainOf } from '../base/address.js';
import { ascii, concat, fromHex, readU16, readU32, toHex, u32 } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Descriptor } from '../route/descriptor.js';
import { forLayers } from '../route/consensus.js';
import type { Network } from '../route/network.js';
import { operatorIn, staysIn } from '../route/standing.js';

/** Where the nodes of a list with layers stand, and who follows whom. */
export interface Places {
  /** Paths go from the first to the last, in which the exits are; behind the last comes the first again. */
  readonly layers: readonly (readonly Descriptor[])[];
  /** From 1 on; undefined of a node without a place. */
  readonly layerOf: (nodeId: NodeId) => number | undefined;
  /**
   * How far around its layer it stands, as a part of the whole: 0 to, not including, 1; undefined of a node without a place.
   * In layers of one size a node's first successor stands as far around as the node, and the others up to once around on.
   */
  readonly angleOf: (nodeId: NodeId) => number | undefined;
  /** The nodes of the next layer to which a node sends; none of a node without a place. */
  readonly successors: (nodeId: NodeId) => readonly Descriptor[];
  /** The nodes of the layer before from which it gets packets. */
  readonly predecessors: (nodeId: NodeId) => readonly Descriptor[];
}

const placePrefix = ascii('MixMailer place 1\n');
const offsetsPrefix = ascii('MixMailer offsets 1\n');

const known = new WeakMap<Network, { readonly places: Places | undefined }>();

/**
 * The places of the nodes of a list; undefined if any node may follow any other: where the list says so, or has paths of
 * one hop. All readers of a list find the same, and no node can choose its own: places follow from the list's randomness,
 * which nobody knew when nodes chose their keys.
 *
 * Found once for a list.
 */
export const placesOf = (network: Network): Places | undefined => {
  const found = known.get(network) ?? { places: findPlaces(network) };
  known.set(network, found);
  return found.places;
};

/** 32 bytes. A list that was signed by hand has no randomness; its authority can choose places in any case. */
export const randomnessOf = (network: Network): Uint8Array => {
  const randomness = fromHex(network.consensus?.randomness ?? network.digest);
  if (randomness?.length !== 32) throw new Bug('the randomness of a list is 32 bytes');
  return randomness;
};

/** First 48 bits, as a big-endian number. */
export const first48 = (hash: Uint8Array): number => readU32(hash, 0) * 65_536 + readU16(hash, 4);

const findPlaces = (network: Network): Places | undefined => {
  const { topology, pathLength } = network.parameters;
  if (topology.kind === 'free' || pathLength === 1) return undefined;
  const randomness = randomnessOf(network);
  return placesIn(assign(network, randomness), topology.successors, randomness);
};

/** A layer that takes in as many nodes of one operator, and of one domain of addresses, as the list allows. */
class Layer {
  readonly nodes: Descriptor[] = [];
  readonly #network: Network;
  readonly #most: number;
  readonly #taken = new Map<string, number>();
  constructor(network: Network) {
    this.#network = network;
    this.#most = network.parameters.mostPerOperator ?? Infinity;
  }
  /** Takes the node in, if there is room. */
  take(node: Descriptor): boolean {
    const names = [`operator ${operatorIn(this.#network, node)}`, `domain ${domainOf(node.address)}`];
    if (names.some((name) => (this.#taken.get(name) ?? 0) >= this.#most)) return false;
    for (const name of names) this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1);
    this.nodes.push(node);
    return true;
  }
}

/** Nodes in the order of SHA-256("MixMailer place 1\n" | randomness | node id). */
const inOrder = (nodes: readonly Descriptor[], randomness: Uint8Array): Descriptor[] =>
  nodes
    .map((node) => {
      const id = fromHex(node.nodeId);
      if (id === undefined) throw new Bug('a node id is hex');
      return { node, place: toHex(sha256(concat(placePrefix, randomness, id))) };
    })
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ node }) => node);

/**
 * Nodes by layer. The first of the exits fill the last layer to its share; all others that are mixes go, one after the
 * other, into the smallest of the other layers that has room for them.
 */
const assign = (network: Network, randomness: Uint8Array): readonly (readonly Descriptor[])[] => {
  const { pathLength } = network.parameters;
  const able = network.nodes.filter((node) => node.roles.length > 0 && staysIn(network, node));
  const share = Math.ceil(able.length / pathLength);
  const layers = Array.from({ length: pathLength - 1 }, () => new Layer(network));
  const last = new Layer(network);
  const rest: Descriptor[] = [];
  for (const node of inOrder(able, randomness))
    if (last.nodes.length >= share || !node.roles.includes('exit') || !last.take(node)) rest.push(node);
  for (const node of rest) {
    if (!node.roles.includes('mix')) continue;
    // The sort is stable: of layers of one size the first.
    layers.toSorted((a, b) => a.nodes.length - b.nodes.length).some((layer) => layer.take(node));
  }
  return [...layers, last].map(({ nodes }) => nodes);
};

/** Numbers below `below`: the first 48 bits of SHA-256("MixMailer offsets 1\n" | randomness | count), modulo `below`. */
const numbersFrom = (randomness: Uint8Array, below: number): (() => number) => {
  let count = 0;
  return () => first48(sha256(concat(offsetsPrefix, randomness, u32(count++)))) % below;
};

/**
 * For each layer, how far from a slot its first successor is. They add up to 0 (modulo the slots): whoever follows them once
 * around the ring is home again.
 */
const firstOffsets = (layers: number, slots: number, randomness: Uint8Array): readonly number[] => {
  const drawn = Array.from({ length: layers - 1 }, numbersFrom(randomness, slots));
  const sum = drawn.reduce((a, b) => a + b, 0);
  return [...drawn, (slots - (sum % slots)) % slots];
};

/**
 * For each layer, how far from the first successor of a slot the others are; undefined: all follow all.
 *
 * Those of a layer before the last stand so far apart that the ways through it and the layers up to the last lead to nodes
 * at even distances, each way to another one while there are that many: two layers of 3 successors spread what comes in at
 * one node over 9. Those of the last layer lead home as many ways that have no other node in common, so that each node has
 * as many loops, and one node that fails stops one of them.
 */
const distancesOf = (successors: readonly number[], slots: number): readonly (readonly number[] | undefined)[] => {
  const before = successors.slice(0, -1);
  const distances = before.map((count, layer) => {
    if (count >= slots) return undefined;
    const ways = before.slice(layer).reduce((a, b) => a * b, 1);
    // In whole numbers: all readers must find the same.
    return Array.from({ length: count }, (_, j) => (ways >= slots ? j : Math.floor((j * slots) / ways)));
  });
  const count = successors.at(-1) ?? 1;
  if (count >= slots) return [...distances, undefined];
  const home = Array.from({ length: count }, (_, j) => {
    const sum = distances.reduce((far, some = []) => far + (some[Math.floor((j * some.length) / count)] ?? 0), 0);
    return (slots - (sum % slots)) % slots;
  });
  const even = home.map((_, j) => Math.floor((j * slots) / count));
  return [...distances, new Set(home).size === count ? home : even];
};

/** Slot s of a layer belongs to its node number s modulo the layer's size, counted from 0. */
const placesIn = (
  layers: readonly (readonly Descriptor[])[],
  successors: readonly number[],
  randomness: Uint8Array,
): Places => {
  const slots = Math.max(...layers.map(({ length }) => length));
  const first = firstOffsets(layers.length, slots, randomness);
  const distances = distancesOf(forLayers(successors, layers.length), slots);
  const offsets = first.map((base, layer) => distances[layer]?.map((far) => (base + far) % slots));
  const places = new Map(
    layers.flatMap((nodes, layer) => nodes.map(({ nodeId }, index) => [nodeId, { layer, index }] as const)),
  );
  const neighbors = (nodeId: NodeId, way: 1 | -1): readonly Descriptor[] => {
    const place = places.get(nodeId);
    if (place === undefined) return [];
    const size = layers[place.layer]?.length ?? 0;
    const other = (place.layer + way + layers.length) % layers.length;
    const nodes = layers[other] ?? [];
    const steps = offsets[way === 1 ? place.layer : other];
    if (steps === undefined || nodes.length === 0) return nodes;
    const found = new Set<number>();
    for (let slot = place.index; slot < slots; slot += size)
      for (const step of steps) found.add(((slot + way * step + slots) % slots) % nodes.length);
    return [...found].map((index) => nodes[index] as Descriptor);
  };
  return {
    layers,
    layerOf: (nodeId) => {
      const place = places.get(nodeId);
      return place && place.layer + 1;
    },
    angleOf: (nodeId) => {
      const place = places.get(nodeId);
      if (place === undefined) return undefined;
      const turned = first.slice(0, place.layer).reduce((a, b) => a + b, 0);
      return (place.index / (layers[place.layer]?.length ?? 1) + (slots - (turned % slots)) / slots) % 1;
    },
    successors: (nodeId) => neighbors(nodeId, 1),
    predecessors: (nodeId) => neighbors(nodeId, -1),
  };
};
