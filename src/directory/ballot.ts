import type { NodeId } from '../base/ids.js';
import { minuteMs } from '../base/units.js';
import { timesOf } from '../council/timetable.js';
import type { Member, MemberStore } from '../ports/authority.js';
import { readDescriptor, readVouchedDescriptor } from '../route/descriptor.js';
import { mixKeyAt } from '../route/epoch.js';
import type { Network, NetworkParameters } from '../route/network.js';
import { operatorIn, staysIn } from '../route/standing.js';
import { lastListOf } from './gather.js';
import type { Measured } from './measure.js';
import type { Ballot, RoundRules } from './round.js';

/** What a vote is made by. */
export interface BallotView {
  readonly number: number;
  /** The newest list before that number; undefined: there has been none. */
  readonly previous: Network | undefined;
  readonly measured: ReadonlyMap<NodeId, Measured>;
  readonly now: number;
}

export interface BallotDeps {
  readonly store: MemberStore;
  readonly rules: { readonly periodMs: number; readonly probesPerPeriod: number };
}

/**
 * Whom an authority votes for: every node that has proven its mailbox, has a mix key when the list begins, and has not
 * gone. One that is in no list yet must have brought a packet home; in the first list, and where nothing is probed,
 * the mailbox is proof enough.
 */
export const ballotFor = ({ store, rules }: BallotDeps, { number, previous, measured, now }: BallotView): Ballot => {
  // A list that is made late is used from now on.
  const usedFrom = Math.max(now, timesOf(rules.periodMs, number).validFrom);
  const isTried = rules.probesPerPeriod > 0 && previous !== undefined;
  const stands = ({ nodeId, text, leavingAt }: Member): boolean => {
    if (leavingAt !== undefined && lastListOf(leavingAt, rules.periodMs) < number) return false;
    const listed = previous?.byId.get(nodeId);
    if (isTried && listed === undefined && (measured.get(nodeId)?.home ?? 0) === 0) return false;
    // Checking a signature takes a millisecond; most nodes say what they said last time.
    const descriptor = listed?.text === text ? listed : readDescriptor(text);
    return mixKeyAt(descriptor, usedFrom) !== undefined;
  };
  const standing = store.members().filter(stands);
  return {
    members: standing.map(({ nodeId, digest, operator, leavingAt }) => ({
      nodeId,
      descriptorDigest: digest,
      standing: {
        operator,
        deliveredPerMille: measured.get(nodeId)?.deliveredPerMille,
        medianMs: measured.get(nodeId)?.medianMs,
        p90Ms: measured.get(nodeId)?.p90Ms,
        leaving: leavingAt !== undefined,
      },
    })),
    descriptors: new Map(standing.map(({ digest, text }) => [digest, text])),
  };
};

/** Operators without whom a layer hides little: on a path each hop is of another one. */
const leastInLayer = 3;

/**
 * What an authority votes for that is configured to want layers: those only where there are nodes of enough operators to
 * fill them, exits too, since a reply leaves from one exit and ends at another node of its layer. In a smaller network any
 * node follows any other, which mixes better and costs more mails.
 *
 * All authorities that have the same list before vote alike. For a first list they vote for none.
 */
export const parametersFor = (configured: NetworkParameters, previous: Network | undefined): NetworkParameters => {
  const staying = previous?.nodes.filter((node) => staysIn(previous, node)) ?? [];
  const operators = (nodes: typeof staying): number =>
    previous === undefined ? 0 : new Set(nodes.map((node) => operatorIn(previous, node))).size;
  const isEnough =
    operators(staying.filter(({ roles }) => roles.includes('mix'))) >= leastInLayer * configured.pathLength &&
    operators(staying.filter(({ roles }) => roles.includes('exit'))) >= leastInLayer;
  return isEnough ? configured : { ...configured, topology: { kind: 'free' } };
};

/** How long nobody new must have come before a first list is made out of turn. */
const settleMs = (periodMs: number): number => Math.min(2 * minuteMs, periodMs / 4);

/**
 * Whether a first list can be made of the nodes that have proven their mailboxes: there is an exit, and mixes of one
 * operator more than a path has hops, for the way there and a way back without the exit.
 */
export const isReady = (
  { store, rules }: { readonly store: MemberStore; readonly rules: RoundRules },
  now: number,
): boolean => {
  const members = store.members().filter(({ leavingAt }) => leavingAt === undefined);
  if (members.some(({ provenAt }) => now - provenAt < settleMs(rules.periodMs))) return false;
  // They were checked when they came.
  const roles = members.map(({ operator, text }) => ({ operator, roles: readVouchedDescriptor(text).roles }));
  const operators = new Set(roles.filter((one) => one.roles.includes('mix')).map(({ operator }) => operator));
  return operators.size > rules.parameters.pathLength && roles.some((one) => one.roles.includes('exit'));
};
