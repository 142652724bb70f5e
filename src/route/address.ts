/** The mail domain in that text, in lower case, or undefined: labels of a-z, 0-9 and -, at most 253 characters. */
export const parseDomain = (text: string): string | undefined =>
  text.length <= 253 && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text)
    ? text.toLowerCase()
    : undefined;

/**
 * The mailbox in that text with its domain in lower case, or undefined: an ASCII dot-atom of at most 64 characters, `@`,
 * a domain (RFC 5321 4.1.2 without quoted strings and address literals, which no provider gives out).
 */
export const parseMailbox = (text: string): string | undefined => {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const domain = parseDomain(text.slice(at + 1));
  if (domain === undefined || local.length > 64) return undefined;
  return /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i.test(local)
    ? `${local}@${domain}`
    : undefined;
};

/** What stands behind the `@`. */
export const domainOf = (mailbox: string): string => mailbox.slice(mailbox.lastIndexOf('@') + 1).toLowerCase();

// Domains whose mailboxes are run by one company under several names. Not complete and can't be: a domain of one's own
// may be hosted anywhere, which is why an operator can name the provider.
const operators: readonly (readonly [operator: string, domains: RegExp])[] = [
  ['google.com', /^(gmail|googlemail|google)\.com$/],
  ['outlook.com', /^(outlook|hotmail|live|msn|passport)(\.com?)?\.[a-z]{2,3}$/],
  ['icloud.com', /^(icloud|me|mac)\.com$/],
  ['yahoo.com', /^((yahoo|ymail|rocketmail)(\.com?)?\.[a-z]{2,3}|aol\.[a-z]{2,3})$/],
  ['gmx.net', /^(gmx\.[a-z]{2,3}|web\.de|mail\.com|1und1\.de|ionos\.[a-z]{2,3})$/],
  ['proton.me', /^(proton\.me|pm\.me|protonmail\.(com|ch))$/],
  ['fastmail.com', /^(fastmail\.(com|fm)|messagingengine\.com)$/],
];

/** Who runs the mailboxes of a domain, as far as its name tells; else the domain itself, in lower case. */
export const operatorOf = (domain: string): string => {
  const name = domain.toLowerCase();
  return operators.find(([, domains]) => domains.test(name))?.[0] ?? name;
};
