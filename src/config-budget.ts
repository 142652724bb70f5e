import { domainOf } from './base/address.js';
import { limitsOf, unknownLimits } from './provider/limits.js';
import type { Limits } from './provider/provider.js';
import type { FileConfig } from './config-schema.js';

/** What the account may send. */
export interface BudgetConfig {
  readonly limits: Limits;
  /** When the account was used first, as its owner says; undefined: at the first start. */
  readonly since: number | undefined;
  /** Neither its provider is known nor does the file say anything. */
  readonly isGuess: boolean;
}

/** The limits of the provider, and in their place whatever the file says. @param since a day, UTC */
export const budgetOf = (
  read: FileConfig['mail']['budget'],
  { address, provider }: { readonly address: string; readonly provider: string },
): BudgetConfig => {
  const { perDay, perHour, perMinute, since } = read;
  const known = limitsOf(provider, domainOf(address));
  return {
    limits: {
      perDay: perDay ?? known.perDay,
      perHour: perHour ?? known.perHour,
      perMinute: perMinute ?? known.perMinute,
    },
    since: since === undefined ? undefined : new Date(since).getTime(),
    isGuess: known === unknownLimits && perDay === undefined,
  };
};
