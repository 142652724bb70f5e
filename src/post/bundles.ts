import type { Base64 } from '../base/base64.js';
import { Bug } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { joinBundle, planBundles } from '../carrier/bundle.js';
import { composeCarrierMail } from '../carrier/carrier.js';
import type { OutgoingStore, PoolId, PoolStore } from '../ports/stores.js';
import { mixKeyAt } from '../route/epoch.js';
import type { Network } from '../route/network.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { createDrop } from '../sphinx/packet.js';

export interface BundleDeps {
  readonly store: OutgoingStore & Pick<PoolStore, 'takeFromPool'>;
  readonly crypto: SphinxCrypto;
  readonly base64: Base64;
  readonly rng: Rng;
  /** The account the mails leave from. */
  readonly from: string;
}

/** Whether packets for this next hop have a way: it is in the network and has a key now. */
export const hasWay = (network: Network, nextHop: NodeId, now: number): boolean => {
  const node = network.byId.get(nextHop);
  return node !== undefined && mixKeyAt(node, now) !== undefined;
};

/** Adds what goes to one hop. */
export const addLeaving = (leaving: Map<NodeId, PoolId[]>, nextHop: NodeId, id: PoolId): void => {
  const ids = leaving.get(nextHop);
  if (ids === undefined) leaving.set(nextHop, [id]);
  else ids.push(id);
};

/**
 * Takes these packets from the pool and writes the mails that bring them to their next hops: one mail a hop, more only
 * beyond the largest class, each filled up to its class with drop packets for the same hop. Called inside a transaction.
 * However large the pool is, no more than one mail's packets are in memory at a time.
 *
 * @param leaving by next hops that have a way
 */
export const addBundles = (
  { store, crypto, base64, rng, from }: BundleDeps,
  leaving: ReadonlyMap<NodeId, readonly PoolId[]>,
  network: Network,
  now: number,
): void => {
  for (const [nextHop, waiting] of leaving) {
    const node = network.byId.get(nextHop);
    const key = node && mixKeyAt(node, now);
    if (node === undefined || key === undefined) throw new Bug('packets for a node without a way');
    const hop = { nodeId: nextHop, publicKey: key.publicKey, delayMs: 0 };
    let at = 0;
    for (const size of planBundles(waiting.length)) {
      const packets = waiting.slice(at, at + size).map((id) => store.takeFromPool(id));
      const bundle = joinBundle(packets, () => createDrop(crypto, hop, rng), rng);
      at += size;
      const raw = composeCarrierMail({ from, to: node.address, bundle, now, rng }, base64);
      store.addOutgoing({ kind: 'packets', to: node.address, raw }, now);
    }
  }
};
