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

// Under which registered names companies take mail for domains of others. A company that does so under one name needs no
// line: that name is its operator.
const mailHosts: readonly (readonly [operator: string, sites: RegExp])[] = [
  ['google.com', /^(google|googlemail)\.com$|^smtp\.goog$/],
  ['outlook.com', /^(outlook|hotmail|office365|microsoft)\.com$|^outlook\.(de|cn)$|^mx\.microsoft$/],
  ['icloud.com', /^(icloud|apple)\.com$/],
  ['yahoo.com', /^(yahoodns\.net|yahoo\.com|aol\.com)$/],
  ['gmx.net', /^(gmx\.(net|com|de)|kundenserver\.de|1and1\.com|perfora\.net|ui-dns\.[a-z]{2,3}|mail\.com)$/],
  ['proton.me', /^(protonmail\.(ch|com)|proton\.(me|ch))$/],
  ['fastmail.com', /^messagingengine\.com$/],
  ['zoho.com', /^(zoho|zohomail)\.(com|eu|in|com\.au|jp|sa)$|^zohocloud\.ca$/],
  ['yandex.ru', /^yandex\.(ru|net|com)$/],
];

/**
 * Who runs a host that takes mail: `outlook.com` of a host under `outlook.com` or `mx.microsoft`.
 *
 * @param site the part of its name that somebody registered, in lower case
 */
export const operatorOfMailSite = (site: string): string =>
  mailHosts.find(([, sites]) => sites.test(site))?.[0] ?? operatorOf(site);
