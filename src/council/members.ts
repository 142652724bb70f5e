import { RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { type Descriptor, readDescriptor } from '../route/descriptor.js';
import { digestOf } from '../route/document.js';
import type { Network, Standing } from '../route/network.js';
import { operatorOf } from '../provider/operator.js';
import { majorityOf, moved } from './majority.js';
import type { Vote, VoteMember } from './vote.js';

/** A node that the votes bring into a list, before names, addresses and operators are compared. */
export interface Member {
  readonly descriptor: Descriptor;
  readonly standing: Standing;
  /** `same`: the list before has it under this name and address; `changed`: under others; `new`: not at all. */
  readonly place: 'same' | 'changed' | 'new';
}

export interface MembersInput {
  /** One of each authority that counts. */
  readonly votes: readonly Vote[];
  /** More than half of all authorities there are. */
  readonly needed: number;
  /** How many votes there may be by authorities that lie, if those that don't are enough to sign a list. */
  readonly liars: number;
  readonly previous: Network | undefined;
  readonly descriptorOf: (digest: string) => string | undefined;
}

interface Line {
  readonly member: VoteMember;
  readonly descriptor: Descriptor;
}

/** A full rate, as a node has it that nothing was measured of. */
const fullPerMille = 1000;

/**
 * The nodes that the votes bring into a list, in the order of their ids.
 *
 * What a node can't say alone, its mailbox and its operator, is what more than half of all authorities say, else what
 * the list before says; a node that is in neither is left out. It goes when more than half don't list it. What it can say
 * alone, its keys and roles, is its own latest word that a vote or the list before has.
 *
 * @returns `missing`: digests of descriptors without which nothing can be said
 */
export const membersOf = (
  input: MembersInput,
): { readonly members: readonly Member[]; readonly missing: readonly string[] } => {
  const { votes, previous } = input;
  const listed = new Map<NodeId, VoteMember[]>();
  for (const vote of votes)
    for (const member of vote.members) {
      const lines = listed.get(member.nodeId);
      if (lines === undefined) listed.set(member.nodeId, [member]);
      else lines.push(member);
    }
  const read = descriptorReader(input);
  const missing: string[] = [];
  const members: Member[] = [];
  for (const [nodeId, lines] of [...listed].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = previous?.byId.get(nodeId);
    const omitting = votes.length - lines.length;
    if (before === undefined ? lines.length < input.needed : omitting >= input.needed) continue;
    missing.push(...missingOf(lines, read, input.liars));
    const fitting = lines.flatMap((member): Line[] => {
      const descriptor = read(member.descriptorDigest);
      return typeof descriptor === 'object' && descriptor.nodeId === nodeId ? [{ member, descriptor }] : [];
    });
    const member = memberOf(fitting, input, before);
    if (member !== undefined) members.push(member);
  }
  return { members, missing: [...new Set(missing)] };
};

/** Reads each descriptor once; those of the list before have been checked. */
const descriptorReader = ({
  previous,
  descriptorOf,
}: MembersInput): ((digest: string) => Descriptor | 'missing' | 'bad') => {
  const known = new Map<string, Descriptor | 'missing' | 'bad'>();
  for (const node of previous?.nodes ?? []) known.set(digestOf(node.text), node);
  const read = (digest: string): Descriptor | 'missing' | 'bad' => {
    const text = descriptorOf(digest);
    if (text === undefined) return 'missing';
    try {
      const descriptor = readDescriptor(text);
      return digestOf(descriptor.text) === digest ? descriptor : 'bad';
    } catch (error) {
      if (error instanceof RouteError) return 'bad';
      throw error;
    }
  };
  return (digest) => {
    const found = known.get(digest) ?? read(digest);
    known.set(digest, found);
    return found;
  };
};

// One that only liars may have named need not exist, and can't hold up the others; one that more have named is
// somewhere, and a list without it would not be theirs.
const missingOf = (
  lines: readonly VoteMember[],
  read: (digest: string) => unknown,
  liars: number,
): readonly string[] => {
  const counts = new Map<string, number>();
  for (const { descriptorDigest } of lines) counts.set(descriptorDigest, (counts.get(descriptorDigest) ?? 0) + 1);
  return [...counts].filter(([digest, count]) => count > liars && read(digest) === 'missing').map(([digest]) => digest);
};

const memberOf = (
  lines: readonly Line[],
  { needed, previous }: MembersInput,
  before: Descriptor | undefined,
): Member | undefined => {
  const known = before && previous?.standings.get(before.nodeId);
  const address =
    majorityOf(lines, (line) => line.descriptor.address, needed)?.value.descriptor.address ?? before?.address;
  const operator =
    majorityOf(lines, (line) => line.member.standing.operator, needed)?.value.member.standing.operator ??
    known?.operator ??
    (before && operatorOf(before.provider));
  if (address === undefined || operator === undefined) return undefined;
  const descriptor = latestOf(
    [...lines.map((line) => line.descriptor), ...(before === undefined ? [] : [before])].filter(
      (one) => one.address === address,
    ),
  );
  if (descriptor === undefined) return undefined;
  const numbersOf = (of: (standing: Standing) => number | undefined, start: number): number | undefined =>
    moved(
      lines.map((line) => of(line.member.standing)),
      needed,
      { before: known && of(known), start },
    );
  const leaving = majorityOf(
    lines.map((line) => line.member.standing.leaving),
    String,
    needed,
  );
  return {
    descriptor,
    standing: {
      operator,
      deliveredPerMille: numbersOf((one) => one.deliveredPerMille, fullPerMille),
      medianMs: numbersOf((one) => one.medianMs, 0),
      p90Ms: numbersOf((one) => one.p90Ms, 0),
      leaving: leaving?.value ?? known?.leaving ?? false,
    },
    place:
      before === undefined
        ? 'new'
        : before.name === descriptor.name && before.address === descriptor.address
          ? 'same'
          : 'changed',
  };
};

/** The one published last; of those the one whose digest is smallest. */
const latestOf = (descriptors: readonly Descriptor[]): Descriptor | undefined => {
  const [first, ...more] = descriptors;
  let latest = first;
  for (const one of more)
    if (
      latest !== undefined &&
      (one.publishedAt > latest.publishedAt ||
        (one.publishedAt === latest.publishedAt &&
          one.text !== latest.text &&
          digestOf(one.text) < digestOf(latest.text)))
    )
      latest = one;
  return latest;
};
