import { namedSigner } from '../council/documents.js';
import { evidenceOf } from '../council/evidence.js';
import { readEndorsement } from '../council/endorsement.js';
import { readReveal } from '../council/reveal.js';
import { numberAt } from '../council/timetable.js';
import { readVote } from '../council/vote.js';
import type { CouncilDocument, CouncilKind, RoundStore } from '../ports/authority.js';
import type { Log } from '../ports/log.js';
import { digestOf, type PublicKeyHex } from '../route/document.js';
import type { AuthorityAddress, Network } from '../route/network.js';

export interface HearDeps {
  readonly store: RoundStore;
  readonly log: Log;
  readonly self: PublicKeyHex;
  readonly rules: { readonly periodMs: number; readonly authorities: readonly AuthorityAddress[] };
  /** The newest list before that number. */
  readonly previousOf: (number: number) => Network | undefined;
}

/** What became of a document of an authority. */
export type Heard =
  | 'kept'
  | 'known'
  /** Of nobody who is an authority here. */
  | 'stranger'
  /** For a number that is long over, or not soon. */
  | 'out-of-time'
  /** By an authority with other periods. */
  | 'other-period'
  /** Another one than that authority said before. */
  | 'contradiction';

/** Two documents that contradict one another are looked at for so long after their number. */
const contradictionPeriods = 8;

/** The number whose round is on: from half a period before it begins to half a period after. */
export const roundAt = (periodMs: number, now: number): number => numberAt(periodMs, now + periodMs / 2);

/** The descriptors of a list by the digests under which votes name them. */
export const descriptorsOf = (network: Network | undefined): ReadonlyMap<string, string> => {
  if (network === undefined) return new Map();
  const known = byNetwork.get(network);
  if (known !== undefined) return known;
  const descriptors = new Map(network.nodes.map(({ text }) => [digestOf(text), text]));
  byNetwork.set(network, descriptors);
  return descriptors;
};
// Hashing a thousand descriptors takes 30 ms, and each vote asks for them.
const byNetwork = new WeakMap<Network, ReadonlyMap<string, string>>();

interface Read {
  readonly document: CouncilDocument;
  readonly periodMs?: number;
  /** Digests of the descriptors that a vote names. */
  readonly names?: readonly string[];
}

const read = (kind: CouncilKind, text: string): Read => {
  switch (kind) {
    case 'vote': {
      const { authority, number, digest, periodMs, members, text: canonical } = readVote(text);
      const names = members.map(({ descriptorDigest }) => descriptorDigest);
      return { document: { kind, authority, number, digest, text: canonical }, periodMs, names };
    }
    case 'reveal': {
      const { authority, number, digest, text: canonical } = readReveal(text);
      return { document: { kind, authority, number, digest, text: canonical } };
    }
    case 'endorsement': {
      const endorsement = readEndorsement(text);
      const { authority, number, text: canonical } = endorsement;
      // Its own digest is that of the list it is about, which is what two of them must not differ in.
      return { document: { kind, authority, number, digest: endorsement.digest, text: canonical } };
    }
  }
};

/** Whether that is the name of a document by which authorities agree. */
export const isCouncilKind = (kind: string): kind is CouncilKind => ['vote', 'reveal', 'endorsement'].includes(kind);

/**
 * Keeps what an authority says for a number, whoever brought it: it is signed. Of two different documents of one kind and
 * number the first stays, and both are kept as what they prove. In a transaction.
 *
 * @param text in canonical form
 * @throws RouteError when it is malformed, or its signature does not fit
 */
export const hear = (deps: HearDeps, kind: CouncilKind, text: string, now: number): Heard => {
  const { store, rules, log, self } = deps;
  if (!rules.authorities.some(({ key }) => key === namedSigner(text))) return 'stranger';
  const { document, periodMs = rules.periodMs, names = [] } = read(kind, text);
  const { authority, number, digest } = document;
  if (periodMs !== rules.periodMs) return 'other-period';
  const current = roundAt(rules.periodMs, now);
  if (number < current - contradictionPeriods || number > current + 1) return 'out-of-time';
  const earlier = store.councilDocument(number, kind, authority);
  if (earlier?.digest === digest) return 'known';
  if (earlier !== undefined) {
    const evidence = evidenceOf(earlier.text, document.text);
    if (evidence === undefined) return 'known';
    const isNew = !store
      .contradictions()
      .some((one) => one.authority === authority && one.number === number && one.kind === kind);
    store.addContradiction({ authority, number, kind, texts: evidence.texts });
    if (isNew) {
      const event = authority === self ? 'directory/own-key-contradicts' : 'directory/contradiction';
      log.warn(event, { authority: authority.slice(0, 8), kind, number });
    }
    return 'contradiction';
  }
  store.addCouncilDocument(document);
  if (number >= current) {
    const known = descriptorsOf(deps.previousOf(number));
    for (const name of names) if (!known.has(name)) store.wantDescriptor(name, number);
  }
  return 'kept';
};
