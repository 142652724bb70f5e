/** A mail address in the one form the network writes, or what is wrong with it, in words for its writer. */
export type AddressResult =
  { readonly kind: 'address'; readonly address: string } | { readonly kind: 'refused'; readonly why: string };

const localLimitBytes = 64;
const addressLimitBytes = 254;
// RFC 5322 dot-atom: no quotes, comments, spaces or control characters, so nothing that could end a header line.
const localForm = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const labelForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const refused = (why: string): AddressResult => ({ kind: 'refused', why });

/**
 * The address with its domain in lower case. Only what can stand bare in a header and an SMTP command of every server:
 * ASCII, a dot-atom of at most 64 characters, `@`, a domain name of two labels or more (an internationalized one as
 * `xn--` labels), 254 characters in all. A bare host name or an IP address is refused: it could mean a machine of the
 * exit's own.
 *
 * Source: RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5322 section 3.4.1.
 */
export const parseAddress = (text: string): AddressResult => {
  if (text.length > addressLimitBytes) return refused('it is longer than 254 characters');
  if (!/^[\x21-\x7e]*$/.test(text))
    return refused('it has characters outside ASCII, or spaces; write an international domain in its xn-- form');
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const domain = text.slice(at + 1).toLowerCase();
  if (at < 0) return refused('it has no @');
  if (local.length > localLimitBytes || !localForm.test(local))
    return refused('the part before the @ is not a plain name of at most 64 characters without quotes');
  const labels = domain.split('.');
  if (labels.length < 2 || !labels.every((label) => labelForm.test(label)) || /^[0-9]+$/.test(labels.at(-1) ?? ''))
    return refused('the part after the @ is not a full domain name');
  return { kind: 'address', address: `${local}@${domain}` };
};

/** The address in that text, or undefined if `parseAddress` refuses it. */
export const mailboxIn = (text: string): string | undefined => {
  const result = parseAddress(text);
  return result.kind === 'address' ? result.address : undefined;
};

/** The mail domain in that text, in lower case, or undefined: labels of a-z, 0-9 and -, at most 253 characters. */
export const parseDomain = (text: string): string | undefined =>
  text.length <= 253 && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text)
    ? text.toLowerCase()
    : undefined;

/** The domain of an address, in lower case. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

/**
 * The plus address of `own` with that detail: `local+detail@domain`. A provider that knows such addresses puts mail to it
 * into the mailbox of `own`. The lengths are the caller's affair: `parseAddress` refuses what is too long.
 *
 * Source: RFC 5233.
 */
export const plusAddress = (own: string, detail: string): string => {
  const at = own.lastIndexOf('@');
  return `${own.slice(0, at)}+${detail}${own.slice(at)}`;
};

/**
 * The detail of a plus address of `own`, as it stands there, or undefined if the address is another one: `x` of
 * `local+x@domain`. Case differences in the rest don't matter.
 */
export const detailIn = (own: string, address: string): string | undefined => {
  const at = own.lastIndexOf('@');
  const [head, tail] = [`${own.slice(0, at)}+`, own.slice(at)];
  const fits =
    address.length > head.length + tail.length &&
    address.slice(0, head.length).toLowerCase() === head.toLowerCase() &&
    address.slice(-tail.length).toLowerCase() === tail.toLowerCase();
  return fits ? address.slice(head.length, -tail.length) : undefined;
};
