import { domainOf } from '../base/address.js';
import { standingLine } from '../route/consensus.js';
import { digestOf } from '../route/document.js';
import type { Member } from './members.js';

export interface AdmissionRules {
  /** Of the list that is made: it decides whom there is room for, and nobody could choose a node id for it. */
  readonly randomness: string;
  /** Nodes of one operator, and of one address domain, in the list; undefined: any number. */
  readonly mostPerOperator: number | undefined;
  /** Of all descriptors and standings together. */
  readonly mostCharacters: number;
}

const order = { same: 0, changed: 1, new: 2 } as const;

/**
 * The nodes that there is room for, in the order of their ids: each name and each address once, at most so many of an
 * operator and of an address domain. Those go first that the list before has unchanged, then those it has, then new ones;
 * of each kind in the order of
 *
 *   SHA-256("MixMailer admission 1\n" | randomness "\n" | node id "\n")     ASCII, all in hex
 *
 * Not protected: whoever owns a domain has any number of domains below it; those differ as address domains, and have one
 * operator only where the authorities' look-up says so.
 */
export const admitted = (members: readonly Member[], rules: AdmissionRules): readonly Member[] => {
  const { mostPerOperator = Infinity } = rules;
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  let characters = 0;
  const inOrder = members
    .map((member) => ({
      member,
      rank: `${order[member.place]}${digestOf(`MixMailer admission 1\n${rules.randomness}\n${member.descriptor.nodeId}\n`)}`,
    }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const found: Member[] = [];
  for (const { member } of inOrder) {
    const { nodeId, name, address, text } = member.descriptor;
    const names = [`name ${name}`, `address ${address.toLowerCase()}`];
    const groups = [`operator ${member.standing.operator}`, `domain ${domainOf(address)}`];
    const length = text.length + standingLine(nodeId, member.standing).length + 1;
    if (
      names.some((one) => taken.has(one)) ||
      groups.some((one) => (counts.get(one) ?? 0) >= mostPerOperator) ||
      characters + length > rules.mostCharacters
    )
      continue;
    for (const one of names) taken.add(one);
    for (const one of groups) counts.set(one, (counts.get(one) ?? 0) + 1);
    characters += length;
    found.push(member);
  }
  return found.sort((a, b) => (a.descriptor.nodeId < b.descriptor.nodeId ? -1 : 1));
};
