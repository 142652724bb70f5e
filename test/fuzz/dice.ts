/** Chance of one input: the same numbers for the same seed, index and stream, and nothing kept from input to input. */
export interface Dice {
  /** A whole number from 0 to 2^32 - 1. */
  readonly word: () => number;
  /** A whole number from 0 to `count` - 1. @param count 1 to 2^32 */
  readonly below: (count: number) => number;
  /** True once in `times`. */
  readonly once: (times: number) => boolean;
  /** One of these, of which there is at least one. */
  readonly of: <T>(items: readonly T[]) => T;
}

const scrambled = (value: number): number => {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
};

/**
 * A small fast generator (sfc32): ten million inputs want some hundred million draws. Not for secrets.
 *
 * @param seed of the run, 0 to 2^32 - 1
 * @param index of the input
 * @param stream keeps draws for different ends apart
 */
export const diceOf = (seed: number, index: number, stream: number): Dice => {
  let a = scrambled(seed + 0x9e3779b9);
  let b = scrambled(index ^ 0x243f6a88);
  let c = scrambled(stream + 0xb7e15162);
  let counter = 1;
  const word = (): number => {
    const next = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + next;
    return next >>> 0;
  };
  for (let i = 0; i < 8; i++) word();
  const below = (count: number): number => Math.floor((word() / 0x1_0000_0000) * count);
  return {
    word,
    below,
    once: (times) => below(times) === 0,
    of: (items) => {
      if (items.length === 0) throw new Error('nothing to choose from');
      return items[below(items.length)] as (typeof items)[number];
    },
  };
};
