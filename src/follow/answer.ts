import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { mostAnswerBytes, mostAnswers, mostAnswersPerAddress, mostPackedAnswers } from '../base/bounds.js';
import { ascii, toHex } from '../base/bytes.js';
import type { Compression } from '../base/compression.js';
import type { Rng } from '../base/random.js';
import { RouteError } from '../base/errors.js';
import { composePackedMail, packDocuments } from '../carrier/directory-mail.js';
import { makeDiff } from '../council/diff.js';
import { readRequest } from '../council/request.js';
import type { AnswerStore, ConsensusStore, EndorsementStore, KeptConsensus } from '../ports/follow.js';
import type { Log } from '../ports/log.js';
import type { OutgoingStore } from '../ports/stores.js';
import type { DocumentMail } from './mails.js';

/** How much a process answers in a period. */
export interface AnswerBounds {
  readonly perAddress: number;
  readonly count: number;
  /** Of attachments. */
  readonly bytes: number;
}

export const usualAnswerBounds: AnswerBounds = {
  perAddress: mostAnswersPerAddress,
  count: mostAnswers,
  bytes: mostAnswerBytes,
};

export interface AnswerDeps {
  readonly store: Pick<OutgoingStore, 'addOutgoing'> &
    Pick<ConsensusStore, 'consensuses' | 'consensusText'> &
    Pick<EndorsementStore, 'endorsements'> &
    AnswerStore;
  readonly base64: Base64;
  readonly compression: Compression;
  readonly rng: Rng;
  readonly log: Log;
  /** The account's own address. */
  readonly from: string;
  /** All addresses of the process; `from` alone, if nothing is said. */
  readonly own?: readonly string[];
  readonly bounds: AnswerBounds;
  /** From `answerCache`, kept for the life of the process. */
  readonly cache: AnswerCache;
}

/** What became of a request. */
export type Answered = 'answered' | 'automatic' | 'nobody' | 'too-many' | 'nothing' | 'malformed';

/** Attachments that were made, by what their askers had. */
export interface AnswerCache {
  readonly packed: (state: string, have: string, make: () => Uint8Array | undefined) => Uint8Array | undefined;
}

/** Making a difference and compressing it takes a second where the list is long, and thousands ask for the same few. */
export const answerCache = (): AnswerCache => {
  let about = '';
  const made = new Map<string, Uint8Array | undefined>();
  return {
    packed: (state, have, make) => {
      if (state !== about || made.size >= mostPackedAnswers) made.clear();
      about = state;
      if (!made.has(have)) made.set(have, make());
      return made.get(have);
    },
  };
};

/** Plus addresses of one mailbox are one asker; of a hash nobody reads an address off by looking. */
const askerOf = (address: string): string =>
  toHex(sha256(ascii(address.toLowerCase().replace(/\+[^@]*@/, '@')))).slice(0, 32);

/** What an asker lacks: what was signed of the newest list; before it, unless they have that list, how to come to it. */
const documentsFor = (
  { store, log }: AnswerDeps,
  newest: KeptConsensus,
  have: KeptConsensus | undefined,
): readonly string[] => {
  const endorsements = store.endorsements(newest.number).map(({ text }) => text);
  if (have?.digest === newest.digest) return endorsements;
  const text = store.consensusText(newest.digest);
  const old = have && store.consensusText(have.digest);
  if (text === undefined) return endorsements;
  if (old === undefined) return [text, ...endorsements];
  try {
    return [makeDiff(old, text), ...endorsements];
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    log.warn(error.code, { message: error.message });
    return [text, ...endorsements];
  }
};

/**
 * Answers a request for the list, to the address in the From of its mail: with endorsements to who has the newest list,
 * with a difference to who has one of the lists before it that are at hand, with the whole list to everybody else.
 * Requests in automatic mail, from an own address, and beyond the bounds get no answer, and no sign. In a transaction.
 *
 * Not protected: somebody who forges From makes this process mail the list to a stranger, within the bounds.
 */
export const answerRequest = (deps: AnswerDeps, text: string, mail: DocumentMail, now: number): Answered => {
  const { store, base64, compression, rng, from, own = [from], bounds, cache } = deps;
  if (mail.isAutomatic) return 'automatic';
  const writer = mail.from?.toLowerCase();
  if (mail.from === undefined || own.some((address) => address.toLowerCase() === writer)) return 'nobody';
  let wanted: string | undefined;
  try {
    wanted = readRequest(text).have;
  } catch (error) {
    if (error instanceof RouteError) return 'malformed';
    throw error;
  }
  const kept = store.consensuses();
  const [newest] = kept;
  if (newest === undefined) return 'nothing';
  const asker = askerOf(mail.from);
  const since = now - newest.periodMs;
  store.forgetAnswers(since);
  const given = store.answersSince(since);
  if (store.answersTo(asker, since) >= bounds.perAddress || given.count >= bounds.count) return 'too-many';
  const have = kept.find(({ digest }) => digest === wanted);
  // Endorsements come one by one, and what was made before the last one says less.
  const state = `${newest.digest} ${store.endorsements(newest.number).length}`;
  const packed = cache.packed(state, have?.digest ?? '', () => {
    const documents = documentsFor(deps, newest, have);
    return documents.length === 0 ? undefined : packDocuments(documents, compression);
  });
  if (packed === undefined) return 'nothing';
  if (given.bytes + packed.length > bounds.bytes) return 'too-many';
  const raw = composePackedMail({ from, to: mail.from, packed, now, rng }, base64);
  store.countAnswer(asker, now, packed.length);
  store.addOutgoing({ kind: 'directory', to: mail.from, raw }, now);
  return 'answered';
};
