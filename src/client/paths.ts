import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { hopsWithRoom } from '../cover/pace.js';
import { choosePath, type PathWish } from '../path/path.js';
import type { Descriptor } from '../route/descriptor.js';
import { unlessNoPath } from './exits.js';

/** Draws in which a path is looked for that differs from another one. */
const mostDraws = 16;
/** First hops that are tried for a packet because a mail goes there already. */
const mostShared = 8;

export type Path = readonly Descriptor[];

/** A path over which a packet goes on its own, if it can be with another first hop than those, or another path at least. */
const otherPath = (wish: PathWish, others: readonly Path[]): Path => {
  const isOther = (path: Path, hops: number): boolean =>
    others.every((other) => path.slice(0, hops).some(({ nodeId }, i) => nodeId !== other[i]?.nodeId));
  let best = choosePath(wish);
  for (let draws = 1; draws < mostDraws && !isOther(best, 1); draws++) {
    const path = choosePath(wish);
    if (isOther(path, 1) || !isOther(best, wish.length)) best = path;
  }
  return best;
};

/**
 * Finds paths for packets one after the other, so that as few mails as possible take them to their first hops: a packet
 * joins those that wait for a node already, while their mail has room. Copies of one payload begin at different nodes
 * where they can: the node at which one was lost would lose the other.
 *
 * @param waiting packets that wait, by first hop; counted on
 */
export const joinedPath = (
  wish: PathWish,
  { waiting, room, copies }: { waiting: Map<NodeId, number>; room: number; copies: readonly Path[] },
): Path => {
  const isFree = (entry: NodeId): boolean => copies.every(([first]) => first?.nodeId !== entry);
  const shared = hopsWithRoom(waiting, room).filter(isFree).slice(-mostShared);
  let path: Path | undefined;
  for (const entry of shared.toReversed()) {
    const found = unlessNoPath(() => choosePath({ ...wish, entry }));
    if (found instanceof RouteError) continue;
    path = found;
    break;
  }
  path ??= otherPath(wish, copies);
  const [first] = path;
  if (first === undefined) throw new Bug('an empty path');
  waiting.set(first.nodeId, (waiting.get(first.nodeId) ?? 0) + 1);
  return path;
};
