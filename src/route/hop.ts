import { Bug } from '../base/errors.js';
import type { Descriptor } from './descriptor.js';
import { mixKeyAt } from './epoch.js';
import type { Hop } from '../sphinx/header.js';

/** A chosen node as a hop of a packet made at `now`, which waits in the node's pool and no longer. */
export const hopOf = (node: Descriptor, now: number): Hop => {
  const key = mixKeyAt(node, now);
  if (key === undefined) throw new Bug('a node without a key was chosen');
  return { nodeId: node.nodeId, publicKey: key.publicKey, delayMs: 0 };
};
