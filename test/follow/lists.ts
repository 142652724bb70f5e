import { dayMs } from '../../src/base/units.js';
import { listOf as assemble, readEndorsement, signEndorsement } from '../../src/council/endorsement.js';
import { publicKeyOf, readDocument } from '../../src/route/document.js';
import {
  addSignature,
  type AuthorityAddress,
  defaultNetworkParameters,
  inspectNetwork,
  largestNetworkCharacters,
  type Network,
  type NetworkParameters,
  type PastConsensus,
  signNetwork,
  type Trust,
} from '../../src/route/network.js';
import { now, plainMixKey, secretOf, signedNode } from '../route/nodes.js';

export const authorityNames = ['ann', 'ben', 'cyd'];
export const keyOf = (name: string): string => publicKeyOf(secretOf(name));
export const addressOf = (name: string): string => `${name}@council.example`;
export const authorities: readonly AuthorityAddress[] = authorityNames.map((name) => ({
  key: keyOf(name),
  address: addressOf(name),
}));
export const trust: Trust = { authorities: authorities.map(({ key }) => key), threshold: 2 };

/** The number of the list that is valid from `now` on. */
export const today = now / dayMs;

/** A node whose mix key lives as long as any test looks. */
export const nodeText = (name: string): string =>
  signedNode(name, {
    mixKeys: [
      { publicKey: plainMixKey(), notBefore: now - 9 * dayMs, notAfter: now + 99 * dayMs, expiresAt: now + 99 * dayMs },
    ],
  });

export interface ListOptions {
  readonly number?: number;
  readonly nodes?: readonly string[];
  readonly history?: readonly PastConsensus[];
  readonly signers?: readonly string[];
  readonly periodMs?: number;
  /** Makes another list of the same number. */
  readonly salt?: string;
  readonly parameters?: Partial<NetworkParameters>;
}

const texts = new Map<string, string>();
const textOf = (name: string): string => {
  const known = texts.get(name) ?? nodeText(name);
  texts.set(name, known);
  return known;
};

/** A list as authorities agree on it, as everybody reads it. */
export const listOf = (options: ListOptions = {}): Network => {
  const { number = today, nodes = ['mia', 'noa'], history = [], periodMs = dayMs, salt = '0' } = options;
  const [first = 'ann', ...others] = options.signers ?? authorityNames;
  const previous = history[0]?.digest;
  const text = signNetwork(
    {
      validFrom: number * periodMs,
      validUntil: (number + 3) * periodMs,
      ...(previous === undefined ? {} : { previous }),
      parameters: { ...defaultNetworkParameters, ...options.parameters },
      consensus: { number, periodMs, randomness: salt.repeat(64).slice(0, 64), authorities, history },
      descriptors: nodes.map(textOf),
    },
    secretOf(first),
  );
  const signed = others.reduce((list, name) => addSignature(list, secretOf(name)), text);
  return inspectNetwork(signed, trust.authorities).network;
};

/** What the list after this one says of those before it. */
export const historyAfter = ({ digest, consensus }: Network): readonly PastConsensus[] =>
  consensus === undefined ? [] : [{ number: consensus.number, digest }, ...consensus.history];

/** The list after this one. */
export const listAfter = (list: Network, more: ListOptions = {}): Network =>
  listOf({ number: (list.consensus?.number ?? 0) + 1, history: historyAfter(list), ...more });

export const bodyOf = (list: Network): string => readDocument('network', list.text, largestNetworkCharacters).body;

/** That authority's word for the list. */
export const endorsementOf = (list: Network, name: string): string =>
  signEndorsement({ number: list.consensus?.number ?? 0, body: bodyOf(list) }, secretOf(name));

export const signedBy = (list: Network, names: readonly string[]): string =>
  assemble(
    bodyOf(list),
    names.map((name) => readEndorsement(endorsementOf(list, name))),
  );
