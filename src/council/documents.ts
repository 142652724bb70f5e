import { RouteError } from '../base/errors.js';
import {
  badDocument,
  canonicalLines,
  digestOf,
  Fields,
  publicKeyOf,
  type PublicKeyHex,
  readDigest,
  readDocument,
  signDocument,
} from '../route/document.js';

/** A document as it was found in a longer text, unread. */
export interface FoundDocument {
  /** Its name without `mixmailer-`. */
  readonly kind: string;
  /** In canonical form; one line after another, whatever is in them. */
  readonly text: string;
}

/**
 * The documents that stand one after another in a text, in their order. What is between them is left out, and so is one
 * that is cut short. A document inside another is part of that one.
 *
 * Takes time linear in the text, whose size the caller has bounded.
 */
export const documentsIn = (text: string): readonly FoundDocument[] => {
  const lines = canonicalLines(text);
  const found: FoundDocument[] = [];
  let outer: { readonly kind: string; readonly from: number } | undefined;
  /** The end line of the document inside `outer` that has begun. */
  let innerEnd: string | undefined;
  lines.forEach((line, at) => {
    if (innerEnd !== undefined) {
      if (line === innerEnd) innerEnd = undefined;
    } else if (outer === undefined) {
      const kind = /^mixmailer-([a-z][a-z0-9-]{0,31}) /.exec(line)?.[1];
      if (kind !== undefined) outer = { kind, from: at };
    } else if (line === `end mixmailer-${outer.kind}`) {
      found.push({ kind: outer.kind, text: `${lines.slice(outer.from, at + 1).join('\n')}\n` });
      outer = undefined;
    } else if (line.startsWith('mixmailer-')) innerEnd = `end ${line.split(' ', 1)[0] ?? ''}`;
  });
  return found;
};

/** What one key says and signs, as authorities and nodes mail it to one another. */
export interface OwnDocument {
  readonly by: PublicKeyHex;
  readonly fields: Fields;
  /** SHA-256 of the body, 64 hex digits. */
  readonly digest: string;
  /** Canonical. */
  readonly text: string;
}

/**
 * Signs a document that names its signer:
 *
 *   mixmailer-<kind> 1
 *   by <public key of the signer>
 *   <lines>
 *   signature <the same key> ...
 *   end mixmailer-<kind>
 *
 * The key stands in what is signed, so that nobody signs another's words as their own without saying so.
 */
export const signOwn = (kind: string, lines: readonly string[], secretKey: Uint8Array): string =>
  signDocument(kind, [`by ${publicKeyOf(secretKey)}`, ...lines], secretKey);

/**
 * Whom such a document names as its signer, unread: who is nobody here is not worth the check of a signature.
 *
 * @param text in canonical form
 * @returns undefined if it names nobody, so that nobody can have signed it
 */
export const namedSigner = (text: string): PublicKeyHex | undefined => /^by ([0-9a-f]{64})$/m.exec(text)?.[1];

/**
 * Reads such a document and checks its signature.
 *
 * @throws RouteError `route/bad-document` when it has not this form
 * @throws RouteError `route/bad-signature` when it isn't signed by the key it names, and by no other
 */
export const readOwn = (kind: string, text: string, largestCharacters: number): OwnDocument => {
  const document = readDocument(kind, text, largestCharacters);
  if (document.inner.length > 0) throw badDocument(`a ${kind} holds no other document`);
  const fields = new Fields(document.fields);
  const by = fields.one('by', '64 lower-case hex digits', readDigest);
  const [signature] = document.signatures;
  if (document.signatures.length !== 1 || signature?.by !== by)
    throw new RouteError('route/bad-signature', `the ${kind} is not signed by the key it names, and nobody else`);
  if (!signature.isValid()) throw new RouteError('route/bad-signature', `the signature does not fit the ${kind}`);
  return { by, fields, digest: digestOf(document.body), text: document.text };
};
