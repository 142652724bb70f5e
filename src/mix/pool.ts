import { shuffled } from '../base/random.js';
import type { Rng } from '../base/random.js';

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
  const bounded = waiting.flatMap((entry) => {
    const group = groupOf(entry);
    return group === undefined ? [] : [{ entry, group }];
  });
  const chosen = shuffled(rng, bounded).filter(({ group }) => {
    const before = counts.get(group) ?? 0;
    counts.set(group, before + 1);
    return before < most;
  });
  return [...waiting.filter((entry) => groupOf(entry) === undefined), ...chosen.map(({ entry }) => entry)];
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
