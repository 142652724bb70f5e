import { mostEndorsementsBytes } from '../base/bounds.js';
import { latin1 } from '../base/bytes.js';
import { RouteError } from '../base/errors.js';
import { documentsIn, type FoundDocument } from '../council/documents.js';
import { readEndorsement } from '../council/endorsement.js';
import type { FetchOutcome, FetchUrl } from '../ports/follow.js';
import { largestNetworkCharacters } from '../route/network.js';

// Names of the files that an authority publishes in a folder of a web server.

/** The newest list. */
export const publishedList = 'mixmailer-network.txt';
/** What authorities signed of it, one after another. */
export const publishedEndorsements = 'mixmailer-endorsements.txt';
/** The difference that leads from the list of that digest to the newest one. */
export const publishedDiff = (from: string): string => `mixmailer-diff-${from}.txt`;

/** What was found, and how the last look ended. */
export interface Published {
  readonly documents: readonly FoundDocument[];
  readonly outcome: FetchOutcome['kind'];
}

const isAbout = (digest: string, { kind, text }: FoundDocument): boolean => {
  try {
    return kind === 'endorsement' && readEndorsement(text).digest === digest;
  } catch (error) {
    if (error instanceof RouteError) return false;
    throw error;
  }
};

/**
 * What who has the list of digest `have` lacks, from a folder of a web server: a difference, or else what authorities
 * signed, and the whole list only if that is about another one. Three files at most.
 */
export const readPublished = async (
  fetchUrl: FetchUrl,
  folder: string,
  have: string | undefined,
  signal: AbortSignal,
): Promise<Published> => {
  const get = async (name: string, mostBytes: number): Promise<Published> => {
    const outcome = await fetchUrl(`${folder}/${name}`, mostBytes, signal);
    const documents = outcome.kind === 'found' ? documentsIn(latin1(outcome.bytes)) : [];
    return { documents, outcome: outcome.kind };
  };
  if (have === undefined) return get(publishedList, largestNetworkCharacters);
  const diff = await get(publishedDiff(have), largestNetworkCharacters);
  if (diff.outcome === 'failed') return diff;
  const signed = await get(publishedEndorsements, mostEndorsementsBytes);
  const documents = [...diff.documents, ...signed.documents];
  if (diff.outcome === 'found' || signed.outcome === 'failed' || documents.some((one) => isAbout(have, one)))
    return { documents, outcome: signed.outcome };
  const list = await get(publishedList, largestNetworkCharacters);
  return { documents: [...documents, ...list.documents], outcome: list.outcome };
};
