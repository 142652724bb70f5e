import { providerOf } from './known.js';
import { operatorOf } from './operator.js';
import type { Limits } from './provider.js';

/** Of an account at a provider of which nothing is known. */
export const unknownLimits: Limits = { perDay: 100 };

/**
 * What an account at that provider may send, as far as its name tells.
 *
 * @param provider domain of who runs the mailbox: any name of a company is as good as another
 * @param domain that of the address, where it is a customer's own
 */
export const limitsOf = (provider: string, domain: string = provider): Limits => {
  const known = providerOf(provider);
  const isOwnDomain = operatorOf(domain) !== operatorOf(provider);
  const paid = isOwnDomain ? known?.business?.limits : undefined;
  return paid ?? known?.limits ?? unknownLimits;
};
