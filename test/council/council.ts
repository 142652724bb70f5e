import { dayMs } from '../../src/base/units.js';
import type { NodeId } from '../../src/base/ids.js';
import { type AgreeInput, agree, type Agreement } from '../../src/council/agree.js';
import { listOf, readEndorsement, signEndorsement } from '../../src/council/endorsement.js';
import { moreThanHalf } from '../../src/council/majority.js';
import { commitOf, readReveal, type Reveal, signReveal } from '../../src/council/reveal.js';
import { readVote, signVote, type Vote, type VoteDraft, type VoteMember } from '../../src/council/vote.js';
import { digestOf, publicKeyOf } from '../../src/route/document.js';
import {
  type AuthorityAddress,
  defaultNetworkParameters,
  type Network,
  readNetwork,
  type Standing,
  type Trust,
} from '../../src/route/network.js';
import { readDescriptor } from '../../src/route/descriptor.js';
import { now, secretOf } from '../route/nodes.js';

/** The number of the list that is valid from `now` on. */
export const today = now / dayMs;

export const keyOf = (name: string): string => publicKeyOf(secretOf(name));
export const addressOf = (name: string): string => `${name}@council.example`;
export const authoritiesOf = (names: readonly string[]): readonly AuthorityAddress[] =>
  names.map((name) => ({ key: keyOf(name), address: addressOf(name) }));
export const trustOf = (names: readonly string[]): Trust => ({
  authorities: names.map(keyOf),
  threshold: moreThanHalf(names.length),
});

export const four = ['ann', 'ben', 'cyd', 'dan'];

export const standingOf = (more: Partial<Standing> = {}): Standing => ({
  operator: 'mail.example',
  deliveredPerMille: undefined,
  medianMs: undefined,
  p90Ms: undefined,
  leaving: false,
  ...more,
});

/** The line of a vote for that descriptor; its operator is the domain of its address, unless something else is said. */
export const memberOf = (text: string, more: Partial<Standing> = {}): VoteMember => {
  const { nodeId, address } = readDescriptor(text);
  const operator = address.slice(address.indexOf('@') + 1);
  return { nodeId, descriptorDigest: digestOf(text), standing: standingOf({ operator, ...more }) };
};

export interface Ballot {
  readonly vote: Vote;
  readonly reveal: Reveal;
}

/** What an authority says in a round, if it is nothing else: its usual vote, with the secret of its name. */
export const ballotOf = (name: string, says: Partial<VoteDraft> & { readonly secret?: string } = {}): Ballot => {
  const { secret = digestOf(`${name}'s secret`), ...draft } = says;
  const number = draft.number ?? today;
  const vote = readVote(
    signVote(
      {
        number,
        periodMs: dayMs,
        previous: undefined,
        history: [],
        commit: commitOf(keyOf(name), number, secret),
        parameters: defaultNetworkParameters,
        authorities: authoritiesOf(four),
        members: [],
        ...draft,
      },
      secretOf(name),
    ),
  );
  const seen = new Map([[keyOf(name), vote.digest]]);
  return { vote, reveal: readReveal(signReveal({ number, secret, seen }, secretOf(name))) };
};

/** What an authority of four has heard, and all these descriptors. */
export const heard = (
  ballots: readonly Ballot[],
  descriptors: readonly string[],
  more: Partial<AgreeInput> = {},
): AgreeInput => {
  const byDigest = new Map(descriptors.map((text) => [digestOf(text), text]));
  return {
    number: ballots[0]?.vote.number ?? today,
    periodMs: dayMs,
    authorities: authoritiesOf(four),
    votes: ballots.map(({ vote }) => vote),
    reveals: ballots.map(({ reveal }) => reveal),
    excluded: new Set(),
    previous: undefined,
    descriptorOf: (digest) => byDigest.get(digest),
    ...more,
  };
};

export type Agreed = Agreement & { readonly kind: 'agreed' };

export const agreed = (input: AgreeInput): Agreed => {
  const result = agree(input);
  if (result.kind === 'none') throw new Error(`no agreement: ${result.why}`);
  return result;
};

/** The list as everybody reads it whom those authorities have signed it for. */
export const signedBy = (body: string, names: readonly string[], number = today): Network => {
  const endorsements = names.map((name) => readEndorsement(signEndorsement({ number, body }, secretOf(name))));
  return readNetwork(
    listOf(body, endorsements),
    { authorities: names.map(keyOf), threshold: names.length },
    number * dayMs,
  );
};

/** The list of that input, read by everybody. */
export const listFrom = (input: AgreeInput): Network => signedBy(agreed(input).body, four, input.number);

/** What a vote says of the chain that ends with this list. */
export const chainAfter = (previous: Network): Pick<VoteDraft, 'previous' | 'history' | 'number'> => {
  if (previous.consensus === undefined) throw new Error('a consensus');
  const { number, history } = previous.consensus;
  return {
    number: number + 1,
    previous: previous.digest,
    history: [{ number, digest: previous.digest }, ...history].slice(0, 32),
  };
};

export const namesIn = (network: Network): readonly string[] => network.nodes.map(({ name }) => name).sort();
export const idOf = (name: string): NodeId => keyOf(name) as NodeId;
