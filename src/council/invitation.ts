import { parseAddress } from '../base/address.js';
import { pureBase64 } from '../base/base64.js';
import { ascii, fromHex, latin1, toHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import { secondMs } from '../base/units.js';
import { longestPeriodSeconds, mostAuthorities } from '../route/consensus.js';
import { badDocument, inRange, type PublicKeyHex } from '../route/document.js';
import type { AuthorityAddress, Trust } from '../route/network.js';
import { moreThanHalf } from './majority.js';

/** All that a friend needs to join a network, in one line to paste. */
export interface Invitation {
  /** At least one; their order means nothing. */
  readonly authorities: readonly AuthorityAddress[];
  /** Time between two lists, where it isn't the usual day. */
  readonly periodMs: number | undefined;
  /** Where the list can also be had: `https://` addresses. */
  readonly urls: readonly string[];
}

const scheme = 'mixmailer:';
const largestInvitationCharacters = 32_768;
const mostUrls = 8;
/** What stands for itself; all else is written as %XX, so that no mail program takes a part for something else. */
const plain = /[A-Za-z0-9._~@+-]/;
const plainInUrl = /[A-Za-z0-9._~@+:/-]/;

const escaped = (text: string, keep: RegExp): string =>
  Array.from(text, (character) =>
    keep.test(character) ? character : `%${toHex(ascii(character)).toUpperCase()}`,
  ).join('');

const unescaped = (text: string): string | undefined =>
  /^(?:[^%]|%[0-9A-Fa-f]{2})*$/.test(text)
    ? text.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : undefined;

const keyText = (key: PublicKeyHex): string => {
  const bytes = fromHex(key);
  if (bytes?.length !== 32) throw new Bug('a public key has 32 bytes');
  return latin1(pureBase64.encode(bytes)).replace('=', '').replaceAll('+', '-').replaceAll('/', '_');
};

const readKey = (text: string): PublicKeyHex | undefined => {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const bytes = pureBase64.decode(ascii(`${text.replaceAll('-', '+').replaceAll('_', '/')}=`));
  const key = bytes && toHex(bytes);
  // One key has one text: the last digit of the base64 has bits to spare.
  return key !== undefined && keyText(key) === text ? key : undefined;
};

/**
 * One line:
 *
 *   mixmailer:<address>/<key>,<address>/<key>...?period=<seconds>&url=<https address>&url=...
 *
 * A key is base64url without padding, 43 characters; in addresses everything but letters, digits and `._~@+-` is
 * written as %XX. The part from `?` on is not there when there is nothing to say.
 *
 * @throws RouteError `route/bad-document` when it could not be read back
 */
export const formatInvitation = ({ authorities, periodMs, urls }: Invitation): string => {
  const more = [
    ...(periodMs === undefined ? [] : [`period=${periodMs / secondMs}`]),
    ...urls.map((url) => `url=${escaped(url, plainInUrl)}`),
  ];
  const first = authorities.map(({ key, address }) => `${escaped(address, plain)}/${keyText(key)}`);
  const text = `${scheme}${first.join(',')}${more.length === 0 ? '' : `?${more.join('&')}`}`;
  parseInvitation(text);
  return text;
};

const readAuthority = (text: string): AuthorityAddress => {
  const slash = text.lastIndexOf('/');
  const key = slash < 0 ? undefined : readKey(text.slice(slash + 1));
  if (key === undefined)
    throw badDocument('the invitation is damaged: behind each address there is / and a key of 43 characters');
  const parsed = parseAddress(unescaped(text.slice(0, slash)) ?? '');
  if (parsed.kind === 'refused') throw badDocument(`the invitation has a bad address: ${parsed.why}`);
  return { key, address: parsed.address };
};

const readUrl = (text: string): string => {
  const url = unescaped(text);
  if (url === undefined || url.length > 800 || !/^https:\/\/[a-z0-9.-]+(?::\d{1,5})?(?:\/[\x21-\x7e]*)?$/i.test(url))
    throw badDocument('the invitation has a bad url: expected one that begins with https://');
  return url;
};

/**
 * Reads an invitation. White space anywhere in it is left out: mail programs break long lines. What is said behind `?`
 * in words that are not known is ignored.
 *
 * @throws RouteError `route/bad-document`; the message says in words what is wrong
 */
export const parseInvitation = (text: string): Invitation => {
  if (text.length > largestInvitationCharacters) throw badDocument('this is too long for an invitation');
  const whole = text.replace(/\s/g, '');
  if (!whole.startsWith(scheme)) throw badDocument(`an invitation begins with ${scheme}`);
  const question = whole.indexOf('?');
  const first = whole.slice(scheme.length, question < 0 ? undefined : question);
  if (first === '') throw badDocument('the invitation names no authority');
  const parts = first.split(',');
  if (parts.length > mostAuthorities)
    throw badDocument(`the invitation names more than ${mostAuthorities} authorities`);
  const authorities = parts.map(readAuthority);
  if (new Set(authorities.map(({ key }) => key)).size < authorities.length)
    throw badDocument('the invitation names one key twice');
  if (new Set(authorities.map(({ address }) => address.toLowerCase())).size < authorities.length)
    throw badDocument('the invitation names one address twice');
  const more = question < 0 ? [] : whole.slice(question + 1).split('&');
  const valuesOf = (word: string): string[] =>
    more.filter((one) => one.startsWith(`${word}=`)).map((one) => one.slice(word.length + 1));
  const [period, ...periods] = valuesOf('period');
  const seconds = period === undefined ? undefined : inRange(1, longestPeriodSeconds)(period);
  if (periods.length > 0 || (period !== undefined && seconds === undefined))
    throw badDocument('the invitation has a bad period: expected a whole number of seconds, once');
  const urls = valuesOf('url').map(readUrl);
  if (urls.length > mostUrls) throw badDocument(`the invitation names more than ${mostUrls} urls`);
  return { authorities, periodMs: seconds === undefined ? undefined : seconds * secondMs, urls };
};

/** What who was invited trusts: more than half of the authorities. */
export const trustIn = ({ authorities }: Invitation): Trust => ({
  authorities: authorities.map(({ key }) => key),
  threshold: moreThanHalf(authorities.length),
});
