import { type Rng, uniformInt, unitInterval } from '../base/random.js';

/** Things to draw from, each as often as its weight says. */
export interface Urn<T> {
  readonly items: readonly T[];
  readonly total: number;
  /** `upTo[i]`: weight of items 0 to i; undefined where all weigh 1. */
  readonly upTo: Float64Array | undefined;
}

/** @param weightOf above 0 */
export const urnOf = <T>(items: readonly T[], weightOf: (item: T) => number): Urn<T> => {
  const upTo = new Float64Array(items.length);
  let total = 0;
  items.forEach((item, i) => (upTo[i] = total += weightOf(item)));
  const areAlike = items.every((item) => weightOf(item) === 1);
  return { items, total, upTo: areAlike ? undefined : upTo };
};

/** One of them; undefined if there is none. */
export const drawFrom = <T>(rng: Rng, { items, total, upTo }: Urn<T>): T | undefined => {
  if (items.length === 0) return undefined;
  if (upTo === undefined) return items[uniformInt(rng, items.length)];
  const wanted = unitInterval(rng) * total;
  let [low, high] = [0, items.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((upTo[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return items[low];
};

/** All of them in an order in which each is as early as its weight says: drawn one after the other, none put back. */
export const drawAll = <T>(rng: Rng, items: readonly T[], weightOf: (item: T) => number): T[] =>
  items
    .map((item) => ({ item, at: -Math.log(1 - unitInterval(rng)) / weightOf(item) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
