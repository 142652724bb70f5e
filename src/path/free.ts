import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { type Rng, shuffled, unitInterval } from '../base/random.js';
import type { Descriptor, Role } from '../route/descriptor.js';
import type { Network } from '../route/network.js';
import { fitsAt, type Plan, type Step } from './rules.js';
import { staysIn, weightIn } from '../route/standing.js';
import { drawFrom, type Urn, urnOf } from './urn.js';

/** Draws that are thrown away before paths are counted. In a network that isn't lopsided the first few will do. */
export const mostTries = 200;

const rosters = new WeakMap<Network, ReadonlyMap<Role, Urn<Descriptor>>>();

/** The nodes of a list by role, found once for it. */
const rosterOf = (network: Network): ReadonlyMap<Role, Urn<Descriptor>> => {
  const withRole = (role: Role): Urn<Descriptor> =>
    urnOf(
      network.nodes.filter((node) => node.roles.includes(role) && staysIn(network, node)),
      (node) => weightIn(network, node),
    );
  const roster =
    rosters.get(network) ?? new Map((['mix', 'exit'] as const).map((role) => [role, withRole(role)] as const));
  rosters.set(network, roster);
  return roster;
};

/**
 * A path whose hops follow one another in any order, drawn from all that the plan permits, each as often as the product
 * of its nodes' weights says; undefined if there is none.
 *
 * Hops are drawn by themselves and the path is thrown away if it breaks a rule. When that goes on for too long, paths are
 * counted and one is drawn; it gives each as often as the other way.
 */
export const drawFree = (plan: Plan): readonly Descriptor[] | undefined => {
  // To count the paths of a small list takes no longer than a few draws.
  const most = Math.min(mostTries, plan.network.nodes.length);
  for (let tries = 0; tries < most; tries++) {
    const path = tryOnce(plan);
    if (path !== undefined) return path;
  }
  return drawCounted(plan);
};

/** Whether there is such a path. */
export const hasFree = (plan: Plan): boolean => drawCounted(plan) !== undefined;

const nodeIn = ({ byId }: Network, nodeId: NodeId): Urn<Descriptor> => {
  const node = byId.get(nodeId);
  return urnOf(node === undefined ? [] : [node], () => 1);
};

const urnAt = ({ network, length, entry, exit, lastRole }: Plan, hop: number): Urn<Descriptor> | undefined => {
  const isLast = hop === length - 1;
  const decided = (isLast ? exit : undefined) ?? (hop === 0 ? entry : undefined);
  return decided === undefined ? rosterOf(network).get(isLast ? lastRole : 'mix') : nodeIn(network, decided);
};

const tryOnce = (plan: Plan): readonly Descriptor[] | undefined => {
  const { rng, length, party } = plan;
  const path: Descriptor[] = [];
  const parties = new Set<string>();
  for (let hop = 0; hop < length; hop++) {
    const urn = urnAt(plan, hop);
    const node = urn && drawFrom(rng, urn);
    if (node === undefined || !fitsAt(plan, hop, node)) return undefined;
    path.push(node);
    if (parties.size === parties.add(party(node)).size) return undefined;
  }
  return path;
};

/** The nodes of one party by what they can be; a path takes at most one. */
type Group = Readonly<Record<Step, Urn<Descriptor>>>;
const steps: readonly Step[] = ['entry', 'middle', 'exit'];

const groupsOf = ({ network, fits, party, weight }: Plan): Group[] => {
  const groups = new Map<string, Record<Step, Descriptor[]>>();
  for (const node of network.nodes) {
    const name = party(node);
    const group = groups.get(name) ?? { entry: [], middle: [], exit: [] };
    groups.set(name, group);
    for (const step of steps) if (fits(step, node)) group[step].push(node);
  }
  return [...groups.values()].map(({ entry, middle, exit }) => ({
    entry: urnOf(entry, weight),
    middle: urnOf(middle, weight),
    exit: urnOf(exit, weight),
  }));
};

/** Draws one of all paths; undefined if there is none. */
const drawCounted = (plan: Plan): readonly Descriptor[] | undefined => {
  const { network, rng, length, weight } = plan;
  if (length === 1) {
    const only = drawFrom(
      rng,
      urnOf(
        network.nodes.filter((node) => fitsAt(plan, 0, node)),
        weight,
      ),
    );
    return only && [only];
  }
  const groups = groupsOf(plan);
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
  /**
   * `upTo[g][state]`: in how many ways groups 0 to g - 1 bring a path to that state, each as many as the product of its
   * nodes' weights, the order of middles left open.
   */
  readonly upTo: readonly Float64Array[];
  readonly complete: number;
  readonly total: number;
}

// The order of middles can be left open because each set of them stands for the same number of orders. Counts reach
// 10^25, where a double is still exact to one part in 10^15.
const countWays = (groups: readonly Group[], length: number): Ways => {
  const complete = 3 + 4 * (length - 2);
  let last = new Float64Array(complete + 1);
  last[0] = 1;
  const upTo = [last];
  for (const group of groups) {
    const known = last;
    last = known.map((ways, state) => {
      let sum = ways; // this group gives nothing
      for (const step of steps) sum += (known[stateBefore(state, step)] ?? 0) * group[step].total;
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
    const open = steps.filter((step) => (known[stateBefore(state, step)] ?? 0) * group[step].total > 0);
    const step =
      open.find((one) => (left -= (known[stateBefore(state, one)] ?? 0) * group[one].total) < 0) ?? open.at(-1);
    const node = step && drawFrom(rng, group[step]);
    if (step === undefined || node === undefined) throw new Bug('a state nothing leads to');
    taken[step].push(node);
    state = stateBefore(state, step);
    left = unitInterval(rng) * (known[state] ?? 0);
  }
  return [...taken.entry, ...shuffled(rng, taken.middle), ...taken.exit];
};
