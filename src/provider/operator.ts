import { providerOf } from './known.js';

/** Who runs the mailboxes of a domain, as far as its name tells; else the domain itself, in lower case. */
export const operatorOf = (domain: string): string => {
  const name = domain.toLowerCase();
  return providerOf(name)?.operator ?? name;
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
