import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import type { Descriptor, Role } from '../route/descriptor.js';
import { mixKeyAt } from '../route/epoch.js';
import type { Network } from '../route/network.js';
import { mostHops } from '../route/consensus.js';
import type { LoopWish, PathWish } from './path.js';
import { operatorOf } from '../provider/operator.js';
import { operatorIn, staysIn, weightIn } from '../route/standing.js';

/** What a hop is on a path; the only hop of a path of one is entry and exit. */
export type Step = 'entry' | 'middle' | 'exit';

/** A wish in the terms of those who draw: which nodes may stand where, which not together, and how often each. */
export interface Plan {
  readonly network: Network;
  readonly rng: Rng;
  readonly length: number;
  /** The node before the first hop, where its successors are asked for. */
  readonly from: NodeId | undefined;
  /** The first hop, where it is decided. */
  readonly entry: NodeId | undefined;
  /** The last hop, where it is decided. */
  readonly exit: NodeId | undefined;
  readonly lastRole: Role;
  readonly fits: (step: Step, node: Descriptor) => boolean;
  /** No two hops have the same. */
  readonly party: (node: Descriptor) => string;
  readonly weight: (node: Descriptor) => number;
}

/** Whether new paths may lead over that node now. */
export const isUsable = (network: Network, node: Descriptor, now: number): boolean =>
  mixKeyAt(node, now) !== undefined && staysIn(network, node);

type Terms = Pick<Plan, 'network' | 'rng' | 'length' | 'party' | 'weight'>;

const termsOf = ({ network, rng, length, allow }: PathWish | LoopWish): Terms => {
  if (!Number.isInteger(length) || length < 1 || length > mostHops) throw new Bug(`a path has 1 to ${mostHops} hops`);
  return {
    network,
    rng,
    length,
    party: (node) => (allow.has('same-provider') ? node.nodeId : operatorIn(network, node)),
    weight: (node) => weightIn(network, node),
  };
};

export const planOf = (wish: PathWish): Plan => {
  const { network, now, allow, length, from, entry, exit, lastRole = 'exit', avoidExits } = wish;
  const sender = operatorOf(wish.senderProvider);
  const recipients = new Set(wish.recipientDomains.map(operatorOf));
  const before = from && network.byId.get(from);
  const avoided = before && operatorIn(network, before);
  // Of an exit that isn't listed nobody knows the operator, so nothing fits.
  const isKnown = from === undefined || before !== undefined;
  const fits = (step: Step, node: Descriptor): boolean => {
    const operator = operatorIn(network, node);
    if (!isKnown || !isUsable(network, node, now) || operator === avoided) return false;
    // The only hop of a path of one need not relay packets.
    const relays = node.roles.includes('mix') || length === 1;
    switch (step) {
      case 'entry':
        return (
          relays &&
          (entry === undefined || node.nodeId === entry) &&
          (allow.has('entry-at-own-provider') || operator !== sender)
        );
      case 'middle':
        return relays;
      case 'exit':
        return (
          node.roles.includes(lastRole) &&
          (exit === undefined || node.nodeId === exit) &&
          avoidExits?.has(node.nodeId) !== true &&
          (allow.has('exit-at-recipient-provider') || !recipients.has(operator))
        );
    }
  };
  return { ...termsOf(wish), from, entry, exit, lastRole, fits };
};

export const planOfLoop = (wish: LoopWish): Plan => {
  const { network, now, self } = wish;
  return {
    ...termsOf(wish),
    from: self,
    entry: undefined,
    exit: self,
    lastRole: 'mix',
    fits: (step, node) =>
      isUsable(network, node, now) &&
      (step === 'exit' ? node.nodeId === self : node.nodeId !== self && node.roles.includes('mix')),
  };
};

/** Whether a node may be the hop with that number, from 0 on. */
export const fitsAt = ({ fits, length }: Plan, hop: number, node: Descriptor): boolean => {
  const isLast = hop === length - 1;
  if (hop === 0) return fits('entry', node) && (!isLast || fits('exit', node));
  return fits(isLast ? 'exit' : 'middle', node);
};
