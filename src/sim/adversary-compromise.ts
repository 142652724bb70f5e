import type { NodeId } from '../base/ids.js';
import { type Rng, shuffled } from '../base/random.js';
import { choosePath, type PathException } from '../path/path.js';
import type { Network } from '../route/network.js';
import { operatorIn } from '../route/standing.js';

// Nodes that tell what they do. Who has the first and the last node of a path needs only times to link both ends; who has all nodes
// needs nothing else.

/** Of paths as clients draw them, the share that runs over compromised nodes, each 0 to 1. */
export interface Compromised {
  readonly entry: number;
  readonly exit: number;
  /** Both ends: the path is open to whoever compares times. */
  readonly entryAndExit: number;
  /** Every hop: the path is open. */
  readonly all: number;
}

/** What is asked. */
export interface Question {
  readonly network: Network;
  readonly now: number;
  readonly compromised: ReadonlySet<NodeId>;
  readonly paths: number;
  readonly allow?: ReadonlySet<PathException>;
}

/** Draws that many paths as a client does, to recipients at no provider of the network. */
export const compromisedPaths = (question: Question, rng: Rng): Compromised => {
  const { network, now, compromised, paths, allow = new Set() } = question;
  const count = { entry: 0, exit: 0, entryAndExit: 0, all: 0 };
  for (let i = 0; i < paths; i++) {
    const hops = choosePath({
      network,
      now,
      rng,
      length: network.parameters.pathLength,
      senderProvider: 'sender.invalid',
      recipientDomains: ['recipient.invalid'],
      allow,
    }).map(({ nodeId }) => compromised.has(nodeId));
    const entry = hops[0] === true;
    const exit = hops.at(-1) === true;
    count.entry += Number(entry);
    count.exit += Number(exit);
    count.entryAndExit += Number(entry && exit);
    count.all += Number(hops.every(Boolean));
  }
  return {
    entry: count.entry / paths,
    exit: count.exit / paths,
    entryAndExit: count.entryAndExit / paths,
    all: count.all / paths,
  };
};

/** That share of the nodes, by chance. */
export const someNodes = (network: Network, share: number, rng: Rng): ReadonlySet<NodeId> =>
  new Set(
    shuffled(rng, network.nodes)
      .slice(0, Math.round(share * network.nodes.length))
      .map(({ nodeId }) => nodeId),
  );

/** All nodes at the operators that run most of them, so many operators. */
export const nodesOfLargest = (network: Network, operators: number): ReadonlySet<NodeId> => {
  const nodes = new Map<string, NodeId[]>();
  for (const node of network.nodes) {
    const operator = operatorIn(network, node);
    nodes.set(operator, [...(nodes.get(operator) ?? []), node.nodeId]);
  }
  return new Set(
    [...nodes.values()]
      .sort((a, b) => b.length - a.length)
      .slice(0, operators)
      .flat(),
  );
};

/**
 * The same nodes at other providers: so many at the first, so many at the second, and so on; all others at ones of their own.
 */
export const atProviders = (network: Network, counts: readonly number[]): Network => {
  const providers = counts.flatMap((count, place) => Array.from({ length: count }, () => `large${place + 1}.example`));
  const nodes = network.nodes.map((node, place) => {
    const provider = providers[place] ?? `own${place}.example`;
    return { ...node, provider, address: `${node.name}@${provider}` };
  });
  return { ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) };
};
