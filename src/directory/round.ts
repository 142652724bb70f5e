import { toHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { agree } from '../council/agree.js';
import { listOf, readEndorsement, signEndorsement } from '../council/endorsement.js';
import { moreThanHalf } from '../council/majority.js';
import { commitOf, readReveal, signReveal } from '../council/reveal.js';
import { numberAt, timesOf } from '../council/timetable.js';
import { readVote, signVote, type Vote, type VoteMember } from '../council/vote.js';
import type { CouncilDocument } from '../ports/authority.js';
import type { EndorsementStore } from '../ports/follow.js';
import type { NoteStore, Store } from '../ports/stores.js';
import { mostHistory } from '../route/consensus.js';
import { digestOf, fitsBody } from '../route/document.js';
import type { AuthorityAddress, Network, NetworkParameters } from '../route/network.js';
import { abstainsFrom } from './abstain.js';
import { parametersFor } from './ballot.js';
import { countedVotes, excludedFrom, revealsFor } from './counted.js';
import type { Dispatch } from './dispatch.js';
import { descriptorsOf, type HearDeps, roundAt } from './hear.js';

/** By what all authorities of a network agree; each must have the same in its configuration. */
export interface RoundRules {
  readonly periodMs: number;
  /** All of them, this one included. */
  readonly authorities: readonly AuthorityAddress[];
  readonly parameters: NetworkParameters;
}

/** Whom an authority votes for. */
export interface Ballot {
  readonly members: readonly VoteMember[];
  /** Their descriptors by digest. */
  readonly descriptors: ReadonlyMap<string, string>;
}

export interface RoundDeps extends HearDeps {
  readonly store: HearDeps['store'] & Store & Pick<EndorsementStore, 'keepEndorsement'> & Pick<NoteStore, 'note'>;
  readonly rng: Rng;
  /** Ed25519, 32 bytes. */
  readonly secretKey: Uint8Array;
  readonly rules: RoundRules;
  readonly mail: Dispatch;
  readonly ballotFor: (number: number, now: number) => Ballot;
  /** Takes a list that threshold authorities signed. */
  readonly accept: (list: string, now: number) => void;
  /** Whether there is a list of that number; undefined: any list. */
  readonly hasList: (number: number | undefined) => boolean;
  /** Whether enough nodes have proven their mailboxes for a first list, and no more come one after the other. */
  readonly isReady: (now: number) => boolean;
}

const secretBytes = 32;
/** Contradictions of so many numbers back are shown to the others again. */
const shownPeriods = 8;

const peersOf = ({ rules, self }: RoundDeps): readonly AuthorityAddress[] =>
  rules.authorities.filter(({ key }) => key !== self);

/** A vote and what its readers may not have: the descriptors that are not in the list before. */
const withDescriptors = (deps: RoundDeps, vote: CouncilDocument, own?: Ballot): readonly string[] => {
  const { store, previousOf } = deps;
  const known = descriptorsOf(previousOf(vote.number));
  const names = readVote(vote.text).members.map(({ descriptorDigest }) => descriptorDigest);
  return [
    vote.text,
    ...names.flatMap((name) =>
      known.has(name) ? [] : (own?.descriptors.get(name) ?? store.wantedDescriptor(name) ?? []),
    ),
  ];
};

/**
 * Votes, once a number: what is signed is on the disk before it is mailed, with the secret it commits to. Killed at any
 * point, either nothing of it has left or the same vote leaves.
 */
const voteOnce = (deps: RoundDeps, number: number, now: number): void => {
  const { store, rng, secretKey, self, rules } = deps;
  if (store.councilDocument(number, 'vote', self) !== undefined) return;
  const previous = deps.previousOf(number);
  const ballot = deps.ballotFor(number, now);
  const secret = toHex(rng(secretBytes));
  const text = signVote(
    {
      number,
      periodMs: rules.periodMs,
      previous: previous?.digest,
      history: historyAfter(previous),
      commit: commitOf(self, number, secret),
      parameters: parametersFor(rules.parameters, previous),
      authorities: rules.authorities,
      members: ballot.members,
    },
    secretKey,
  );
  const { digest } = readVote(text);
  const vote: CouncilDocument = { kind: 'vote', authority: self, number, digest, text };
  store.keepVoteSecret(number, secret);
  store.addCouncilDocument(vote);
  for (const [name, descriptor] of ballot.descriptors) {
    store.wantDescriptor(name, number);
    store.keepWantedDescriptor(name, descriptor);
  }
  const documents = withDescriptors(deps, vote, ballot);
  deps.mail(
    peersOf(deps).map(({ address }) => address),
    documents,
    now,
  );
};

const historyAfter = (previous: Network | undefined): Vote['history'] =>
  previous?.consensus === undefined
    ? []
    : [{ number: previous.consensus.number, digest: previous.digest }, ...previous.consensus.history].slice(
        0,
        mostHistory,
      );

/** Opens the secret of the own vote, and says which votes were there before: only those count (`countedVotes`). */
const revealOnce = (deps: RoundDeps, number: number, now: number): void => {
  const { store, secretKey, self } = deps;
  const secret = store.voteSecret(number);
  if (secret === undefined || store.councilDocument(number, 'reveal', self) !== undefined) return;
  const votes = store.councilDocuments(number, 'vote');
  const seen = new Map(votes.map(({ authority, digest }) => [authority, digest]));
  const text = signReveal({ number, secret, seen }, secretKey);
  const { digest } = readReveal(text);
  store.addCouncilDocument({ kind: 'reveal', authority: self, number, digest, text });
  deps.mail(
    peersOf(deps).map(({ address }) => address),
    [text],
    now,
  );
};

/**
 * Hands on what the others may not have: votes they did not say they saw, reveals, what authorities signed of the list
 * before, contradictions. What comes after that is handed on as soon as it is there, so that who tells one authority what
 * it does not tell another has only minutes for it.
 */
const echoOnce = (deps: RoundDeps, number: number, now: number): void => {
  const { store } = deps;
  const fresh = (step: string): boolean => {
    if (store.isDone(number, step)) return false;
    store.setDone(number, step);
    return true;
  };
  const documents = (of: number, kind: 'vote' | 'reveal' | 'endorsement'): readonly CouncilDocument[] =>
    store.councilDocuments(of, kind).filter(({ authority, text }) => text !== '' && fresh(`${kind} ${authority}`));
  const votes = documents(number, 'vote');
  const others = [...documents(number, 'reveal'), ...documents(number - 1, 'endorsement')];
  const contradictions = store
    .contradictions()
    .filter((one) => one.number >= number - shownPeriods)
    .filter((one) => fresh(`contradiction ${one.kind} ${one.number} ${one.authority}`))
    .flatMap(({ texts }) => texts);
  if (votes.length + others.length + contradictions.length === 0) return;
  const seenBy = new Map(revealsFor(deps, number).map(({ authority, seen }) => [authority, seen]));
  for (const { key, address } of peersOf(deps)) {
    const unseen = votes.filter(
      ({ authority, digest }) => authority !== key && seenBy.get(key)?.get(authority) !== digest,
    );
    const news = [
      ...unseen.flatMap((vote) => withDescriptors(deps, vote)),
      ...others.filter(({ authority }) => authority !== key).map(({ text }) => text),
      ...contradictions,
    ];
    if (news.length > 0) deps.mail([address], news, now);
  }
};

/** Reckons what follows from what all have said, and signs it, once a number. */
const signOnce = (deps: RoundDeps, number: number, now: number): void => {
  const { store, rules, self, secretKey, log } = deps;
  if (store.councilDocument(number, 'endorsement', self) !== undefined) return;
  const previous = deps.previousOf(number);
  const reveals = revealsFor(deps, number);
  const agreement = agree({
    number,
    periodMs: rules.periodMs,
    authorities: rules.authorities,
    votes: countedVotes(deps, number, reveals),
    reveals,
    excluded: excludedFrom(deps, number),
    previous,
    descriptorOf: (digest) => descriptorsOf(previous).get(digest) ?? store.wantedDescriptor(digest),
  });
  if (agreement.kind === 'none') {
    // Said once, and where somebody voted: what is missing may still come.
    if (reveals.length > 0 && !store.isDone(number, `none ${agreement.why}`))
      log.warn('directory/no-agreement', { number, why: agreement.why });
    store.setDone(number, `none ${agreement.why}`);
    return;
  }
  const { body, digest } = agreement;
  const text = signEndorsement({ number, body }, secretKey);
  store.keepSignedBody(number, body);
  store.addCouncilDocument({ kind: 'endorsement', authority: self, number, digest, text });
  store.keepEndorsement({ authority: self, number, digest, text });
  deps.mail(
    peersOf(deps).map(({ address }) => address),
    [text],
    now,
  );
};

/** Puts the list together when threshold authorities have signed the same. */
const assembleOnce = (deps: RoundDeps, number: number, now: number): void => {
  const { store, rules } = deps;
  const body = deps.hasList(number) ? undefined : store.signedBody(number);
  if (body === undefined) return;
  const digest = digestOf(body);
  const threshold = moreThanHalf(rules.authorities.length);
  const same = store.councilDocuments(number, 'endorsement').filter((one) => one.digest === digest);
  if (same.length < threshold) return;
  // An endorsement can name the list and carry a signature of something else.
  const fitting = same
    .map(({ text }) => readEndorsement(text))
    .filter(({ authority, listSignature }) => fitsBody(body, { by: authority, signature: listSignature }));
  if (fitting.length >= threshold) deps.accept(listOf(body, fitting), now);
};

/** Whether nothing is signed for that number, after a restore; the log says so once. */
const abstains = ({ store, rules, log }: RoundDeps, number: number): boolean => {
  if (!abstainsFrom(store, rules.periodMs, number)) return false;
  if (!store.isDone(number, 'abstains')) {
    log.warn('directory/abstains', {
      number,
      message: 'this authority was restored and may have signed for it before',
    });
    store.setDone(number, 'abstains');
  }
  return true;
};

/**
 * One authority alone waits for nobody: it says all that it has to say in one turn, and as late as it can, so that whoever
 * came meanwhile is in the list. Where there has been no list yet, it makes the first one as soon as enough nodes are there,
 * for the period that is running: friends who begin a network need not wait for its end.
 */
const aloneOnce = (deps: RoundDeps, now: number): void => {
  const { store, rules, self } = deps;
  const { periodMs } = rules;
  const say = (number: number): void => {
    if (abstains(deps, number)) return;
    store.atomically(() => {
      voteOnce(deps, number, now);
      revealOnce(deps, number, now);
      signOnce(deps, number, now);
      assembleOnce(deps, number, now);
    });
  };
  const number = roundAt(periodMs, now);
  const { signAt, validFrom } = timesOf(periodMs, number);
  const isFirst = !deps.hasList(undefined);
  const running = numberAt(periodMs, now);
  const isFree = (one: number): boolean => store.councilDocument(one, 'vote', self) === undefined;
  if (isFirst && deps.isReady(now) && isFree(running) && isFree(running + 1)) say(running);
  // A vote for nobody would use the number up.
  else if (
    now >= signAt &&
    (now < validFrom || !isFirst) &&
    (!isFree(number) || deps.ballotFor(number, now).members.length > 0)
  )
    say(number);
};

/**
 * Does what it is time for in the round that is on. A step that was missed is done late, as long as it can count: a vote
 * while no secret is open, a reveal until the list begins, the rest until the next round.
 */
export const roundOnce = (deps: RoundDeps, now: number): void => {
  const { store, rules, self } = deps;
  if (rules.authorities.length === 1) {
    aloneOnce(deps, now);
    return;
  }
  const number = roundAt(rules.periodMs, now);
  const { voteAt, revealAt, echoAt, signAt, validFrom } = timesOf(rules.periodMs, number);
  if (now < voteAt) throw new Bug('a round begins with its votes');
  store.atomically(() => {
    if (abstains(deps, number)) {
      if (now >= echoAt && now < validFrom) echoOnce(deps, number, now);
      assembleOnce(deps, number, now);
      return;
    }
    const isAnyOpen = store.councilDocuments(number, 'reveal').some(({ authority }) => authority !== self);
    if (now < revealAt || (now < echoAt && !isAnyOpen)) voteOnce(deps, number, now);
    if (now >= revealAt && now < validFrom) revealOnce(deps, number, now);
    if (now >= echoAt && now < validFrom) echoOnce(deps, number, now);
    if (now >= signAt) signOnce(deps, number, now);
    assembleOnce(deps, number, now);
  });
};
