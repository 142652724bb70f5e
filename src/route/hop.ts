import { Bug } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import type { Descriptor } from './descriptor.js';
import { mixKeyAt } from './epoch.js';
import type { Network } from './network.js';
import { delaysFor } from './strategy.js';
import type { Hop } from '../sphinx/header.js';

/** A chosen node as a hop of a packet made at `now`, which waits in the node's pool and no longer. */
export const hopOf = (node: Descriptor, now: number): Hop => {
  const key = mixKeyAt(node, now);
  if (key === undefined) throw new Bug('a node without a key was chosen');
  return { nodeId: node.nodeId, publicKey: key.publicKey, delayMs: 0 };
};

/** The hops of a packet made at `now` over that path, with the delays that the network's strategy has senders draw. */
export const hopsOf = (
  path: readonly Descriptor[],
  { network, now, rng }: { readonly network: Network; readonly now: number; readonly rng: Rng },
): readonly Hop[] => {
  const delays = delaysFor(network.parameters.strategy, rng, path.length);
  return path.map((node, i) => ({ ...hopOf(node, now), delayMs: delays[i] ?? 0 }));
};
