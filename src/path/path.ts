import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import type { Descriptor, Role } from '../route/descriptor.js';
import { drawFree, hasFree } from './free.js';
import type { Network } from '../route/network.js';
import { isUsable, type Plan, planOf, planOfLoop } from './rules.js';
import { operatorIn, staysIn } from '../route/standing.js';
import { type Places, placesOf } from './topology.js';
import { drawWalk, hasWalk } from './walk.js';

/** A rule of path choice that the user gave up, in so many words, in the configuration. */
export type PathException =
  /** Several nodes of one provider on a path: that provider sees how they belong together. */
  | 'same-provider'
  /** First node at the sender's own provider: it sees both mails of the first step. */
  | 'entry-at-own-provider'
  /** Last node at the recipient's provider: it sees both mails of the last step. */
  | 'exit-at-recipient-provider';

export const pathExceptions: readonly PathException[] = [
  'same-provider',
  'entry-at-own-provider',
  'exit-at-recipient-provider',
];

/** What a path has to be. */
export interface PathWish {
  readonly network: Network;
  /** Each hop has a mix key valid at that moment. */
  readonly now: number;
  readonly rng: Rng;
  /** Hops, 1 to 5; in a list with layers as many as these. */
  readonly length: number;
  /** Domain of who runs the sender's mailbox; the first node is not there. */
  readonly senderProvider: string;
  /** Domains of the recipients, and of who runs their mailboxes where that is known; the last node is at none of them. */
  readonly recipientDomains: readonly string[];
  readonly allow: ReadonlySet<PathException>;
  /** The first hop, when it is decided already: packets that leave in one mail go to one node. */
  readonly entry?: NodeId;
  /** The last hop, when it is decided already: all fragments of a message go to one exit. It needs the role below. */
  readonly exit?: NodeId;
  /** Role of the last hop: `exit` unless said otherwise. A reply block ends at any `mix`. */
  readonly lastRole?: Role;
  /**
   * The exit that will send over this path, for a reply block: no node of its operator is on it, whatever is allowed, and
   * in a list with layers its first hop is one of the exit's successors.
   */
  readonly from?: NodeId;
  /** Nodes that are not the last hop; anything else they may be. */
  readonly avoidExits?: ReadonlySet<NodeId>;
}

/** A path that ends at the sender itself. */
export interface LoopWish {
  readonly network: Network;
  readonly now: number;
  readonly rng: Rng;
  /** Hops, the node itself as the last one included; 2 to 5. */
  readonly length: number;
  readonly self: NodeId;
  readonly allow: ReadonlySet<PathException>;
}

/**
 * A path drawn from all that keep the rules: distinct nodes with a mix key valid now, none of them leaving, no two of one
 * operator, the first not of the sender's, the last an exit and not of the recipients'. A rule is left out only if it is
 * in `allow`.
 *
 * In a list with layers each node is a successor of the one before, and the first is in the first layer, so that the last
 * is in the last one. (To an exit in another layer, and from one, a path goes around the ring.) In one without layers any
 * node may follow any other. Nodes whose packets get lost are drawn less.
 *
 * @throws RouteError `route/no-path` when there is none; the message says which rule can't be kept
 */
export const choosePath = (wish: PathWish): readonly Descriptor[] => pathsFor(wish)();

/** Draws one such path after the other; what all of them have to be is reckoned once. */
export const pathsFor = (wish: PathWish): (() => readonly Descriptor[]) => {
  const plan = planOf(wish);
  const places = placesOf(wish.network);
  return () => {
    const drawn = draw(plan, places);
    if (drawn === undefined) throw noPath(wish);
    return drawn;
  };
};

/**
 * An exit for which `choosePath` finds a path under the same wish, drawn as often as it ends a drawn path.
 *
 * @throws RouteError `route/no-path`
 */
export const chooseExit = (wish: PathWish): Descriptor => {
  const last = choosePath(wish).at(-1);
  if (last === undefined) throw new Bug('a path has a last hop');
  return last;
};

/**
 * A path whose last hop is the sender itself, for cover loops; otherwise under the rules of `choosePath`, in a list with
 * layers once around the ring. The first node is of another provider than the sender because the sender is on the path.
 *
 * @throws RouteError `route/no-path`
 */
export const chooseLoopPath = (wish: LoopWish): readonly Descriptor[] => loopPathsFor(wish)();

/** Draws one such path after the other, as `pathsFor` does. */
export const loopPathsFor = (wish: LoopWish): (() => readonly Descriptor[]) => {
  if (wish.length < 2) throw new Bug('a loop leaves its node');
  const plan = planOfLoop(wish);
  const places = placesOf(wish.network);
  return () => {
    const drawn = draw(plan, places);
    if (drawn === undefined) throw noLoop(wish, places);
    return drawn;
  };
};

const draw = (plan: Plan, places: Places | undefined): readonly Descriptor[] | undefined =>
  places === undefined ? drawFree(plan) : drawWalk(plan, places);

const noWay = (why: string): RouteError => new RouteError('route/no-path', `no path: ${why}`);

/** Says why there is no loop. */
const noLoop = ({ network, now, length, self, allow }: LoopWish, places: Places | undefined): RouteError => {
  const own = network.byId.get(self);
  if (own === undefined || !isUsable(network, own, now))
    return noWay('this node is not in the list with a mix key valid now, or it is leaving');
  if (places !== undefined && places.layerOf(self) === undefined) return noWay('this node has no place in a layer');
  return noWay(
    `a loop of ${length} hops needs ${length - 1} other mixes${allow.has('same-provider') ? '' : ', each of another provider (same-provider)'}; there are not that many${places === undefined ? '' : ' that follow one another'}`,
  );
};

/** Says which rule can't be kept. Names no recipient: the text may end in a log. */
const noPath = (wish: PathWish): RouteError => {
  const { length, entry, exit, from, network, now, lastRole = 'exit', avoidExits } = wish;
  const places = placesOf(network);
  const sending = from && network.byId.get(from);
  if (from !== undefined && sending === undefined) return noWay('the exit that sends is not in the list');
  // Those of the sending exit's operator are no nodes to such a path.
  const nodes = network.nodes.filter(
    (node) => sending === undefined || operatorIn(network, node) !== operatorIn(network, sending),
  );
  const usable = nodes.filter(
    (node) => isUsable(network, node, now) && (places === undefined || places.layerOf(node.nodeId) !== undefined),
  );
  const without = nodes.length - usable.length;
  const leaving = nodes.filter((node) => !staysIn(network, node)).length;
  const have = `${usable.length} of ${nodes.length} nodes of the list have a mix key valid now${places === undefined ? '' : ' and a place in a layer'}${leaving === 0 ? '' : `; ${leaving} are leaving`}`;
  if (usable.length < length)
    return noWay(`${length} hops need ${length} nodes; ${without === 0 ? `the list has ${usable.length}` : have}`);
  if (exit !== undefined && !usable.some((node) => node.nodeId === exit && node.roles.includes(lastRole)))
    return noWay('the chosen exit is not in the list with that role and a mix key valid now');
  if (entry !== undefined && !usable.some(({ nodeId }) => nodeId === entry))
    return noWay('the chosen first node is not in the list with a mix key valid now');
  const isPossible = (allow: readonly PathException[]): boolean => {
    const plan = planOf({ ...wish, rng: noChance, allow: new Set([...wish.allow, ...allow]) });
    return places === undefined ? hasFree(plan) : hasWalk(plan, places);
  };
  const ends = usable.filter(({ roles }) => roles.includes(lastRole));
  if (ends.length === 0) return noWay(`none of the ${usable.length} usable nodes has the role ${lastRole}`);
  if (avoidExits !== undefined && (places?.layers.at(-1) ?? ends).every(({ nodeId }) => avoidExits.has(nodeId)))
    return noWay('no other exit is left');
  if (!isPossible(pathExceptions))
    return noWay(
      `${length} hops need ${length - 1} mixes before ${lastRole === 'exit' ? 'an exit' : 'the last'}${places === undefined ? '' : ', each a successor of the one before'}; ${have}`,
    );

  const broken = pathExceptions.filter((rule) => !wish.allow.has(rule));
  const alone = broken.filter((rule) => isPossible([rule]));
  // The smallest set that helps: one rule, else two, else all.
  const pair = broken.flatMap((one, i) => broken.slice(i + 1).map((two) => [one, two] as const)).find(isPossible);
  const rules = alone.length > 0 ? alone.map((rule) => [rule]) : [pair ?? broken];
  return noWay(rules.map((set) => set.map((rule) => reason(rule, wish, usable)).join(' and ')).join(', or: '));
};

/** Whether there is a path is no matter of chance. */
const noChance: Rng = (lengthBytes) => new Uint8Array(lengthBytes);

const reason = (rule: PathException, { length, network }: PathWish, usable: readonly Descriptor[]): string => {
  switch (rule) {
    case 'same-provider': {
      const providers = new Set(usable.map((node) => operatorIn(network, node))).size;
      return `no ${length} nodes of different providers fit (${usable.length} usable nodes of ${providers} providers; rule same-provider)`;
    }
    case 'entry-at-own-provider':
      return "no first node fits that is not at the sender's own provider (rule entry-at-own-provider)";
    case 'exit-at-recipient-provider':
      return "no exit fits that is not at a recipient's provider (rule exit-at-recipient-provider)";
  }
};
