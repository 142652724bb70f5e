import { sha256 } from '@noble/hashes/sha2.js';
import { ascii, toHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import { nodeIdOf } from '../base/ids.js';
import { minuteMs } from '../base/units.js';
import { placesOf } from '../path/topology.js';
import type { Descriptor } from '../route/descriptor.js';
import { defaultNetworkParameters, type Network, type NetworkParameters } from '../route/network.js';

/** A network as the simulator makes it: a list without signatures, of nodes whose keys last for ever and open nothing. */
export interface World {
  readonly network: Network;
  /** From node id to place in the list: the simulator counts nodes by their places. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Layer of each node, from 1 on; undefined where any node may follow any other. */
  readonly layers: readonly number[] | undefined;
}

export interface WorldOptions {
  readonly nodes: number;
  readonly parameters: NetworkParameters;
  /** Who runs the mailboxes: node i is at operator i modulo this. As many as nodes unless said otherwise. */
  readonly operators?: number;
  /** How many nodes are exits too, from the first on; all unless said otherwise. */
  readonly exits?: number;
  /** Names the world: two of different seeds have other layers and successors. */
  readonly seed?: number;
}

/** Packets of the simulator have no bytes, so nobody reads this key. */
const noKey = new Uint8Array(0);

const descriptorOf = (index: number, options: WorldOptions): Descriptor => {
  const { operators = options.nodes, exits = options.nodes, seed = 1 } = options;
  return {
    nodeId: nodeIdOf(sha256(ascii(`simulated node ${seed} ${index}`))),
    name: `n${index}`,
    address: `n${index}@o${index % operators}.example`,
    provider: `o${index % operators}.example`,
    senders: [],
    roles: index < exits ? ['mix', 'exit'] : ['mix'],
    mixKeys: [{ publicKey: noKey, notBefore: 0, notAfter: Infinity, expiresAt: Infinity }],
    publishedAt: 0,
    software: undefined,
    text: '',
  };
};

/** A world of so many nodes. */
export const worldOf = (options: WorldOptions): World => {
  const nodes = Array.from({ length: options.nodes }, (_, index) => descriptorOf(index, options));
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const network: Network = {
    validFrom: 0,
    validUntil: Infinity,
    previous: undefined,
    parameters: options.parameters,
    nodes,
    byId,
    consensus: undefined,
    standings: new Map(),
    digest: toHex(sha256(ascii(`simulated network ${options.seed ?? 1}`))),
    text: '',
  };
  const places = placesOf(network);
  const layerOf = ({ nodeId }: Descriptor): number => {
    const layer = places?.layerOf(nodeId);
    if (layer === undefined) throw new Bug('a simulated node without a place');
    return layer;
  };
  return {
    network,
    indexOf: new Map(nodes.map(({ nodeId }, index) => [nodeId, index])),
    layers: places && nodes.map(layerOf),
  };
};

/** The default parameters, in the layers that the example configuration has, with a mix interval of so many minutes. */
export const layeredParameters = (intervalMs = 12 * minuteMs): NetworkParameters => ({
  ...defaultNetworkParameters,
  mixSchedule: `*/${intervalMs / minuteMs} * * * *`,
  topology: { kind: 'layers', successors: [3, 3, 2] },
});
