import { Bug } from '../base/errors.js';
import { type Rng, unitInterval } from '../base/random.js';

/**
 * How long messages are under way, from the client's mail to the delivery, as one who watched long enough knows it: the
 * share of messages for each whole minute. The shares add up to 1.
 */
export type Delay = Float64Array;

/**
 * The shares, from the times of many messages.
 *
 * @param minutes of one message each, at least 0
 */
export const delayOf = (minutes: ArrayLike<number>): Delay => {
  if (minutes.length === 0) throw new Bug('a delay is learned from messages');
  let longest = 0;
  for (let i = 0; i < minutes.length; i++) longest = Math.max(longest, minutes[i] ?? 0);
  const share = new Float64Array(Math.floor(longest) + 1);
  for (let i = 0; i < minutes.length; i++) add(share, Math.floor(minutes[i] ?? 0), 1 / minutes.length);
  return share;
};

/** The minute of one message, drawn with those shares. */
export const drawMinute = (rng: Rng, delay: Delay): number => {
  let left = unitInterval(rng);
  for (let minute = 0; minute < delay.length; minute++) if ((left -= delay[minute] ?? 0) < 0) return minute;
  return delay.length - 1;
};

/**
 * Over how many minutes the delay is spread: 1 / (sum of the squares of the shares), 1 when all messages take the same time.
 * What an observer learns from the time of a delivery is in proportion to its inverse.
 */
export const spreadMin = (delay: Delay): number => 1 / delay.reduce((sum, share) => sum + share * share, 0);

/** Adds to one of the numbers. */
export const add = (numbers: Float64Array, place: number, more: number): void => {
  numbers[place] = (numbers[place] ?? 0) + more;
};

/** A sum of many small things, of mean 0 and variance 1 (Box and Muller 1958). */
export const normal = (rng: Rng): number =>
  Math.sqrt(-2 * Math.log(1 - unitInterval(rng))) * Math.cos(2 * Math.PI * unitInterval(rng));

/** Half are at most that. `Infinity` stands for what does not happen. */
export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity;
