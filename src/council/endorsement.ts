import { RouteError } from '../base/errors.js';
import { mostPeriods } from '../route/consensus.js';
import {
  attachSignatures,
  badDocument,
  dataLines,
  digestOf,
  fitsBody,
  inRange,
  type PublicKeyHex,
  readDigest,
  signBody,
} from '../route/document.js';
import type { Trust } from '../route/network.js';
import { readOwn, signOwn } from './documents.js';

/** A small proof of which list an authority signed for a number; with it, its signature for that list. */
export interface Endorsement {
  readonly authority: PublicKeyHex;
  readonly number: number;
  /** Of the list. */
  readonly digest: string;
  /** Ed25519, 64 bytes, over the list's body; whether it fits, only one who has the list can tell. */
  readonly listSignature: Uint8Array;
  readonly text: string;
}

const largestEndorsementCharacters = 4096;

/**
 * An endorsement, signed.
 *
 *   mixmailer-endorsement 1
 *   by <authority>
 *   number <n>
 *   digest <of the list>
 *   list-signature
 *   data <base64>                                      2 lines: the signature for the list, 64 bytes
 *   signature <authority> ...
 *   end mixmailer-endorsement
 *
 * @param list `body` is the list's body, `number` the one it carries
 */
export const signEndorsement = (
  list: { readonly number: number; readonly body: string },
  secretKey: Uint8Array,
): string => {
  const lines = [
    `number ${list.number}`,
    `digest ${digestOf(list.body)}`,
    'list-signature',
    ...dataLines(signBody(list.body, secretKey)),
  ];
  return readEndorsement(signOwn('endorsement', lines, secretKey)).text;
};

/**
 * Reads an endorsement and checks its own signature.
 *
 * @throws RouteError `route/bad-document`, `route/bad-signature`
 */
export const readEndorsement = (text: string): Endorsement => {
  const { by, fields, text: canonical } = readOwn('endorsement', text, largestEndorsementCharacters);
  const listSignature = fields.optional('list-signature')?.data;
  if (listSignature?.length !== 64) throw badDocument('list-signature: expected 64 bytes');
  return {
    authority: by,
    number: fields.one('number', 'an integer', inRange(0, mostPeriods)),
    digest: fields.one('digest', '64 lower-case hex digits', readDigest),
    listSignature,
    text: canonical,
  };
};

/** The trusted authorities that say they signed the list of that digest, each once. */
export const endorsersOf = (
  endorsements: readonly Endorsement[],
  digest: string,
  trust: Trust,
): readonly PublicKeyHex[] => {
  const said = new Set(endorsements.filter((one) => one.digest === digest).map(({ authority }) => authority));
  return [...new Set(trust.authorities)].filter((key) => said.has(key));
};

/** How many trusted authorities say that they signed the list of that digest. */
export const countEndorsements = (endorsements: readonly Endorsement[], digest: string, trust: Trust): number =>
  endorsersOf(endorsements, digest, trust).length;

/** Whether enough trusted authorities say that they signed the list of that digest. */
export const isEndorsedBy = (endorsements: readonly Endorsement[], digest: string, trust: Trust): boolean =>
  countEndorsements(endorsements, digest, trust) >= trust.threshold;

/**
 * The signed list of a body and of what its authorities sent: each authority's signature that fits, in the order of
 * their keys. `readNetwork` says whether they are enough.
 *
 * @param endorsements of configured authorities only: a list has no room for more than 64 signatures
 * @throws RouteError `route/too-few-signatures` when none fits
 */
export const listOf = (body: string, endorsements: readonly Endorsement[]): string => {
  const digest = digestOf(body);
  const fitting = new Map(
    endorsements
      .filter((one) => one.digest === digest)
      .map(({ authority, listSignature }) => ({ by: authority, signature: listSignature }))
      .filter((signature) => fitsBody(body, signature))
      .map((signature) => [signature.by, signature]),
  );
  if (fitting.size === 0)
    throw new RouteError('route/too-few-signatures', 'none of the endorsements has a signature that fits this list');
  const inOrder = [...fitting.values()].sort((a, b) => (a.by < b.by ? -1 : 1));
  return attachSignatures('network', body, inOrder);
};
