import type { Descriptor } from './descriptor.js';
import type { Network } from './network.js';
import { operatorOf } from '../provider/operator.js';

// What a list says of a node beside the node's own word.

/** However little of its packets arrives, a node is drawn that often, of 1: else it could not show that it is mended. */
const leastWeight = 0.2;

/** Who runs a node's mailbox: whom the authorities found, else as far as the name of its provider tells. */
export const operatorIn = ({ standings }: Network, node: Descriptor): string =>
  standings.get(node.nodeId)?.operator ?? operatorOf(node.provider);

/** Part of its mails a day that a node has to spare if it is drawn as often as any other. */
const enoughFree = 1 / 4;

/** What of that a node's own word gives it: it can't be drawn more for saying something, only less. */
const weightOfRoom = ({ capacity }: Descriptor): number =>
  capacity === undefined || capacity.perDay === 0
    ? 1
    : Math.min(1, Math.max(leastWeight, capacity.free / capacity.perDay / enoughFree));

/**
 * How much a node is drawn in comparison with one of which all packets arrive and whose account has mails to spare. One
 * that is not measured, or says nothing, counts as that.
 */
export const weightIn = ({ standings }: Network, node: Descriptor): number => {
  const delivered = standings.get(node.nodeId)?.deliveredPerMille;
  return (delivered === undefined ? 1 : Math.max(leastWeight, delivered / 1000)) * weightOfRoom(node);
};

/** Whether new paths lead over it. One that is leaving stays in the list, so that what is under way reaches it. */
export const staysIn = ({ standings }: Network, { nodeId }: Descriptor): boolean =>
  standings.get(nodeId)?.leaving !== true;
