import type { PublicKeyHex } from '../route/document.js';
import type { PastConsensus } from '../route/network.js';
import type { CursorStore, OutgoingStore, Store } from './stores.js';

export type { PastConsensus } from '../route/network.js';

/** A network list that was accepted. */
export interface KeptConsensus extends PastConsensus {
  readonly periodMs: number;
  readonly acceptedAt: number;
}

/** Two lists of one number, each with the word of enough authorities. */
export interface Fork {
  readonly number: number;
  /** The list that this process has used, and the other one. */
  readonly digests: readonly [string, string];
  /** Authorities that stand for both. */
  readonly authorities: readonly PublicKeyHex[];
  /** What shows the other one: a list, or endorsements of one. */
  readonly evidence: string;
  readonly seenAt: number;
}

/** Lists, and what is known of those before them. */
export interface ConsensusStore {
  /** Newest number first, at most 4, and those that were kept while the clock was ahead and are later than the last one. */
  readonly consensuses: () => readonly KeptConsensus[];
  /** The signed list, while it is one of those. */
  readonly consensusText: (digest: string) => string | undefined;
  /** Keeps an accepted list in place of the oldest of 4, not counting later ones, and what its history says of those before it. */
  readonly keepConsensus: (
    consensus: KeptConsensus & { readonly text: string; readonly history: readonly PastConsensus[] },
  ) => void;
  /** The digest of the list of that number, as accepted lists have it; of the last 64 numbers. */
  readonly pastDigest: (number: number) => string | undefined;
  /** As long as there is one, no list is to be used. */
  readonly forks: () => readonly Fork[];
  /** Keeps it, if it is not known and there are fewer than 4. */
  readonly addFork: (fork: Fork) => void;
  /**
   * The operator has seen the forks: forgets them, and every list and digest of the first number in question or a later
   * one, so that the next list that comes is accepted.
   *
   * @returns how many forks
   */
  readonly forgetForks: () => number;
}

/** A signed word of one authority: that it stands for the list of that digest. */
export interface HeardEndorsement {
  readonly authority: PublicKeyHex;
  readonly number: number;
  readonly digest: string;
  /** The document, canonical. */
  readonly text: string;
}

/** What single authorities said of a list. */
export interface EndorsementStore {
  /** Keeps it, if fewer than 2 of that authority and number are kept. @returns whether it is new */
  readonly keepEndorsement: (endorsement: HeardEndorsement) => boolean;
  readonly endorsements: (number: number) => readonly HeardEndorsement[];
  readonly forgetEndorsements: (beforeNumber: number) => void;
}

/** What is to be done for the list of a number. */
export interface AskPlan {
  readonly number: number;
  /** `ask` while the list is missing, `compare` once it is there. */
  readonly kind: 'ask' | 'compare';
  /** When the next source is asked. */
  readonly at: number;
}

export interface AskStore {
  readonly askPlan: () => AskPlan | undefined;
  readonly setAskPlan: (plan: AskPlan) => void;
  /** Notes whom a list was asked of, before it is. */
  readonly addAsk: (number: number, source: string, at: number) => void;
  /** In order. */
  readonly asks: (number: number) => readonly { readonly source: string; readonly at: number }[];
  readonly forgetAsks: (beforeNumber: number) => void;
}

/** Answers that were given, for their bounds. */
export interface AnswerStore {
  /** @param asker a hash of the address: whose mailboxes these are is nobody's business */
  readonly countAnswer: (asker: string, at: number, bytes: number) => void;
  readonly answersTo: (asker: string, since: number) => number;
  readonly answersSince: (since: number) => { readonly count: number; readonly bytes: number };
  readonly forgetAnswers: (before: number) => void;
}

/** What a process keeps that follows the lists of a network. */
export interface FollowStore extends ConsensusStore, EndorsementStore, AskStore, AnswerStore {}

/** `FollowStore` with what else following needs of a role's store. */
export interface DirectoryStore extends Store, CursorStore, Pick<OutgoingStore, 'addOutgoing'>, FollowStore {}

/** How a look at a web server ended. */
export type FetchOutcome =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  /** The server has no such file. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly why: 'connect' | 'tls' | 'timeout' | 'status' | 'too-large' };

/**
 * Gets a file from a web server, of at most that many bytes. Never rejects for what a server says or a network does.
 *
 * @param url `https://`
 */
export type FetchUrl = (url: string, mostBytes: number, signal: AbortSignal) => Promise<FetchOutcome>;

/** A file somebody may put a list into. @returns its text if it has changed since the last call */
export type ListFile = () => string | undefined;
