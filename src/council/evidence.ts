import { RouteError } from '../base/errors.js';
import type { PublicKeyHex } from '../route/document.js';
import { documentsIn } from './documents.js';
import { readEndorsement } from './endorsement.js';
import { readReveal } from './reveal.js';
import { largestVoteCharacters, readVote } from './vote.js';

/** Two things that one authority said of one round, where only one may be said: anybody can check it. */
export interface Evidence {
  readonly authority: PublicKeyHex;
  readonly number: number;
  readonly kind: 'vote' | 'reveal' | 'endorsement';
  /** Both documents, canonical, the smaller text first: so the same evidence looks the same everywhere. */
  readonly texts: readonly [string, string];
}

interface Said {
  readonly kind: Evidence['kind'];
  readonly authority: PublicKeyHex;
  readonly number: number;
  /** Differs when something else is said. */
  readonly digest: string;
  readonly text: string;
}

/** @throws RouteError */
const saidIn = (text: string): Said | undefined => {
  if (text.length > largestVoteCharacters) return undefined;
  const [document, ...more] = documentsIn(text);
  if (document === undefined || more.length > 0) return undefined;
  switch (document.kind) {
    case 'vote':
      return { kind: document.kind, ...readVote(text) };
    case 'reveal':
      return { kind: document.kind, ...readReveal(text) };
    case 'endorsement':
      // Two signatures for one list are no lie: only the digest counts.
      return { kind: document.kind, ...readEndorsement(text) };
    default:
      return undefined;
  }
};

/**
 * The evidence that two documents are, or undefined: when they are not votes, reveals or endorsements of one authority
 * for one number, when they say the same, or when one is not properly signed.
 */
export const evidenceOf = (a: string, b: string): Evidence | undefined => {
  try {
    const one = saidIn(a);
    const other = one && saidIn(b);
    if (
      other === undefined ||
      one?.kind !== other.kind ||
      one.authority !== other.authority ||
      one.number !== other.number ||
      one.digest === other.digest
    )
      return undefined;
    const texts = one.text < other.text ? ([one.text, other.text] as const) : ([other.text, one.text] as const);
    return { authority: one.authority, number: one.number, kind: one.kind, texts };
  } catch (error) {
    if (error instanceof RouteError) return undefined;
    throw error;
  }
};
