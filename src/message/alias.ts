import type { Rng } from '../base/random.js';
import { uniformInt } from '../base/random.js';

const letters = 'abcdefghijklmnopqrstuvwxyz234567';
const aliasLength = 16;
const aliasForm = new RegExp(`^[${letters}]{${aliasLength}}$`);

/**
 * A fresh alias: 16 characters of a-z and 2-7 (80 bits), the detail of a plus address. Nobody can guess one, so only who
 * has seen the delivered mail can use its return address.
 */
export const mintAlias = (rng: Rng): string =>
  Array.from({ length: aliasLength }, () => letters[uniformInt(rng, letters.length)]).join('');

/** The alias in the detail of a plus address, in lower case; undefined if it can't be one. */
export const aliasIn = (detail: string): string | undefined => {
  const alias = detail.toLowerCase();
  return aliasForm.test(alias) ? alias : undefined;
};
