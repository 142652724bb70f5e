import { moreThanHalf } from '../council/majority.js';
import { readReveal, type Reveal } from '../council/reveal.js';
import { readVote, type Vote } from '../council/vote.js';
import type { RoundStore } from '../ports/authority.js';
import type { RoundRules } from './round.js';

interface CountDeps {
  readonly store: Pick<RoundStore, 'councilDocuments' | 'contradictions'>;
  readonly rules: Pick<RoundRules, 'authorities'>;
}

export const revealsFor = ({ store }: Pick<CountDeps, 'store'>, number: number): readonly Reveal[] =>
  store.councilDocuments(number, 'reveal').map(({ text }) => readReveal(text));

/**
 * The votes that were made before secrets were opened: all but one of a threshold of the others had them when they
 * opened theirs. A vote made later could choose its secret so that the randomness is what its maker wants.
 */
export const countedVotes = (
  { store, rules }: CountDeps,
  number: number,
  reveals: readonly Reveal[],
): readonly Vote[] => {
  const needed = moreThanHalf(rules.authorities.length) - 1;
  return store
    .councilDocuments(number, 'vote')
    .filter(({ authority, digest }) => {
      const others = reveals.filter(
        (reveal) => reveal.authority !== authority && reveal.seen.get(authority) === digest,
      );
      return others.length >= needed;
    })
    .map(({ text }) => readVote(text));
};

/** Who has contradicted itself for that number or an earlier one: what it says does not count any more. */
export const excludedFrom = ({ store }: Pick<CountDeps, 'store'>, number: number): ReadonlySet<string> =>
  new Set(
    store
      .contradictions()
      .filter((one) => one.number <= number)
      .map(({ authority }) => authority),
  );
