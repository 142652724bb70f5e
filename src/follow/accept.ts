import { RouteError } from '../base/errors.js';
import { isFromTheFuture, timesOf } from '../council/timetable.js';
import type { ConsensusStore, Fork } from '../ports/follow.js';
import { digestOf, type Document, type PublicKeyHex, readDocument, timeText } from '../route/document.js';
import {
  type Consensus,
  largestNetworkCharacters,
  type Network,
  readSignedNetwork,
  type Trust,
} from '../route/network.js';

/** What a list is held against. */
export interface Chain {
  readonly store: Pick<ConsensusStore, 'consensuses' | 'consensusText' | 'pastDigest'>;
  readonly trust: Trust;
  /** Time between two lists, if the invitation names it. */
  readonly periodMs: number | undefined;
}

/** What becomes of a list that came from anywhere. */
export type Acceptance =
  /** It is one of those at hand. */
  | { readonly kind: 'known' }
  | {
      readonly kind: 'accepted';
      readonly network: Network;
      readonly consensus: Consensus;
      readonly warnings: readonly ChainWarning[];
    }
  /** It contradicts one that was accepted, and enough authorities signed both. */
  | { readonly kind: 'fork'; readonly fork: Fork }
  | { readonly kind: 'refused'; readonly error: RouteError };

/** What is odd about a list that is accepted. */
export type ChainWarning =
  /** Too many lists lie between it and the last one at hand: whether it follows from that one can't be told. */
  | 'follow/gap'
  /** It follows from a list other than the last one at hand, which is not among those before it. */
  | 'follow/left-out';

const refused = (code: RouteError['code'], message: string): Acceptance => ({
  kind: 'refused',
  error: new RouteError(code, message),
});

/** The trusted authorities whose signatures fit. */
const signersOf = (document: Document, { authorities }: Trust): readonly PublicKeyHex[] =>
  document.signatures.filter(({ by, isValid }) => authorities.includes(by) && isValid()).map(({ by }) => by);

const listDocument = (text: string): Document => readDocument('network', text, largestNetworkCharacters);

/** Who of the trusted authorities signed the newest list at hand, which vouches for all before it. */
const signersAtHand = ({ store, trust }: Chain, digest: string): readonly PublicKeyHex[] => {
  const text = store.consensusText(digest) ?? store.consensusText(store.consensuses()[0]?.digest ?? '');
  return text === undefined ? [] : signersOf(listDocument(text), trust);
};

/** Those of them who stand for the list at hand too. @param digest of the list at hand */
export const doubleSigners = (chain: Chain, digest: string, others: readonly PublicKeyHex[]): readonly PublicKeyHex[] =>
  signersAtHand(chain, digest).filter((key) => others.includes(key));

/** In words, for whoever has to find out which list is the right one. */
export const forkError = ({ number, digests, authorities }: Fork): RouteError =>
  new RouteError(
    'route/fork',
    `there are two network lists of number ${number}, each with the word of enough authorities: ${digests.join(' and ')}. ${
      authorities.length === 0
        ? 'No authority stands for both'
        : `These authorities stand for both: ${authorities.join(', ')}`
    }. Somebody shows different lists to different people, so nothing is sent by any. Ask others which digest they see (mixmailer network), and the operators of the authorities; then run mixmailer network forget-fork`,
  );

/** The first number for which the list, or one before it, is another one than was accepted. */
const contradictionIn = (
  { store }: Chain,
  { digest, consensus }: { readonly digest: string; readonly consensus: Consensus },
): { readonly number: number; readonly digests: readonly [string, string] } | undefined => {
  const all = [...consensus.history.toReversed(), { number: consensus.number, digest }];
  for (const { number, digest: other } of all) {
    const ours = store.pastDigest(number);
    if (ours !== undefined && ours !== other) return { number, digests: [ours, other] };
  }
  return undefined;
};

const warningsFor = ({ store }: Chain, { history, number }: Consensus): readonly ChainWarning[] => {
  const newest = store.consensuses()[0];
  if (newest === undefined || history.some((past) => past.number === newest.number)) return [];
  const oldest = history.at(-1)?.number ?? number;
  return [newest.number < oldest ? 'follow/gap' : 'follow/left-out'];
};

/** Why its times and number are not those of a list of this network that can be of use, or undefined. */
const timesObjection = (chain: Chain, network: Network, consensus: Consensus, now: number): Acceptance | undefined => {
  const { number, periodMs } = consensus;
  const expected = chain.store.consensuses()[0]?.periodMs ?? chain.periodMs ?? periodMs;
  const { validFrom, validUntil } = timesOf(periodMs, number);
  if (periodMs !== expected || network.validFrom !== validFrom || network.validUntil !== validUntil)
    return refused(
      'route/bad-document',
      `the network list has other times than lists every ${expected / 1000} seconds; if the authorities have changed that, join the network again`,
    );
  if (now >= validUntil)
    return refused('route/expired', `a network list came that was valid until ${timeText(validUntil)}`);
  if (isFromTheFuture(periodMs, number, now))
    return refused(
      'route/not-yet-valid',
      `a network list came that is valid from ${timeText(validFrom)} on; is this machine's clock right?`,
    );
  return undefined;
};

/**
 * Decides on a list, from whomever it came: enough trusted authorities have signed it, its times are those of the
 * timetable, it is newer than any at hand, and it contradicts none that was accepted before. What a list at hand says of
 * those before it counts as accepted.
 *
 * Signatures are counted first: the rest of a stranger's list is not worth a look.
 *
 * Not protected: authorities that agree to lie from the first list on.
 */
export const acceptList = (text: string, chain: Chain, now: number): Acceptance => {
  try {
    const { trust, store } = chain;
    const document = listDocument(text);
    const kept = store.consensuses();
    if (kept.some((known) => known.digest === digestOf(document.body))) return { kind: 'known' };
    const network = readSignedNetwork(document.text, trust);
    const { consensus, digest } = network;
    if (consensus === undefined)
      return refused('route/bad-document', 'a network list came that has no number, and so no place among others');
    const found = contradictionIn(chain, { digest, consensus });
    if (found !== undefined) {
      const authorities = doubleSigners(chain, found.digests[0], signersOf(document, trust));
      return { kind: 'fork', fork: { ...found, authorities, evidence: document.text, seenAt: now } };
    }
    const newest = kept[0];
    if (newest !== undefined && consensus.number <= newest.number)
      return refused(
        'route/stale',
        `a network list of number ${consensus.number} came, older than the one of number ${newest.number} at hand`,
      );
    const objection = timesObjection(chain, network, consensus, now);
    if (objection !== undefined) return objection;
    return { kind: 'accepted', network, consensus, warnings: warningsFor(chain, consensus) };
  } catch (error) {
    if (error instanceof RouteError) return { kind: 'refused', error };
    throw error;
  }
};
