import { lookUpsATurn, mostCandidates, mostCandidatesPerSite } from '../base/bounds.js';
import { domainOf } from '../base/address.js';
import { toHex } from '../base/bytes.js';
import { parseNodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { shuffled, uniformInt } from '../base/random.js';
import { hourMs } from '../base/units.js';
import { namedSigner } from '../council/documents.js';
import { readAnswer, readLeave, signChallenge } from '../council/membership.js';
import { numberAt } from '../council/timetable.js';
import type {
  Applicant,
  Candidate,
  CandidateStore,
  Member,
  MemberStore,
  ProbeStore,
  RoundStore,
} from '../ports/authority.js';
import type { Operators } from '../ports/operators.js';
import type { Store } from '../ports/stores.js';
import type { Dispatch } from './dispatch.js';
import { type Descriptor, readDescriptor } from '../route/descriptor.js';
import { digestOf, type PublicKeyHex } from '../route/document.js';
import type { AuthorityAddress, Network, NetworkParameters } from '../route/network.js';

/** How many nodes an authority looks at. */
export interface GatherRules {
  readonly periodMs: number;
  readonly parameters: NetworkParameters;
  readonly authorities: readonly AuthorityAddress[];
  /** Challenges mailed in an hour, for all nodes. */
  readonly candidatesPerHour: number;
  /** Of those, for mailboxes of one operator, and for addresses of one registered domain. */
  readonly candidatesPerOperatorPerHour: number;
}

export interface GatherDeps {
  readonly store: Store &
    CandidateStore &
    MemberStore &
    Pick<RoundStore, 'keepWantedDescriptor'> &
    Pick<ProbeStore, 'forgetProbesOf'>;
  readonly operators: Operators;
  readonly rng: Rng;
  /** Ed25519, 32 bytes. */
  readonly secretKey: Uint8Array;
  readonly self: PublicKeyHex;
  readonly rules: GatherRules;
  readonly mail: Dispatch;
}

/** What became of a document about a node. */
export type Taken =
  /** Known already, or not newer than what is known. */
  | 'known'
  | 'stale'
  /** A node of which nothing was known, or under another address: it waits for a challenge. */
  | 'new'
  /** Another word of a node that has proven its mailbox. */
  | 'changed'
  | 'proven'
  | 'leaving'
  /** Its time of publication is more than an hour ahead. */
  | 'from-the-future'
  /** All its mix keys are over. */
  | 'expired'
  /** Its name or address is another node's. */
  | 'taken-by-another'
  /** Of the same registered domain as too many others, or there are too many at all. */
  | 'too-many'
  /** An answer to what was not asked. */
  | 'unasked';

/** Clocks differ. */
const aheadMs = hourMs;
/** Periods in which a node that goes is still in the list, so that what is under way is carried. */
export const leavingPeriods = 3;

const applicantOf = (descriptor: Descriptor, operators: Operators): Applicant => ({
  nodeId: descriptor.nodeId,
  text: descriptor.text,
  digest: digestOf(descriptor.text),
  name: descriptor.name,
  address: descriptor.address.toLowerCase(),
  site: operators.site(domainOf(descriptor.address)),
  publishedAt: descriptor.publishedAt,
});

const waitingFor = (applicant: Applicant, now: number): Candidate => ({
  ...applicant,
  cameAt: now,
  nonce: undefined,
  operator: undefined,
  challengedAt: undefined,
});

/**
 * Makes room for one more candidate of that site: at the cost of one that did not answer, of the site that has most, or
 * of any, drawn at random, so that who comes after a flood has the chance of each of its mails.
 *
 * @returns whether there is room
 */
const makeRoom = ({ store, rng, rules }: GatherDeps, site: string, now: number): boolean => {
  const ofSite = store.candidateCountAt(site);
  if (ofSite >= mostCandidatesPerSite) return false;
  if (store.candidateCount() < mostCandidates) return true;
  const crowded = store.crowdedCandidate();
  const goes =
    store.silentCandidate(now - rules.periodMs / 2) ??
    (crowded !== undefined && store.candidateCountAt(crowded.site) > ofSite + 1
      ? crowded
      : store.waitingCandidateAt(uniformInt(rng, Math.max(1, store.waitingCount()))));
  if (goes === undefined) return false;
  store.removeCandidate(goes.nodeId);
  return true;
};

/**
 * Takes a descriptor, whoever it came from: it is signed by its node. One of a node that has proven the address counts
 * from now on; any other waits for a challenge. In a transaction.
 *
 * @throws RouteError when it is malformed, or its signature does not fit
 */
export const takeDescriptor = (deps: GatherDeps, text: string, now: number): Taken => {
  const { store, operators, rules } = deps;
  const descriptor = readDescriptor(text);
  const applicant = applicantOf(descriptor, operators);
  const { nodeId, digest, address, publishedAt } = applicant;
  store.keepWantedDescriptor(digest, descriptor.text);
  const member = store.member(nodeId);
  const candidate = store.candidate(nodeId);
  if (member?.digest === digest) return 'known';
  if (publishedAt > now + aheadMs) return 'from-the-future';
  if (publishedAt <= Math.max(member?.publishedAt ?? -1, member?.leavingAt ?? -1)) return 'stale';
  if (!descriptor.mixKeys.some(({ notAfter }) => notAfter > now)) return 'expired';
  const isAuthoritys = rules.authorities.some((authority) => authority.address.toLowerCase() === address);
  if (isAuthoritys || store.memberNamed(applicant) !== undefined) return 'taken-by-another';
  if (member?.address === address) {
    store.putMember({ ...member, ...applicant, leavingAt: undefined });
    return 'changed';
  }
  if (candidate === undefined) {
    if (!makeRoom(deps, applicant.site, now)) return 'too-many';
    store.putCandidate(waitingFor(applicant, now));
    return 'new';
  }
  if (publishedAt < candidate.publishedAt) return 'stale';
  // The challenge, or its answer, may have been lost: the node asks again.
  const isLost = candidate.challengedAt !== undefined && now - candidate.challengedAt > rules.periodMs / 2;
  if (candidate.digest === digest && !isLost) return 'known';
  store.putCandidate(
    candidate.address === address && !isLost ? { ...candidate, ...applicant } : waitingFor(applicant, now),
  );
  return 'new';
};

/** Takes the nodes of a list that others agreed upon, so that an authority that missed their mails proves them itself. */
export const takeListed = (deps: GatherDeps, network: Network, now: number): void => {
  const { store } = deps;
  for (const { nodeId, text, publishedAt } of network.nodes)
    if (publishedAt > (store.member(nodeId)?.publishedAt ?? -1)) takeDescriptor(deps, text, now);
};

/** Whether the signer that a document names is a node of which something is known. */
const namesKnown = ({ store }: GatherDeps, text: string): boolean => {
  const nodeId = parseNodeId(namedSigner(text) ?? '');
  return nodeId !== undefined && (store.candidate(nodeId) ?? store.member(nodeId)) !== undefined;
};

/** An answer to a challenge proves the mailbox. In a transaction. @throws RouteError */
export const takeAnswer = (deps: GatherDeps, text: string, now: number): Taken => {
  const { store, self } = deps;
  if (!namesKnown(deps, text)) return 'unasked';
  const { nodeId, authority, nonce } = readAnswer(text);
  const candidate = store.candidateOfNonce(nonce);
  if (authority !== self || candidate?.nodeId !== nodeId || candidate.operator === undefined) return 'unasked';
  store.removeCandidate(nodeId);
  // Another one was quicker.
  if (store.memberNamed(candidate) !== undefined) return 'taken-by-another';
  const { text: descriptor, digest, name, address, site, publishedAt, operator } = candidate;
  const applicant = { nodeId, text: descriptor, digest, name, address, site, publishedAt };
  // What an earlier mailbox of it brought home says nothing of this one.
  store.forgetProbesOf(nodeId);
  store.putMember({ ...applicant, operator, provenAt: now, leavingAt: undefined, nextProbeAt: now });
  return 'proven';
};

/** A node says that it goes. In a transaction. @throws RouteError */
export const takeLeave = (deps: GatherDeps, text: string, now: number): Taken => {
  const { store } = deps;
  if (!namesKnown(deps, text)) return 'known';
  const { nodeId, publishedAt } = readLeave(text);
  if (publishedAt > now + aheadMs) return 'from-the-future';
  const candidate = store.candidate(nodeId);
  if (candidate !== undefined && candidate.publishedAt <= publishedAt) store.removeCandidate(nodeId);
  const member = store.member(nodeId);
  if (member === undefined) return 'known';
  // An old one, from before it came back.
  if (publishedAt < member.publishedAt) return 'stale';
  if (member.leavingAt !== undefined) return 'known';
  store.putMember({ ...member, leavingAt: publishedAt });
  return 'leaving';
};

/** The last number whose list has a node that left then. */
export const lastListOf = (leavingAt: number, periodMs: number): number =>
  numberAt(periodMs, leavingAt) + leavingPeriods;

/** More than these of one operator, or one registered domain, get into no list, so they need no proof. */
const mostHeld = ({ pathLength, topology, mostPerOperator }: NetworkParameters): number =>
  mostPerOperator === undefined ? Infinity : 2 * mostPerOperator * (topology.kind === 'layers' ? pathLength : 1);

/** Counts what is spent of the bounds of the running hour. */
class Quota {
  readonly #most: { readonly all: number; readonly each: number };
  readonly #spent = new Map<string, number>();
  #all = 0;
  constructor(most: { readonly all: number; readonly each: number }) {
    this.#most = most;
  }
  get isSpent(): boolean {
    return this.#all >= this.#most.all;
  }
  allows(name: string): boolean {
    return !this.isSpent && (this.#spent.get(name) ?? 0) < this.#most.each;
  }
  spend(names: readonly string[]): void {
    this.#all++;
    for (const name of names) this.#spent.set(name, (this.#spent.get(name) ?? 0) + 1);
  }
}

const named = { operator: (name: string) => `operator ${name}`, site: (name: string) => `site ${name}` };

/**
 * Mails challenges to the addresses of waiting candidates, as far as the bounds of an hour go: overall, for each operator
 * of mailboxes and for each registered domain. Which candidates is drawn, so that a flood of others only makes a node wait.
 *
 * @returns how many it mailed
 */
export const challengeOnce = async (deps: GatherDeps, now: () => number, signal: AbortSignal): Promise<number> => {
  const { store, operators, rng, rules, secretKey } = deps;
  const quota = new Quota({ all: rules.candidatesPerHour, each: rules.candidatesPerOperatorPerHour });
  for (const { operator, site } of store.challengesSince(now() - hourMs))
    quota.spend([named.operator(operator), named.site(site)]);
  const held = new Map<string, number>();
  for (const { operator, site } of store.members())
    for (const name of [named.operator(operator), named.site(site)]) held.set(name, (held.get(name) ?? 0) + 1);
  const most = mostHeld(rules.parameters);
  const isOpen = (name: string): boolean => quota.allows(name) && (held.get(name) ?? 0) < most;
  let lookUps = 0;
  let mailed = 0;
  for (const { nodeId, site, digest, address } of shuffled(rng, store.waitingCandidates())) {
    if (quota.isSpent || lookUps >= lookUpsATurn || signal.aborted) break;
    if (!isOpen(named.site(site))) continue;
    lookUps++;
    const operator = await operators.operatorOf(domainOf(address), signal);
    if (operator === undefined || !isOpen(named.operator(operator))) continue;
    store.atomically(() => {
      const at = now();
      const candidate = store.candidate(nodeId);
      if (candidate?.digest !== digest || candidate.nonce !== undefined) return; // another word of it came meanwhile
      const nonce = toHex(rng(32));
      store.putCandidate({ ...candidate, nonce, operator, challengedAt: at });
      store.addChallenge({ operator, site, at });
      // As the node writes it: only the name before the @ may differ in case.
      const to = readDescriptor(candidate.text).address;
      deps.mail([to], [signChallenge({ nodeId, address: to, nonce }, secretKey)], at);
      for (const name of [named.operator(operator), named.site(site)]) held.set(name, (held.get(name) ?? 0) + 1);
      quota.spend([named.operator(operator), named.site(site)]);
      mailed++;
    });
  }
  return mailed;
};

/** Asks again who runs the mailboxes of members; a look-up that fails changes nothing. */
export const refreshOperators = async ({ store, operators }: GatherDeps, signal: AbortSignal): Promise<void> => {
  const found = new Map<string, string | undefined>();
  for (const { address } of store.members()) {
    if (signal.aborted) return;
    const domain = domainOf(address);
    if (!found.has(domain)) found.set(domain, await operators.operatorOf(domain, signal));
  }
  store.atomically(() => {
    for (const member of store.members()) {
      const operator = found.get(domainOf(member.address));
      if (operator !== undefined && operator !== member.operator) store.putMember({ ...member, operator });
    }
  });
};

const isOver = ({ text, leavingAt }: Member, rules: GatherRules, now: number): boolean =>
  (leavingAt !== undefined && lastListOf(leavingAt, rules.periodMs) < numberAt(rules.periodMs, now)) ||
  !readDescriptor(text).mixKeys.some(({ notAfter }) => notAfter > now);

/** Forgets candidates that proved nothing in two periods, and members that have gone or whose mix keys are over. */
export const forgetGone = ({ store, rules }: GatherDeps, now: number): void =>
  store.atomically(() => {
    store.forgetCandidates(now - Math.max(hourMs, 2 * rules.periodMs));
    store.forgetChallenges(now - hourMs);
    for (const member of store.members()) if (isOver(member, rules, now)) store.removeMember(member.nodeId);
  });
