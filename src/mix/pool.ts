import { shuffled, unitInterval } from '../base/random.js';
import type { Rng } from '../base/random.js';

/** The timed dynamic pool's two numbers; all nodes of a network use the same. */
export interface PoolParameters {
  /**
   * While no more than these wait nothing leaves; of more, at least these stay behind on average. At least 1, so that a
   * packet that waits alone never leaves.
   */
  readonly minimum: number;
  /** Upper bound of the probability that a waiting packet leaves at a flush, in (0, 1]. */
  readonly rate: number;
}

/**
 * Which of the waiting packets leave at this flush, in random order: none while at most `minimum` wait, else each with
 * probability min(1 - minimum / n, rate), independently.
 *
 * How many stay is drawn too, so that who counts the mails doesn't know how full the pool is: now and then it is emptied
 * (in one flush of ten at n = 10).
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

/**
 * What may leave at this flush where some groups are bounded: of each the same number at most, drawn at random each time
 * anew, so that none of a group waits longer than chance will have it. The others of the group don't count as company
 * for those that do leave: whoever fills up one group would thin the pool for all.
 *
 * @param groupOf the entry's group; undefined if it is in none that is bounded
 */
export const atMostEach = <T>(
  most: number,
  waiting: readonly T[],
  groupOf: (entry: T) => string | undefined,
  rng: Rng,
): readonly T[] => {
  const counts = new Map<string, number>();
  const bounded = waiting.filter((entry) => groupOf(entry) !== undefined);
  const chosen = shuffled(rng, bounded).filter((entry) => {
    const group = groupOf(entry) ?? '';
    const before = counts.get(group) ?? 0;
    counts.set(group, before + 1);
    return before < most;
  });
  return [...waiting.filter((entry) => groupOf(entry) === undefined), ...chosen];
};

/**
 * What may leave at this flush where only so many groups may: everything of `most` of them, drawn at random each time
 * anew, and whatever is in no group.
 *
 * @param groupOf as for `atMostEach`
 */
export const atMostGroups = <T>(
  most: number,
  waiting: readonly T[],
  groupOf: (entry: T) => string | undefined,
  rng: Rng,
): readonly T[] => {
  const groups = new Set(waiting.map(groupOf));
  groups.delete(undefined);
  if (groups.size <= most) return waiting;
  const chosen = new Set(shuffled(rng, [...groups]).slice(0, most)).add(undefined);
  return waiting.filter((entry) => chosen.has(groupOf(entry)));
};
