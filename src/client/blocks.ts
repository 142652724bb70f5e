import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import type { Descriptor } from '../route/descriptor.js';
import { mixKeyAt } from '../route/epoch.js';
import { hopsOf } from '../route/hop.js';
import type { Network } from '../route/network.js';
import { choosePath } from '../path/path.js';
import type { PathWish } from '../path/path.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import { createSurb } from '../sphinx/surb.js';

/** What the user's paths keep to. */
export type PathRules = Pick<PathWish, 'senderProvider' | 'allow'>;

/** Where and when a path is chosen. */
export interface Moment {
  readonly network: Network;
  readonly now: number;
}

/**
 * The path of a reply block for that exit: as long as every path, and none of the exit's operator's nodes on it, because
 * its last hop reads whose mailbox it ends at. The last hop is not at the user's own provider.
 *
 * @throws RouteError `route/no-path`
 */
export const chooseBlockPath = (
  { rules, rng }: { readonly rules: PathRules; readonly rng: Rng },
  { nodeId, provider }: Descriptor,
  { network, now }: Moment,
): readonly Descriptor[] => {
  try {
    return choosePath({
      network,
      now,
      rng,
      length: network.parameters.pathLength,
      senderProvider: provider,
      recipientDomains: [rules.senderProvider],
      allow: rules.allow,
      lastRole: 'mix',
      from: nodeId,
    });
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    throw new RouteError(
      error.code,
      `no way back from an exit for receipts and replies, among the nodes of other operators (client.receipts = false does without): ${error.message}`,
    );
  }
};

export interface BlockDeps {
  readonly crypto: SphinxCrypto;
  readonly rng: Rng;
  readonly rules: PathRules;
  /** The user's own address, where reply blocks end. */
  readonly from: string;
}

/** A fresh reply block, and what its maker keeps of it. */
export interface Block {
  /** To be given to the exit, 7162 bytes. */
  readonly surb: Uint8Array;
  readonly id: Uint8Array;
  readonly opener: Uint8Array;
  readonly exit: NodeId;
  /** When the first of its nodes destroys the key it needs. */
  readonly expiresAt: number;
}

/** A reply block for that exit, over a path of its own. @throws RouteError `route/no-path` */
export const createBlock = (deps: BlockDeps, exit: Descriptor, moment: Moment): Block => {
  const { crypto, rng, from } = deps;
  const { now } = moment;
  const path = chooseBlockPath(deps, exit, moment);
  const ends = path.map((node) => {
    const key = mixKeyAt(node, now);
    if (key === undefined) throw new Bug('a node without a key was chosen');
    return key.expiresAt;
  });
  const id = rng(geometry.surbIdBytes);
  const hops = hopsOf(path, { ...moment, rng });
  const { surb, opener } = createSurb(crypto, { hops, surbId: id, address: from, rng });
  return { surb, id, opener, exit: exit.nodeId, expiresAt: Math.min(...ends) };
};
