import { operatorOf } from '../route/provider.js';

/** How many mails an account may send. */
export interface Limits {
  readonly perDay: number;
  /** Undefined: as many as a day has. */
  readonly perHour?: number | undefined;
  readonly perMinute?: number | undefined;
}

/** Of an account at a provider of which nothing is known. */
export const unknownLimits: Limits = { perDay: 100 };

// What keeps an account alive, well below what the provider says it takes (November 2026). By operator, which is the one
// name of all domains of a company.
const table: readonly (readonly [operators: RegExp, limits: Limits])[] = [
  [/^google\.com$/, { perDay: 350 }],
  [/^outlook\.com$/, { perDay: 120 }],
  [/^yahoo\.com$/, { perDay: 250 }],
  [/^icloud\.com$/, { perDay: 500 }],
  [/^fastmail\.com$/, { perDay: 1000 }],
  [/^gmx\.net$/, { perDay: 100 }],
  [/^proton\.me$/, { perDay: 100 }],
  [/^zoho(mail)?\.(com|eu|in|com\.au|jp|sa)$/, { perDay: 300, perHour: 40 }],
  [/^(posteo\.(de|net|eu|org)|mailbox\.org|riseup\.net|disroot\.org)$/, { perDay: 200 }],
  [/^(nine\.testrun\.org|mehl\.cloud|mailchat\.pl|chatmail\.woodpeckersnest\.space)$/, { perDay: 2000 }],
];

// Companies that give paying customers, who come with domains of their own, more than everybody.
const business: readonly (readonly [operator: string, limits: Limits])[] = [
  ['google.com', { perDay: 1200 }],
  ['outlook.com', { perDay: 1500, perMinute: 15 }],
];

/**
 * What an account at that provider may send, as far as its name tells.
 *
 * @param provider domain of who runs the mailbox: any name of a company is as good as another
 * @param domain that of the address, where it is a customer's own
 */
export const limitsOf = (provider: string, domain: string = provider): Limits => {
  const operator = operatorOf(provider);
  const isOwnDomain = operatorOf(domain) !== operator;
  const paid = isOwnDomain ? business.find(([name]) => name === operator) : undefined;
  return paid?.[1] ?? table.find(([operators]) => operators.test(operator))?.[1] ?? unknownLimits;
};
