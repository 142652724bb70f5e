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
