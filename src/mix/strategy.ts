import { unreachable } from '../base/errors.js';
import { type Rng, shuffled, unitInterval } from '../base/random.js';
import type { Strategy } from '../route/strategy.js';

/** A packet of the pool whose delay is over, at a flush. */
export interface Held<T> {
  readonly entry: T;
  /** It was here at a flush before this one, and stayed. */
  readonly passedOver: boolean;
}

/** What one node keeps back at least, if its network keeps back less. */
export interface Reserve {
  readonly minimum: number;
  readonly rate: number;
}

/** The network's strategy, or a stricter one of the same kind. A node adds nothing to delays that senders drew. */
export const stricter = (strategy: Strategy, { minimum, rate }: Reserve): Strategy => {
  switch (strategy.kind) {
    case 'pool':
      return { kind: 'pool', minimum: Math.max(strategy.minimum, minimum), rate: Math.min(strategy.rate, rate) };
    case 'poisson':
      return strategy;
    case 'threshold':
      return { kind: 'threshold', count: Math.max(strategy.count, minimum + 1) };
    default:
      return unreachable(strategy);
  }
};

/** Of those that one flush has passed over, the part that leaves at the next at most; more where new ones do. */
const laterRate = 0.9;

/**
 * With which probability a packet that waits among n in a pool leaves at this flush: none while at most `minimum` wait.
 *
 * Of those that came since the last flush no more than `rate` leave; one that has been passed over leaves more likely, unless
 * the pool needs it as company. So few packets wait for a third flush: it is those that make the slowest mail in a hundred
 * slow. Some do, because how long a packet may have waited is what an observer has to guess: if none did, it would guess
 * better by 0.15 bits (`mixmailer simulate`).
 */
export const chanceToLeave = (
  { minimum, rate }: { readonly minimum: number; readonly rate: number },
  count: number,
  passedOver: boolean,
): number => {
  const most = Math.max(0, 1 - minimum / Math.max(1, count));
  return Math.min(most, passedOver ? Math.max(rate, laterRate) : rate);
};

/**
 * Which of the waiting packets leave at this flush, in random order. Each of a pool is drawn by itself, so that how many
 * stay is chance too: who counts the mails doesn't know how full the pool is.
 *
 * What it does not protect against: an attacker who fills the pool with its own packets (n-1 attack) sees the one that
 * isn't; the loops a node sends to itself make that visible, not impossible.
 *
 * Source: Diaz and Serjantov, Generalising Mixes (2003), the binomial variant of Mixmaster's timed dynamic pool.
 *
 * @param waiting those whose delay is over
 */
export const leaving = <T>(strategy: Strategy, waiting: readonly Held<T>[], rng: Rng): readonly T[] =>
  shuffled(rng, drawn(strategy, waiting, rng)).map(({ entry }) => entry);

const drawn = <T>(strategy: Strategy, waiting: readonly Held<T>[], rng: Rng): readonly Held<T>[] => {
  const count = waiting.length;
  switch (strategy.kind) {
    case 'pool':
      return waiting.filter(({ passedOver }) => unitInterval(rng) < chanceToLeave(strategy, count, passedOver));
    case 'poisson':
      return waiting;
    case 'threshold':
      return count >= strategy.count ? waiting : [];
    default:
      return unreachable(strategy);
  }
};

/** Packets with which some may leave a node that has no others. */
export const enoughToLeave = (strategy: Strategy): number => {
  switch (strategy.kind) {
    case 'pool':
      return strategy.minimum + 2;
    case 'poisson':
      return 1;
    case 'threshold':
      return strategy.count;
    default:
      return unreachable(strategy);
  }
};
