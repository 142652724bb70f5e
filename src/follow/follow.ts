import { RouteError, unreachable } from '../base/errors.js';
import { dayMs } from '../base/units.js';
import { mostDocuments, mostListBytes, mostUnaskedBytes } from '../base/bounds.js';
import { composeDirectoryMail } from '../carrier/directory-mail.js';
import { applyDiff, endsOfDiff } from '../council/diff.js';
import { documentsIn, type FoundDocument, namedSigner } from '../council/documents.js';
import { endorsersOf, readEndorsement } from '../council/endorsement.js';
import { formatRequest } from '../council/request.js';
import { wantedNumber } from '../council/timetable.js';
import type { DirectoryStore, FetchUrl, ListFile } from '../ports/follow.js';
import type { AuthorityAddress, Network, Trust } from '../route/network.js';
import { accountsOf } from '../route/descriptor.js';
import { readSignedNetwork } from '../route/network.js';
import { senderOf } from '../post/intake.js';
import { acceptList, doubleSigners, forkError } from './accept.js';
import type { AnswerBounds, AnswerCache, AnswerDeps } from './answer.js';
import { answerRequest } from './answer.js';
import type { AskView, Source } from './ask.js';
import { chooseSource, nameOf, planAfter, planAt, sourcesOf } from './ask.js';
import type { DocumentMail, MailBounds } from './mails.js';
import { readPublished } from './published.js';

/** The network that is followed, as an invitation names it. */
export interface FollowedNetwork {
  readonly authorities: readonly AuthorityAddress[];
  /** How many of them must have signed a list. */
  readonly threshold: number;
  readonly periodMs: number | undefined;
  /** Folders of web servers that have lists: `https://...`, without a slash at the end. */
  readonly urls: readonly string[];
}

export interface FollowDeps extends Omit<AnswerDeps, 'bounds' | 'cache' | 'store'> {
  readonly store: DirectoryStore;
  readonly followed: FollowedNetwork;
  /** Nodes ask authorities first, clients nodes. */
  readonly prefers: 'authorities' | 'nodes';
  /** Whether the mailbox is read, so that an answer can come by mail. */
  readonly receivesMail: boolean;
  readonly fetchUrl: FetchUrl | undefined;
  readonly files: readonly ListFile[];
  /** Of who answers requests: nodes and authorities. */
  readonly answers: { readonly bounds: AnswerBounds; readonly cache: AnswerCache } | undefined;
}

export const trustOf = ({ authorities, threshold }: FollowedNetwork): Trust => ({
  authorities: authorities.map(({ key }) => key),
  threshold,
});

/** Time between two lists; a day as long as nobody has said so. */
export const periodOf = ({ store, followed }: Pick<FollowDeps, 'store' | 'followed'>): number =>
  store.consensuses()[0]?.periodMs ?? followed.periodMs ?? dayMs;

const newestNetwork = ({ store, followed }: Pick<FollowDeps, 'store' | 'followed'>): Network | undefined => {
  const [newest] = store.consensuses();
  const text = newest && store.consensusText(newest.digest);
  try {
    return text === undefined ? undefined : readSignedNetwork(text, trustOf(followed));
  } catch (error) {
    // Signed by those who were trusted before.
    if (error instanceof RouteError) return undefined;
    throw error;
  }
};

/** Who has the list and compares it waits for the answer for so many periods: mail takes minutes, and at times hours. */
const comparedPeriods = 1 / 8;

/** Who was asked for the list of the wanted number, or of the one before it: the next may have had its turn since. */
const askedLast = ({ store }: Pick<FollowDeps, 'store'>): ReturnType<DirectoryStore['asks']> => {
  const plan = store.askPlan();
  return plan === undefined ? [] : [plan.number - 1, plan.number].flatMap((number) => store.asks(number));
};

/**
 * Whether an answer of that mailbox is waited for: it was asked for the list, and that has not come; or it was asked lately
 * whether it has the same.
 */
export const isAwaited = (deps: Pick<FollowDeps, 'store' | 'followed'>, from: string, now: number): boolean => {
  const { store } = deps;
  const isHeld = (store.consensuses()[0]?.number ?? -1) >= (store.askPlan()?.number ?? Infinity);
  const waitMs = periodOf(deps) * (isHeld ? comparedPeriods : 1);
  return askedLast(deps).some(({ source, at }) => source === from.toLowerCase() && now - at < waitMs);
};

/**
 * The accounts from which documents are to be expected: of the authorities, of the nodes in the newest list, and of whom it
 * was asked for. What strangers mail waits for its turn beside theirs.
 */
export const knownAccounts = (deps: Pick<FollowDeps, 'store' | 'followed'>): (() => ReadonlySet<string>) => {
  const { store, followed } = deps;
  const authorities = followed.authorities.map(({ address }) => senderOf(address));
  let digest: string | undefined;
  let nodes: readonly string[] = [];
  return () => {
    const newest = store.consensuses()[0]?.digest;
    // Reading a list of a thousand nodes takes a second.
    if (newest !== digest) nodes = (newestNetwork(deps)?.nodes ?? []).flatMap(accountsOf).map(senderOf);
    digest = newest;
    return new Set([...authorities, ...nodes, ...askedLast(deps).map(({ source }) => senderOf(source))]);
  };
};

/** How much a directory mail may bring: a whole list, from whom one is awaited. */
export const followedBounds = (
  deps: Pick<FollowDeps, 'store' | 'followed'>,
  { from }: DocumentMail,
  now: number,
): MailBounds => ({
  bytes: from !== undefined && isAwaited(deps, from, now) ? mostListBytes : mostUnaskedBytes,
  documents: mostDocuments,
});

/** Lists before the newest one of which endorsements are kept. */
const endorsedNumbers = 4;

/** Endorsements of the list of that number, by what they say; enough of them for another list than ours are a fork. */
const lookForFork = ({ store, followed, log }: FollowDeps, number: number, now: number): void => {
  const ours = store.pastDigest(number);
  if (ours === undefined) return;
  const trust = trustOf(followed);
  const heard = store.endorsements(number).map((one) => readEndorsement(one.text));
  for (const digest of new Set(heard.map((one) => one.digest))) {
    if (digest === ours) continue;
    const others = endorsersOf(heard, digest, trust);
    if (others.length < trust.threshold) continue;
    const authorities = doubleSigners({ store, trust, periodMs: undefined }, ours, others);
    const evidence = heard.filter((one) => one.digest === digest).map(({ text }) => text);
    const fork = { number, digests: [ours, digest] as const, authorities, evidence: evidence.join(''), seenAt: now };
    store.addFork(fork);
    const { code, message } = forkError(fork);
    log.warn(code, { message });
  }
};

const takeList = (deps: FollowDeps, text: string, now: number): void => {
  const { store, followed, log } = deps;
  const chain = { store, trust: trustOf(followed), periodMs: followed.periodMs };
  const acceptance = acceptList(text, chain, now);
  switch (acceptance.kind) {
    case 'known':
      return;
    case 'accepted': {
      const { network, consensus, warnings } = acceptance;
      const { digest } = network;
      const { number, periodMs, history } = consensus;
      store.keepConsensus({ number, digest, periodMs, history, text: network.text, acceptedAt: now });
      store.forgetEndorsements(number - endorsedNumbers);
      store.forgetAsks(number - 1);
      log.info('follow/list', { number, nodes: network.nodes.length });
      for (const warning of warnings) log.warn(warning, { number });
      lookForFork(deps, number, now);
      return;
    }
    case 'fork': {
      store.addFork(acceptance.fork);
      const { code, message } = forkError(acceptance.fork);
      log.warn(code, { message });
      return;
    }
    case 'refused':
      log.info('follow/refused', { why: acceptance.error.code });
      return;
    default:
      unreachable(acceptance);
  }
};

const takeDiff = (deps: FollowDeps, text: string, now: number): void => {
  const { from, to } = endsOfDiff(text);
  const { store } = deps;
  const old = store.consensusText(from);
  if (old === undefined || store.consensuses().some(({ digest }) => digest === to)) return;
  // What is copied stands in the old list, and each piece is needed once; the rest is in the difference.
  takeList(deps, applyDiff(old, text, old.length + text.length), now);
};

const takeEndorsement = (deps: FollowDeps, text: string, now: number): void => {
  const { store, followed, log } = deps;
  if (!followed.authorities.some(({ key }) => key === namedSigner(text))) return;
  const endorsement = readEndorsement(text);
  const { authority, number, digest } = endorsement;
  const wanted = wantedNumber(periodOf(deps), now);
  const newest = store.consensuses()[0]?.number ?? wanted;
  const isOfUse = number >= newest - endorsedNumbers && number <= wanted + 1;
  if (!isOfUse) return;
  if (!store.keepEndorsement({ authority, number, digest, text: endorsement.text })) return;
  const ours = store.pastDigest(number);
  if (ours === undefined || ours === digest) return;
  // One of them may be wrong, or lie, and stops nobody.
  log.warn('follow/other-list', { number, authority });
  lookForFork(deps, number, now);
};

/**
 * Acts upon a document if it is one of those by which lists are followed: a list, a difference between lists, an
 * endorsement, or a request. In a transaction; nothing from the network makes it throw.
 *
 * @returns whether it is such a document
 */
export const takeFollowed = (
  deps: FollowDeps,
  { kind, text }: FoundDocument,
  mail: DocumentMail,
  now: number,
): boolean => {
  try {
    switch (kind) {
      case 'network':
        takeList(deps, text, now);
        return true;
      case 'diff':
        takeDiff(deps, text, now);
        return true;
      case 'endorsement':
        takeEndorsement(deps, text, now);
        return true;
      case 'request':
        if (deps.answers !== undefined) answerRequest({ ...deps, ...deps.answers }, text, mail, now);
        return true;
      default:
        return false;
    }
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    deps.log.info('follow/refused', { why: error.code });
    return true;
  }
};

/** Nobody mailed it, so there is nobody to answer. */
const noMail: DocumentMail = { from: undefined, isAutomatic: true };

/** Acts upon documents that came otherwise than by mail. In a transaction of its own. */
const takeText = (deps: FollowDeps, documents: readonly FoundDocument[], now: number): void => {
  deps.store.atomically(() => {
    for (const document of documents.slice(0, mostDocuments)) takeFollowed(deps, document, noMail, now);
  });
};

/** Whoever is to be asked now, if anybody is; a mail to them is among the outgoing ones. In a transaction. */
const ask = (deps: FollowDeps, now: number): Source | undefined => {
  const { store, followed, prefers, receivesMail, fetchUrl, from, own = [from], rng, base64, compression } = deps;
  const [newest] = store.consensuses();
  const askedFor = (number: number): number => store.asks(number).length;
  const view: AskView = { periodMs: periodOf(deps), newest, plan: store.askPlan(), prefers, askedFor };
  const plan = planAt(view, now, rng);
  if (plan !== view.plan) store.setAskPlan(plan);
  if (now < plan.at) return undefined;
  const sources = sourcesOf(followed, newestNetwork(deps), own, prefers).filter(({ kind }) =>
    kind === 'url' ? fetchUrl !== undefined : receivesMail,
  );
  const asked = store.asks(plan.number).map(({ source }) => source);
  const source = chooseSource(sources, asked, prefers, rng);
  store.setAskPlan(planAfter(view, plan, now, rng));
  if (source === undefined) return undefined;
  store.addAsk(plan.number, nameOf(source), now);
  if (source.kind === 'url') return source;
  const documents = [formatRequest({ have: newest?.digest })];
  const raw = composeDirectoryMail({ from, to: source.address, documents, now, rng }, base64, compression);
  store.addOutgoing({ kind: 'directory', to: source.address, raw }, now);
  return source;
};

/**
 * Does what is due for the list: reads the files that have changed, and asks a source when its time has come; a web
 * server is read at once, others answer by mail. Called every few seconds.
 *
 * @returns whether there is a mail to post
 * @throws StoreError, ConfigError (a file)
 */
export const followOnce = async (deps: FollowDeps, now: number, signal: AbortSignal): Promise<boolean> => {
  const { store, files, fetchUrl, log } = deps;
  for (const file of files) {
    const text = file();
    if (text !== undefined) takeText(deps, documentsIn(text), now);
  }
  const source = store.atomically(() => ask(deps, now));
  if (source?.kind !== 'url' || fetchUrl === undefined) return source !== undefined;
  const { documents, outcome } = await readPublished(fetchUrl, source.url, store.consensuses()[0]?.digest, signal);
  log.info('follow/web', { outcome });
  takeText(deps, documents, now);
  return false;
};
