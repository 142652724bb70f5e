import { RouteError } from '../base/errors.js';
import type { Document, PublicKeyHex } from './document.js';
import type { Support, Trust } from './network.js';

/** Who of these signed that document. Signatures of others are not checked. */
export const supportOf = (document: Document, authorities: readonly PublicKeyHex[]): Support => {
  const signed = new Map(
    document.signatures.map((signature) => [
      signature.by,
      authorities.includes(signature.by) ? signature.isValid() : undefined,
    ]),
  );
  return {
    valid: authorities.filter((key) => signed.get(key) === true),
    bad: authorities.filter((key) => signed.get(key) === false),
    missing: authorities.filter((key) => !signed.has(key)),
    strangers: [...signed.keys()].filter((key) => !authorities.includes(key)),
  };
};

/** The refusal of a list that too few authorities signed, with their keys. */
export const tooFew = (support: Support, { authorities, threshold }: Trust): RouteError => {
  const parts = [
    ...(support.missing.length > 0 ? [`missing: ${support.missing.join(', ')}`] : []),
    ...(support.bad.length > 0 ? [`not fitting: ${support.bad.join(', ')}`] : []),
  ];
  return new RouteError(
    'route/too-few-signatures',
    `the network list has ${support.valid.length} valid signatures of the ${threshold} needed (${authorities.length} authorities); ${parts.join('; ')}`,
  );
};
