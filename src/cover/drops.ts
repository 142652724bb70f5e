import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { choosePath, type PathWish } from '../path/path.js';
import { hopsOf } from '../route/hop.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { createPacket } from '../sphinx/packet.js';

/** A packet that travels as far as a real one, and is thrown away by its last hop. */
export interface CoverDrop {
  readonly firstHop: NodeId;
  readonly lastHop: NodeId;
  readonly packet: Uint8Array;
}

/**
 * Makes a cover drop over a path that is drawn as that of a real packet would be. Every hop but the last handles it like
 * any other packet; the last one finds that it ends there.
 *
 * Not protected: the last hop knows it for cover, and tells nobody by what it sends, for nothing follows from it.
 *
 * @param wish as for a real packet: of a client without recipients; of a node with itself as `from` and `mix` as the
 *   last role, so that in a list with layers its drops go where all its packets go
 * @throws RouteError 'route/no-path' if there is no such path
 */
export const createCoverDrop = (crypto: SphinxCrypto, wish: PathWish): CoverDrop => {
  const { rng } = wish;
  const path = choosePath(wish);
  const packet = createPacket(crypto, {
    hops: hopsOf(path, wish),
    last: { kind: 'drop' },
    payload: new Uint8Array(),
    rng,
  });
  const [first, last] = [path[0], path.at(-1)];
  if (first === undefined || last === undefined) throw new Bug('an empty path');
  return { firstHop: first.nodeId, lastHop: last.nodeId, packet };
};
