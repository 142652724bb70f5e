import type { Descriptor } from './descriptor.js';
import type { Network } from './network.js';
import { operatorOf } from './provider.js';

// What a list says of a node beside the node's own word.

/** However little of its packets arrives, a node is drawn that often, of 1: else it could not show that it is mended. */
const leastWeight = 0.2;

/** Who runs a node's mailbox: whom the authorities found, else as far as the name of its provider tells. */
export const operatorIn = ({ standings }: Network, node: Descriptor): string =>
  standings.get(node.nodeId)?.operator ?? operatorOf(node.provider);

/** How much a node is drawn in comparison with one of which all packets arrive. One that is not measured counts as that. */
export const weightIn = ({ standings }: Network, { nodeId }: Descriptor): number => {
  const delivered = standings.get(nodeId)?.deliveredPerMille;
  return delivered === undefined ? 1 : Math.max(leastWeight, delivered / 1000);
};

/** Whether new paths lead over it. One that is leaving stays in the list, so that what is under way reaches it. */
export const staysIn = ({ standings }: Network, { nodeId }: Descriptor): boolean =>
  standings.get(nodeId)?.leaving !== true;
