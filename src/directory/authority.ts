import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { mostCouncilBytes, mostCouncilDocuments, mostDocuments, mostUnaskedBytes } from '../base/bounds.js';
import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { dayMs, minuteMs } from '../base/units.js';
import type { FoundDocument } from '../council/documents.js';
import { moreThanHalf } from '../council/majority.js';
import { answerCache, usualAnswerBounds } from '../follow/answer.js';
import { type FollowDeps, followOnce, isAwaited, knownAccounts, takeFollowed } from '../follow/follow.js';
import {
  type DirectoryMailDeps,
  type DirectoryReading,
  directoryReading,
  type DocumentMail,
  type MailBounds,
  readDirectoryMails,
} from '../follow/mails.js';
import type { AuthorityStore } from '../ports/authority.js';
import type { Compression } from '../ports/compression.js';
import type { Inbox, MimeParser } from '../ports/mail.js';
import type { Operators } from '../ports/operators.js';
import type { Publisher } from '../ports/publisher.js';
import type { Ticker } from '../ports/ticker.js';
import { Reading } from '../post/aside.js';
import { readOrTell } from '../post/folders.js';
import { Jobs } from '../post/jobs.js';
import { postDue, type PostDeps, tellBudget } from '../post/post.js';
import { purgeSchedule, purgeSent } from '../post/purge.js';
import { beatSchedule, Vitals } from '../post/vitals.js';
import { SummedLog, tellSchedule } from '../post/summed-log.js';
import { scrubOnce, scrubSchedule } from '../post/scrub.js';
import type { Rng } from '../base/random.js';
import { publicKeyOf, type PublicKeyHex } from '../route/document.js';
import type { Network } from '../route/network.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { ballotFor, isReady } from './ballot.js';
import { dispatchWith } from './dispatch.js';
import {
  challengeOnce,
  forgetGone,
  type GatherDeps,
  refreshOperators,
  takeAnswer,
  takeDescriptor,
  takeLeave,
  takeListed,
} from './gather.js';
import { hear, isCouncilKind, roundAt } from './hear.js';
import { collectProbes } from './home.js';
import { type ListUpTo, listInForce, listsIn, withoutListsAhead } from './lists.js';
import { measure, type Measured } from './measure.js';
import { probeWaitMs, sendProbes } from './probe.js';
import { publish } from './publish.js';
import { type RoundDeps, roundOnce, type RoundRules } from './round.js';

/** What the operator of an authority has decided. */
export interface AuthorityRules extends RoundRules {
  /** Challenges mailed in an hour to nodes that want to join. */
  readonly candidatesPerHour: number;
  /** Of those, for one operator of mailboxes; a quarter of all, if nothing is said. */
  readonly candidatesPerOperatorPerHour?: number;
  /** Packets that are to come back through each node, in a period; 0: nothing is measured. */
  readonly probesPerPeriod: number;
}

export interface AuthorityDeps extends Omit<PostDeps, 'ended'> {
  readonly store: AuthorityStore;
  readonly inbox: Inbox;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly compression: Compression;
  readonly crypto: SphinxCrypto;
  readonly operators: Operators;
  /** Where everybody can read the lists; undefined: they go by mail only. */
  readonly publisher: Publisher | undefined;
  readonly rng: Rng;
  readonly ticker: Ticker;
  /** Ed25519, 32 bytes. */
  readonly secretKey: Uint8Array;
  readonly rules: AuthorityRules;
  /** How often the mailbox is asked without a notice from its server. */
  readonly pollMs: number;
}

/** A list that the authority made itself came in no mail. */
const noMail: DocumentMail = { from: undefined, isAutomatic: true };
/** What comes unasked from the other authorities. */
const councilBounds: MailBounds = { bytes: mostCouncilBytes, documents: mostCouncilDocuments };
/** What comes from anybody else, who has no more to say than a node of itself. */
const strangersBounds: MailBounds = { bytes: mostUnaskedBytes, documents: mostDocuments };
/** Probes of so many periods, and of three days at least, make up what a list says of a node. */
const measuredPeriods = 12;
const leastMeasuredMs = 3 * dayMs;
const measuredMs = (periodMs: number): number => Math.max(measuredPeriods * periodMs, leastMeasuredMs);
/** Rounds whose documents are kept. */
const keptRounds = 3;

/** An authority at work: what its jobs share while the process lives. */
interface Authority {
  readonly deps: AuthorityDeps;
  readonly self: PublicKeyHex;
  readonly gather: GatherDeps;
  readonly round: RoundDeps;
  readonly follow: FollowDeps;
  /** What became of documents since the log was written. */
  readonly counts: Map<string, number>;
  readonly reading: Reading;
  readonly documents: DirectoryReading;
  readonly known: () => ReadonlySet<string>;
  readonly listUpTo: ListUpTo;
}

const measuredBy = ({ deps }: Authority, now: number): ReadonlyMap<NodeId, Measured> => {
  const { store, rules } = deps;
  const { periodMs } = rules;
  return measure(store.probeResults(now - measuredMs(periodMs)), { waitMs: probeWaitMs(periodMs), now });
};

/** An authority over these dependencies; one for the life of the process. */
const authorityOf = (deps: AuthorityDeps): Authority => {
  const { store, rules, secretKey, rng, base64, compression, clock, from, log } = deps;
  const self = publicKeyOf(secretKey);
  if (!rules.authorities.some(({ key }) => key === self)) throw new Bug('an authority is among the authorities');
  const { authorities, periodMs } = rules;
  const follow: FollowDeps = {
    store: authorities.length === 1 ? withoutListsAhead(store, () => clock.now()) : store,
    base64,
    compression,
    rng,
    log,
    from,
    followed: { authorities, threshold: moreThanHalf(authorities.length), periodMs, urls: [] },
    prefers: 'authorities',
    receivesMail: true,
    fetchUrl: undefined,
    files: [],
    answers: { bounds: usualAnswerBounds, cache: answerCache() },
  };
  const mail = dispatchWith({ store, rng, base64, compression, from });
  const listUpTo = listsIn(store);
  const { candidatesPerHour } = rules;
  const perOperator = rules.candidatesPerOperatorPerHour ?? Math.max(1, Math.ceil(candidatesPerHour / 4));
  const common = { ...deps, self, mail, previousOf: (number: number) => listUpTo(number - 1) };
  const authority: Authority = {
    deps,
    self,
    listUpTo,
    counts: new Map(),
    reading: new Reading(deps),
    documents: directoryReading(),
    known: knownAccounts(follow),
    follow,
    gather: { ...common, rules: { ...rules, candidatesPerOperatorPerHour: perOperator } },
    round: {
      ...common,
      hasList: (number) => store.consensuses().some((one) => number === undefined || one.number === number),
      isReady: (now) => isReady({ store, rules }, now),
      accept: (text, now) => void takeFollowed(follow, { kind: 'network', text }, noMail, now),
      ballotFor: (number, now) =>
        ballotFor(
          { store, rules },
          { number, previous: listUpTo(number - 1), measured: measuredBy(authority, now), now },
        ),
    },
  };
  return authority;
};

/** Acts upon a document that came by mail, whoever sent it. In a transaction. @returns whether it is of use here */
const take = (authority: Authority, document: FoundDocument, mail: DocumentMail, now: number): boolean => {
  const { kind, text } = document;
  const { gather: gathering, round, follow, counts } = authority;
  const count = (what: string, outcome: string): void => {
    counts.set(`${what}/${outcome}`, (counts.get(`${what}/${outcome}`) ?? 0) + 1);
  };
  try {
    if (isCouncilKind(kind)) {
      const outcome = hear(round, kind, text, now);
      if (kind === 'endorsement') takeFollowed(follow, document, mail, now);
      return outcome === 'kept' || outcome === 'known' || outcome === 'contradiction';
    }
    switch (kind) {
      case 'descriptor':
        count('descriptor', takeDescriptor(gathering, text, now));
        return true;
      case 'answer':
        count('answer', takeAnswer(gathering, text, now));
        return true;
      case 'leave':
        count('leave', takeLeave(gathering, text, now));
        return true;
      default:
        return takeFollowed(follow, document, mail, now);
    }
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    count(kind, error.code);
    return false;
  }
};

const boundsOf = ({ deps, follow }: Authority, from: string | undefined, now: number): MailBounds => {
  const isOfCouncil = (address: string): boolean =>
    deps.rules.authorities.some((one) => one.address.toLowerCase() === address.toLowerCase());
  const isExpected = from !== undefined && (isOfCouncil(from) || isAwaited(follow, from, now));
  return isExpected ? councilBounds : strangersBounds;
};

/**
 * Reads some documents in the mailbox, and probes that came home.
 *
 * @returns whether there may be more documents that can be read now
 * @throws MailError, StoreError
 */
const readOnce = async (authority: Authority, signal: AbortSignal): Promise<boolean> => {
  const { deps, counts, documents, reading } = authority;
  const reader: DirectoryMailDeps = {
    ...deps,
    reading: documents,
    known: authority.known,
    bounds: ({ from }, now) => boundsOf(authority, from, now),
    take: (document, mail, now) => take(authority, document, mail, now),
  };
  const read = { areMore: false };
  const failure = await readOrTell(async () => void (read.areMore = await readDirectoryMails(reader, signal)));
  if (counts.size > 0) deps.log.info('gather', Object.fromEntries(counts));
  counts.clear();
  if (!signal.aborted) await collectProbes({ ...deps, reading }, signal);
  if (failure !== undefined) throw failure;
  return read.areMore && !signal.aborted;
};

/** What is done once for each newest list, and forgotten after a while. */
const tidyOnce = ({ deps, self, listUpTo, follow, gather: gathering }: Authority, now: number): void => {
  const { store, rules, publisher } = deps;
  const newest = listUpTo(roundAt(rules.periodMs, now));
  const number = newest?.consensus?.number;
  if (newest !== undefined && number !== undefined && !store.isDone(number, 'gathered'))
    store.atomically(() => {
      takeListed(gathering, newest, now);
      store.setDone(number, 'gathered');
    });
  const published = `published with ${number === undefined ? 0 : store.endorsements(number).length}`;
  if (number !== undefined && publisher !== undefined && !store.isDone(number, published)) {
    publish(follow.store, publisher);
    store.setDone(number, published);
  }
  const current = roundAt(rules.periodMs, now);
  if (store.isDone(current, 'tidied')) return;
  forgetGone(gathering, now);
  store.atomically(() => {
    store.forgetRounds(current - keptRounds, self);
    store.forgetProbes(now - measuredMs(rules.periodMs) - rules.periodMs);
    store.setDone(current, 'tidied');
  });
};

/** Does all that it is time for. @throws StoreError */
const workOnce = async (authority: Authority, signal: AbortSignal): Promise<void> => {
  const { deps, gather: gathering, round, follow } = authority;
  const { clock } = deps;
  const now = clock.now();
  roundOnce(round, now);
  tidyOnce(authority, now);
  sendProbes(deps, {
    network: listInForce(authority.listUpTo, deps.rules.periodMs, now),
    measured: measuredBy(authority, now),
    now,
  });
  await followOnce(follow, now, signal);
  await challengeOnce(gathering, () => clock.now(), signal);
};

/** Hears how a mail ended: probes are on their way from then on. */
const ended =
  ({ store }: Pick<AuthorityDeps, 'store'>): NonNullable<PostDeps['ended']> =>
  ({ kind, raw }, _end, now) => {
    if (kind === 'packets') store.probesSent(sha256(raw), now);
  };

/** The list in force at an authority, as its store has it. */
export const listAtAuthority = ({
  store,
  rules,
}: Pick<AuthorityDeps, 'store' | 'rules'>): ((now: number) => Network | undefined) => {
  const listUpTo = listsIn(store);
  return (now) => listInForce(listUpTo, rules.periodMs, now);
};

/** One turn of everything, in order, as tests and simulations run an authority. */
export const authorityTurn = (deps: AuthorityDeps): ((signal: AbortSignal) => Promise<void>) => {
  const authority = authorityOf(deps);
  return async (signal) => {
    while (await readOnce(authority, signal));
    await workOnce(authority, signal);
    await postDue({ ...deps, ended: ended(deps) }, signal);
  };
};

/** How often an authority looks whether it is time for something. */
const workSchedule = (periodMs: number): string => (periodMs < 10 * minuteMs ? '* * * * * *' : '*/10 * * * * *');
const operatorSchedule = '23 * * * *';

/**
 * Runs an authority until the signal aborts, then lets every job come to its end and hands over what is due.
 *
 * @throws Bug, or whatever our own mistake threw
 */
export const runAuthority = async (
  world: AuthorityDeps,
  signal: AbortSignal,
  vitals = new Vitals('authority'),
): Promise<void> => {
  const { store, clock, ticker, rules, pollMs } = world;
  const log = new SummedLog(world.log);
  const jobs = new Jobs(log, signal);
  const inbox = vitals.inbox(world.inbox, jobs.cut);
  const deps: AuthorityDeps = { ...world, log, inbox, outbox: vitals.outbox(world.outbox) };
  store.resumeOutgoing(clock.now());
  tellBudget(deps);
  const authority = authorityOf(deps);
  jobs.once(() =>
    vitals.start({
      clock,
      pollMs,
      listUntil: (now) => listInForce(authority.listUpTo, deps.rules.periodMs, now)?.validUntil,
    }),
  );
  jobs.every(ticker, beatSchedule, () => vitals.beat());
  const post = jobs.finishing((stop, ending) => postDue({ ...deps, ended: ended(deps) }, stop, ending));
  const work = jobs.waking(async (stop) => {
    await workOnce(authority, stop);
    post();
  });
  jobs.every(ticker, workSchedule(rules.periodMs), work);
  jobs.every(ticker, operatorSchedule, (stop) => refreshOperators(authority.gather, stop));
  jobs.every(ticker, purgeSchedule, (stop) => purgeSent({ ...deps, reading: authority.reading }, stop));
  jobs.every(ticker, tellSchedule, () => log.tell());
  jobs.every(ticker, scrubSchedule, () => scrubOnce(deps));
  jobs.loop(async (stop) => {
    vitals.turned();
    const areMore = await readOnce(authority, stop);
    if (stop.aborted) return;
    vitals.read();
    work();
    if (areMore) return;
    await inbox.waitForMail(pollMs, stop);
  });
  work();
  await jobs.finished();
  log.tell();
};
