import { mostAuthorities, mostPeriods } from '../route/consensus.js';
import { badDocument, digestOf, type Field, inRange, type PublicKeyHex, readDigest } from '../route/document.js';
import { readOwn, signOwn } from './documents.js';

/** The secret behind the commit of a vote, and which votes its author has seen. */
export interface Reveal {
  readonly authority: PublicKeyHex;
  readonly number: number;
  /** 32 random bytes as 64 hex digits. */
  readonly secret: string;
  /** Digest of the vote that came from each authority. */
  readonly seen: ReadonlyMap<PublicKeyHex, string>;
  /** SHA-256 of the body, 64 hex digits. */
  readonly digest: string;
  readonly text: string;
}

export type RevealDraft = Pick<Reveal, 'number' | 'secret' | 'seen'>;

const largestRevealCharacters = 32_768;

/**
 * What a vote says of a secret before anybody may know it: it fixes the secret and tells nothing of it.
 *
 *   commit = SHA-256("MixMailer commit 1\n" | authority "\n" | number "\n" | secret "\n")     ASCII, keys and secrets in hex
 *
 * The authority is in it, so that a commit copied from another one can't be revealed.
 */
export const commitOf = (authority: PublicKeyHex, number: number, secret: string): string =>
  digestOf(`MixMailer commit 1\n${authority}\n${number}\n${secret}\n`);

/**
 * A reveal, signed.
 *
 *   mixmailer-reveal 1
 *   by <authority>
 *   number <n>
 *   reveal <secret, 64 hex digits>
 *   seen <authority> <digest of its vote>              for each vote that came
 *   signature <authority> ...
 *   end mixmailer-reveal
 *
 * @throws RouteError `route/bad-document` when the draft could not be read back
 */
export const signReveal = ({ number, secret, seen }: RevealDraft, secretKey: Uint8Array): string => {
  const lines = [
    `number ${number}`,
    `reveal ${secret}`,
    ...[...seen].map(([authority, digest]) => `seen ${authority} ${digest}`),
  ];
  return readReveal(signOwn('reveal', lines, secretKey)).text;
};

const readSeen = ({ value }: Field): readonly [PublicKeyHex, string] => {
  const [key = '', digest = '', ...rest] = value.split(' ');
  if (readDigest(key) === undefined || readDigest(digest) === undefined || rest.length > 0)
    throw badDocument('seen: expected an authority and a digest');
  return [key, digest];
};

/**
 * Reads a reveal and checks its signature. Whether it fits its author's commit is asked with `commitOf`.
 *
 * @throws RouteError `route/bad-document`, `route/bad-signature`
 */
export const readReveal = (text: string): Reveal => {
  const { by, fields, digest, text: canonical } = readOwn('reveal', text, largestRevealCharacters);
  const lines = fields.many('seen');
  if (lines.length > mostAuthorities) throw badDocument(`seen: expected at most ${mostAuthorities}`);
  const seen = new Map(lines.map(readSeen));
  if (seen.size < lines.length) throw badDocument('seen: expected each authority once');
  return {
    authority: by,
    number: fields.one('number', 'an integer', inRange(0, mostPeriods)),
    secret: fields.one('reveal', '64 lower-case hex digits', readDigest),
    seen,
    digest,
    text: canonical,
  };
};
