import { toHex } from '../../src/base/bytes.js';
import { signEndorsement } from '../../src/council/endorsement.js';
import { commitOf, signReveal } from '../../src/council/reveal.js';
import { readVote, signVote, type Vote, type VoteDraft } from '../../src/council/vote.js';
import type { CouncilKind } from '../../src/ports/authority.js';
import type { FakeAuthority, FakeDirectory } from '../fakes/directory.js';
import { at } from './stories.js';

/** Times of the round that ends with the next list. */
export const nextRound = ({ now, periodMs }: FakeDirectory) => {
  const number = Math.floor(now() / periodMs) + 1;
  const eighths = (count: number): number => number * periodMs - (count * periodMs) / 8;
  return {
    number,
    voteAt: eighths(4),
    revealAt: eighths(3),
    echoAt: eighths(2),
    signAt: eighths(1),
    validFrom: eighths(0),
  };
};

/** What an authority said for a number, as another one heard it. */
export const saidBy = (listener: FakeAuthority, kind: CouncilKind, number: number, key: string): string => {
  const text = listener.store.councilDocument(number, kind, key)?.text;
  if (text === undefined) throw new Error(`no ${kind} was heard`);
  return text;
};

/** An authority whose key is in the hands of somebody who lies: its own process does not run any more. */
export const liarIn = (directory: FakeDirectory, index: number) => {
  const liar = at(directory.authorities, index);
  liar.isDead = true;
  const honest = directory.authorities.filter(({ key }) => key !== liar.key);
  const secret = toHex(directory.rng(32));
  /** The vote of an honest authority under the liar's key, with such changes. */
  const vote = (number: number, changes: (like: Vote) => Partial<VoteDraft> = () => ({})): string => {
    const model = honest.find(({ isDead }) => !isDead);
    if (model === undefined) throw new Error('nobody is honest');
    const like = readVote(saidBy(model, 'vote', number, model.key));
    return signVote({ ...like, commit: commitOf(liar.key, number, secret), ...changes(like) }, liar.secretKey);
  };
  const reveal = (number: number, seen: ReadonlyMap<string, string> = new Map()): string =>
    signReveal({ number, secret, seen }, liar.secretKey);
  const endorse = (number: number, body: string): string => signEndorsement({ number, body }, liar.secretKey);
  const tell = async (to: readonly FakeAuthority[], documents: readonly string[]): Promise<void> => {
    for (const { account } of to) await directory.mail(liar.account.address, account.address, documents);
  };
  return { ...liar, honest, vote, reveal, endorse, tell, secret };
};
