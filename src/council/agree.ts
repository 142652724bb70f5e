import { mostHistory } from '../route/consensus.js';
import { digestOf, type PublicKeyHex } from '../route/document.js';
import {
  type AuthorityAddress,
  largestNetworkCharacters,
  type Network,
  networkBody,
  type NetworkParameters,
  type PastConsensus,
} from '../route/network.js';
import { admitted } from './admission.js';
import { majorityOf, moreThanHalf } from './majority.js';
import { membersOf } from './members.js';
import { commitOf, type Reveal } from './reveal.js';
import { timesOf } from './timetable.js';
import type { Vote } from './vote.js';

/** All that an authority has heard in a round. The order of votes and reveals means nothing. */
export interface AgreeInput {
  readonly number: number;
  readonly periodMs: number;
  /** All of the configuration, the authority itself included. */
  readonly authorities: readonly AuthorityAddress[];
  readonly votes: readonly Vote[];
  readonly reveals: readonly Reveal[];
  /** Authorities that evidence is held against. */
  readonly excluded: ReadonlySet<PublicKeyHex>;
  /** The newest list this authority holds; undefined: it has never had one. */
  readonly previous: Network | undefined;
  /** Canonical text of a descriptor by its digest; those of `previous` need not be there. */
  readonly descriptorOf: (digest: string) => string | undefined;
}

export type Agreement =
  | {
      readonly kind: 'agreed';
      /** Of the list; whoever saw the same inputs has the same bytes. */
      readonly body: string;
      /** Of the list. */
      readonly digest: string;
    }
  | {
      readonly kind: 'none';
      readonly why: NoAgreement;
      /** Digests of what would help: of the list before (`no-previous`), of descriptors (`no-descriptor`). */
      readonly missing: readonly string[];
    };

export type NoAgreement =
  /** Votes that count, with reveals that fit, are not more than half of all authorities. */
  | 'too-few-votes'
  /** No list before is named by more than half, or it isn't the one at hand. */
  | 'no-previous'
  /** In the first list: not more than half want the same parameters and authorities. */
  | 'no-parameters'
  /** A descriptor that others have is not at hand. */
  | 'no-descriptor'
  /** No node would be in the list. */
  | 'no-nodes';

/** Lines before the nodes, signatures behind them: 64 authorities, 32 lines of history, 64 signatures are 36,000. */
const roomForTheRest = 65_536;

/** One authority's part in a round. */
interface Ballot {
  readonly vote: Vote;
  readonly secret: string;
}

/**
 * The list that the votes of a round make.
 *
 * What changes from one list to the next is what more than half of all authorities want; all else stays. So half of them
 * can stop the network at worst, and change nothing: not who is in it, nor its parameters, nor what it says of a node.
 *
 * Not protected: more than half that agree to lie. The last one to reveal can choose between two values of randomness,
 * with its secret and without.
 */
export const agree = (input: AgreeInput): Agreement => {
  const { number, periodMs } = input;
  const keys = [...new Set(input.authorities.map(({ key }) => key))];
  const needed = moreThanHalf(keys.length);
  const ballots = ballotsOf(input, keys);
  if (ballots.length < needed) return none('too-few-votes');
  const votes = ballots.map(({ vote }) => vote);

  const chain = chainOf(input, votes, needed);
  if (chain.kind === 'none') return chain;
  const { previous } = chain;
  const parameters = parametersOf(votes, needed, previous?.parameters);
  const authorities =
    majorityOf(votes.map(authoritiesByKey), textOfAuthorities, needed)?.value ?? previous?.consensus?.authorities;
  if (parameters === undefined || authorities === undefined) return none('no-parameters');

  const { members, missing } = membersOf({
    votes,
    needed,
    liars: keys.length - needed,
    previous,
    descriptorOf: input.descriptorOf,
  });
  if (missing.length > 0) return none('no-descriptor', missing);
  const randomness = randomnessOf(number, previous?.digest, ballots);
  const nodes = admitted(members, {
    randomness,
    mostPerOperator: mostInList(parameters),
    mostCharacters: largestNetworkCharacters - roomForTheRest,
  });
  if (nodes.length === 0) return none('no-nodes');

  const { validFrom, validUntil } = timesOf(periodMs, number);
  const body = networkBody({
    validFrom,
    validUntil,
    ...(previous === undefined ? {} : { previous: previous.digest }),
    parameters,
    consensus: { number, periodMs, randomness, authorities, history: chain.history },
    standings: new Map(nodes.map(({ descriptor, standing }) => [descriptor.nodeId, standing])),
    descriptors: nodes.map(({ descriptor }) => descriptor.text),
  });
  return { kind: 'agreed', body, digest: digestOf(body) };
};

const none = (why: NoAgreement, missing: readonly string[] = []): Agreement & { readonly kind: 'none' } => ({
  kind: 'none',
  why,
  missing,
});

/** The one thing that was said, or undefined if there is none, or another as well. */
const onlyOne = <T extends { readonly digest: string }>(said: readonly T[]): T | undefined =>
  said.every(({ digest }) => digest === said[0]?.digest) ? said[0] : undefined;

/** What counts, in the order of keys. */
const ballotsOf = (input: AgreeInput, keys: readonly PublicKeyHex[]): readonly Ballot[] =>
  keys
    .filter((key) => !input.excluded.has(key))
    .sort()
    .flatMap((key): Ballot[] => {
      const isOfRound = (said: Vote | Reveal): boolean => said.authority === key && said.number === input.number;
      const vote = onlyOne(input.votes.filter(isOfRound));
      const reveal = onlyOne(input.reveals.filter(isOfRound));
      return vote?.periodMs === input.periodMs &&
        reveal !== undefined &&
        commitOf(key, input.number, reveal.secret) === vote.commit
        ? [{ vote, secret: reveal.secret }]
        : [];
    });

type Chain =
  | { readonly kind: 'chain'; readonly previous: Network | undefined; readonly history: readonly PastConsensus[] }
  | (Agreement & { readonly kind: 'none' });

const chainOf = ({ previous, number }: AgreeInput, votes: readonly Vote[], needed: number): Chain => {
  const wanted = majorityOf(votes, (vote) => vote.previous ?? '', needed);
  if (wanted === undefined) return none('no-previous');
  const { previous: digest } = wanted.value;
  // Who holds a list never begins anew, whoever wants it.
  if (digest === undefined)
    return previous === undefined ? { kind: 'chain', previous, history: [] } : none('no-previous');
  if (previous?.digest !== digest || previous.consensus === undefined || previous.consensus.number >= number)
    return none('no-previous', [digest]);
  const own: PastConsensus = { number: previous.consensus.number, digest };
  return { kind: 'chain', previous, history: [own, ...previous.consensus.history].slice(0, mostHistory) };
};

const authoritiesByKey = ({ authorities }: Vote): readonly AuthorityAddress[] =>
  [...authorities].sort((a, b) => (a.key < b.key ? -1 : 1));
const textOfAuthorities = (authorities: readonly AuthorityAddress[]): string =>
  authorities.map(({ key, address }) => `${key} ${address}\n`).join('');

const parametersOf = (
  votes: readonly Vote[],
  needed: number,
  before: NetworkParameters | undefined,
): NetworkParameters | undefined => {
  /** The votes' value of one parameter, as text and in a vote that has it; else that of the list before. */
  const settled = <K extends keyof NetworkParameters>(name: K): { readonly value: NetworkParameters[K] } | undefined =>
    majorityOf(
      votes.map(({ parameters }) => parameters[name]),
      (value) => JSON.stringify(value ?? null),
      needed,
    ) ??
    (before && { value: before[name] });
  const pathLength = settled('pathLength');
  const mixSchedule = settled('mixSchedule');
  const strategy = settled('strategy');
  const topology = settled('topology');
  const mostPerOperator = settled('mostPerOperator');
  return pathLength && mixSchedule && strategy && topology && mostPerOperator
    ? {
        pathLength: pathLength.value,
        mixSchedule: mixSchedule.value,
        strategy: strategy.value,
        topology: topology.value,
        mostPerOperator: mostPerOperator.value,
      }
    : undefined;
};

/** Nodes of one operator in the whole list. */
const mostInList = ({ topology, mostPerOperator, pathLength }: NetworkParameters): number | undefined =>
  mostPerOperator === undefined ? undefined : mostPerOperator * (topology.kind === 'layers' ? pathLength : 1);

/**
 * Known to nobody before the last secret is revealed, and fixed by the votes before the first one is.
 *
 *   SHA-256("MixMailer randomness 1\n" | number "\n" | digest of the list before, or - "\n" |
 *           for each authority whose vote counts, by key: key " " secret "\n")          ASCII, all in hex
 */
const randomnessOf = (number: number, previous: string | undefined, ballots: readonly Ballot[]): string =>
  digestOf(
    `MixMailer randomness 1\n${number}\n${previous ?? '-'}\n${ballots
      .map(({ vote, secret }) => `${vote.authority} ${secret}\n`)
      .join('')}`,
  );
