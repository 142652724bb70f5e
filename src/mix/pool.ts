import { shuffled, unitInterval } from '../base/random.js';
import type { Rng } from '../base/random.js';

/** The timed dynamic pool's two numbers; all nodes of a network use the same. */
export interface PoolParameters {
  /** This many packets always stay behind. At least 1, so that the last packet in never leaves alone. */
  readonly minimum: number;
  /** Upper bound of the probability that a waiting packet leaves at a flush, in (0, 1]. */
  readonly rate: number;
}

/**
 * Which of the waiting packets leave at this flush, in random order: none while at most `minimum` wait, else each with
 * probability min(1 - minimum / n, rate), independently.
 *
 * What it does not protect against: an attacker who fills the pool with its own packets (n-1 attack) sees the one that
 * isn't; the loops a node sends to itself make that visible, not impossible.
 *
 * Source: Diaz and Serjantov, Generalising Mixes (2003), the binomial variant of Mixmaster's timed dynamic pool.
 */
export const selectBatch = <T>(waiting: readonly T[], { minimum, rate }: PoolParameters, rng: Rng): readonly T[] => {
  if (waiting.length <= minimum) return [];
  const probability = Math.min(1 - minimum / waiting.length, rate);
  return shuffled(
    rng,
    waiting.filter(() => unitInterval(rng) < probability),
  );
};
