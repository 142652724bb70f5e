// What half of all authorities can't bring about, whatever they say: a change. Each of these keeps what was before
// unless more than half of all speak for the same.

/** How many of so many authorities are more than half of them. */
export const moreThanHalf = (authorities: number): number => Math.floor(authorities / 2) + 1;

/**
 * What at least `needed` say, or undefined.
 *
 * @param textOf equal for those that say the same
 * @param needed more than half of all that may speak, so there is one answer at most
 */
export const majorityOf = <T>(
  all: readonly T[],
  textOf: (one: T) => string,
  needed: number,
): { readonly value: T } | undefined => {
  const counts = new Map<string, number>();
  for (const one of all) {
    const text = textOf(one);
    const count = (counts.get(text) ?? 0) + 1;
    if (count >= needed) return { value: one };
    counts.set(text, count);
  }
  return undefined;
};

/**
 * Where a number goes from where it was: as far as `needed` go along with it, who may each say another one. With all
 * present that is the median of an odd number of authorities; of an even number, what was before if it is between the
 * two in the middle, else the nearer of the two.
 *
 * @param all one entry for each who speaks; undefined: "not known"
 * @param before undefined: there was no number; then it comes from `start`
 */
export const moved = (
  all: readonly (number | undefined)[],
  needed: number,
  { before, start }: { readonly before: number | undefined; readonly start: number },
): number | undefined => {
  const given = all.filter((one) => one !== undefined).sort((a, b) => a - b);
  if (all.length - given.length >= needed) return undefined;
  const [low, high] = [given[given.length - needed], given[needed - 1]];
  if (low === undefined || high === undefined) return before;
  return Math.min(Math.max(before ?? start, low), high);
};
