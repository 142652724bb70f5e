import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { type Rng, shuffled, uniformInt, unitInterval } from '../base/random.js';
import { operatorOf } from './provider.js';
import type { Descriptor, Role } from './descriptor.js';
import { mixKeyAt } from './epoch.js';
import type { Network } from './network.js';
import { mostHops } from './parameters.js';

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
  /** Hops, 1 to 5. */
  readonly length: number;
  /** Domain of who runs the sender's mailbox; the first node is not there. */
  readonly senderProvider: string;
  /** Domains of the recipients, and of who runs their mailboxes where that is known; the last node is at none of them. */
  readonly recipientDomains: readonly string[];
  readonly allow: ReadonlySet<PathException>;
  /** The last hop, when it is decided already: all fragments of a message go to one exit. It needs the role below. */
  readonly exit?: NodeId;
  /** Role of the last hop: `exit` unless said otherwise. A reply block ends at any `mix`. */
  readonly lastRole?: Role;
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
 * A path drawn uniformly from all that keep the rules: distinct nodes with a mix key valid now, no two nodes of one
 * provider, the first not at the sender's, the last an exit and not at the recipients'. A rule is left out only if it
 * is in `allow`.
 *
 * Paths are counted before one is drawn, so that the draw is uniform, ends, and takes time linear in the number of nodes
 * whatever the network looks like.
 *
 * @throws RouteError `route/no-path` when there is none; the message says which rule can't be kept
 */
export const choosePath = (wish: PathWish): readonly Descriptor[] => {
  const drawn = draw(wish.rng, candidatesFor(wish), wish.length);
  if (drawn === undefined) throw noPath(wish);
  return drawn;
};

/**
 * An exit for which `choosePath` finds a path under the same wish, drawn as often as it ends a uniformly drawn path.
 *
 * @throws RouteError `route/no-path`
 */
export const chooseExit = (wish: PathWish): Descriptor => {
  const last = choosePath(wish).at(-1);
  if (last === undefined) throw new Bug('a path has a last hop');
  return last;
};

/**
 * A path whose last hop is the sender itself, for cover loops; otherwise under the rules of `choosePath`. The first
 * node is of another provider than the sender because the sender is on the path.
 *
 * @throws RouteError `route/no-path`
 */
export const chooseLoopPath = (wish: LoopWish): readonly Descriptor[] => {
  if (wish.length < 2) throw new Bug('a loop leaves its node');
  const { allow, self } = wish;
  const nodes = usableAt(wish.network, wish.now);
  const groups = groupsOf(nodes, allow, (step, node) =>
    step === 'exit' ? node.nodeId === self : node.nodeId !== self && node.roles.includes('mix'),
  );
  const drawn = draw(wish.rng, groups, wish.length);
  if (drawn !== undefined) return drawn;
  if (!nodes.some(({ nodeId }) => nodeId === self))
    throw noWay('this node is not in the list with a mix key valid now');
  throw noWay(
    `a loop of ${wish.length} hops needs ${wish.length - 1} other mixes${allow.has('same-provider') ? '' : ', each of another provider (same-provider)'}; there are not that many`,
  );
};

/** The nodes of one provider (a single node where that rule is off) by what they can be; a path takes at most one. */
type Group = Readonly<Record<Step, readonly Descriptor[]>>;
type Step = 'entry' | 'middle' | 'exit';
const steps: readonly Step[] = ['entry', 'middle', 'exit'];

const usableAt = (network: Network, now: number): Descriptor[] =>
  network.nodes.filter((node) => mixKeyAt(node, now) !== undefined);

const groupsOf = (
  nodes: readonly Descriptor[],
  allow: ReadonlySet<PathException>,
  canBe: (step: Step, node: Descriptor, operator: string) => boolean,
): Group[] => {
  const groups = new Map<string, Record<Step, Descriptor[]>>();
  for (const node of nodes) {
    const operator = operatorOf(node.provider);
    const name = allow.has('same-provider') ? node.nodeId : operator;
    const group = groups.get(name) ?? { entry: [], middle: [], exit: [] };
    groups.set(name, group);
    for (const step of steps) if (canBe(step, node, operator)) group[step].push(node);
  }
  return [...groups.values()];
};

const candidatesFor = (wish: PathWish): Group[] => {
  const { allow, exit, lastRole = 'exit' } = wish;
  const sender = operatorOf(wish.senderProvider);
  const recipients = new Set(wish.recipientDomains.map(operatorOf));
  return groupsOf(usableAt(wish.network, wish.now), allow, (step, node, provider) => {
    // The only hop of a path of one need not relay packets.
    const relays = node.roles.includes('mix') || wish.length === 1;
    switch (step) {
      case 'entry':
        return relays && (allow.has('entry-at-own-provider') || provider !== sender);
      case 'middle':
        return relays;
      case 'exit':
        return (
          node.roles.includes(lastRole) &&
          (exit === undefined || node.nodeId === exit) &&
          (allow.has('exit-at-recipient-provider') || !recipients.has(provider))
        );
    }
  });
};

const anyOf = <T>(rng: Rng, items: readonly T[]): T => items[uniformInt(rng, items.length)] as T;

/** Draws one of all paths uniformly; undefined if there is none. */
const draw = (rng: Rng, groups: readonly Group[], length: number): readonly Descriptor[] | undefined => {
  if (!Number.isInteger(length) || length < 1 || length > mostHops) throw new Bug(`a path has 1 to ${mostHops} hops`);
  if (length === 1) {
    const both = groups.flatMap(({ entry, exit }) => entry.filter((node) => exit.includes(node)));
    return both.length === 0 ? undefined : [anyOf(rng, both)];
  }
  const ways = countWays(groups, length);
  return ways.total === 0 ? undefined : drawBackwards(rng, groups, ways);
};

/**
 * What a path has taken so far, as one number: has an entry + 2 x has an exit + 4 x number of middles. A step adds its
 * own number; -1 stands for a step that can't have led there.
 */
const numberOf: Readonly<Record<Step, number>> = { entry: 1, exit: 2, middle: 4 };
const stateBefore = (state: number, step: Step): number =>
  (step === 'middle' ? state >= 4 : (state & numberOf[step]) !== 0) ? state - numberOf[step] : -1;

interface Ways {
  /** `upTo[g][state]`: in how many ways groups 0 to g - 1 bring a path to that state, the order of middles left open. */
  readonly upTo: readonly Float64Array[];
  readonly complete: number;
  readonly total: number;
}

// The order of middles can be left open because each set of them stands for the same number of orders. Counts reach
// 10^20, where a double is still exact to one part in 10^15.
const countWays = (groups: readonly Group[], length: number): Ways => {
  const complete = 3 + 4 * (length - 2);
  let last = new Float64Array(complete + 1);
  last[0] = 1;
  const upTo = [last];
  for (const group of groups) {
    const known = last;
    last = known.map((ways, state) => {
      let sum = ways; // this group gives nothing
      for (const step of steps) sum += (known[stateBefore(state, step)] ?? 0) * group[step].length;
      return sum;
    });
    upTo.push(last);
  }
  return { upTo, complete, total: last[complete] ?? 0 };
};

/** Goes from the last group to the first and takes each step as often as there are ways through it. */
const drawBackwards = (rng: Rng, groups: readonly Group[], { upTo, complete }: Ways): readonly Descriptor[] => {
  const taken: Record<Step, Descriptor[]> = { entry: [], middle: [], exit: [] };
  let state = complete;
  // Uniform below the ways that lead to the state; still so below those of one group less when that group gives nothing,
  // so chance is needed once a step, not once a group.
  let left = unitInterval(rng) * (upTo[groups.length]?.[state] ?? 0);
  for (let g = groups.length - 1; g >= 0 && state > 0; g--) {
    const group = groups[g] as Group;
    const known = upTo[g] as Float64Array;
    const without = known[state] ?? 0;
    if (left < without) continue;
    left -= without;
    const open = steps.filter((step) => (known[stateBefore(state, step)] ?? 0) * group[step].length > 0);
    const step =
      open.find((one) => (left -= (known[stateBefore(state, one)] ?? 0) * group[one].length) < 0) ?? open.at(-1);
    if (step === undefined) throw new Bug('a state nothing leads to');
    taken[step].push(anyOf(rng, group[step]));
    state = stateBefore(state, step);
    left = unitInterval(rng) * (known[state] ?? 0);
  }
  return [...taken.entry, ...shuffled(rng, taken.middle), ...taken.exit];
};

const noWay = (why: string): RouteError => new RouteError('route/no-path', `no path: ${why}`);

/** Says which rule can't be kept. Names no recipient: the text may end in a log. */
const noPath = (wish: PathWish): RouteError => {
  const { length, exit, network, lastRole = 'exit' } = wish;
  const usable = usableAt(network, wish.now);
  const without = network.nodes.length - usable.length;
  const have = `${usable.length} of ${network.nodes.length} nodes of the list have a mix key valid now`;
  if (usable.length < length)
    return noWay(`${length} hops need ${length} nodes; ${without === 0 ? `the list has ${usable.length}` : have}`);
  if (exit !== undefined && !usable.some((node) => node.nodeId === exit && node.roles.includes(lastRole)))
    return noWay('the chosen exit is not in the list with that role and a mix key valid now');
  const isPossible = (allow: readonly PathException[]): boolean =>
    countable(candidatesFor({ ...wish, allow: new Set([...wish.allow, ...allow]) }), length);
  if (!usable.some((node) => node.roles.includes(lastRole)))
    return noWay(`none of the ${usable.length} usable nodes has the role ${lastRole}`);
  if (!isPossible(pathExceptions)) return noWay(`${length} hops need ${length - 1} mixes before an exit; ${have}`);

  const broken = pathExceptions.filter((rule) => !wish.allow.has(rule));
  const alone = broken.filter((rule) => isPossible([rule]));
  // The smallest set that helps: one rule, else two, else all.
  const pair = broken.flatMap((one, i) => broken.slice(i + 1).map((two) => [one, two] as const)).find(isPossible);
  const rules = alone.length > 0 ? alone.map((rule) => [rule]) : [pair ?? broken];
  return noWay(rules.map((set) => set.map((rule) => reason(rule, wish, usable)).join(' and ')).join(', or: '));
};

const countable = (groups: readonly Group[], length: number): boolean =>
  draw((lengthBytes) => new Uint8Array(lengthBytes), groups, length) !== undefined;

const reason = (rule: PathException, { length }: PathWish, usable: readonly Descriptor[]): string => {
  switch (rule) {
    case 'same-provider': {
      const providers = new Set(usable.map((node) => operatorOf(node.provider))).size;
      return `no ${length} nodes of different providers fit (${usable.length} usable nodes of ${providers} providers; rule same-provider)`;
    }
    case 'entry-at-own-provider':
      return "no first node fits that is not at the sender's own provider (rule entry-at-own-provider)";
    case 'exit-at-recipient-provider':
      return "no exit fits that is not at a recipient's provider (rule exit-at-recipient-provider)";
  }
};
