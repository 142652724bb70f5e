import type { Provider } from './provider.js';
import { providers } from './table.js';

/** Who runs the mailboxes of that domain, where its name tells. */
export const providerOf = (domain: string): Provider | undefined => {
  const name = domain.toLowerCase();
  return providers.find(({ domains }) => domains.test(name));
};

/** What to know of the log-in at that mail server, in a sentence; undefined of one that is not known. */
export const adviceAt = (host: string): string | undefined => {
  const name = host.toLowerCase();
  return providers.find(({ hosts }) => hosts?.test(name) === true)?.advice;
};
