import type { Base64 } from '../base/base64.js';
import { Bug, RouteError } from '../base/errors.js';
import { shuffled, uniformInt } from '../base/random.js';
import type { Rng } from '../base/random.js';
import { joinBundle, planBundles } from '../carrier/bundle.js';
import { composeCarrierMail } from '../carrier/carrier.js';
import type { Destination, OutgoingStore, PoolId, PoolStore } from '../ports/stores.js';
import { mixKeyAt } from '../route/epoch.js';
import { hopOf } from '../route/hop.js';
import type { Network } from '../route/network.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import type { Hop } from '../sphinx/header.js';
import { createMailboxPacket } from '../sphinx/mailbox.js';
import { createDrop } from '../sphinx/packet.js';

const { packetBytes, surbIdBytes } = geometry;

export interface BundleDeps {
  readonly store: OutgoingStore & Pick<PoolStore, 'takeFromPool'>;
  readonly crypto: SphinxCrypto;
  readonly base64: Base64;
  readonly rng: Rng;
  /** The account the mails leave from. */
  readonly from: string;
}

/** Where packets of the pool can be mailed to. */
export type Way = Exclude<Destination, { kind: 'here' }>;

/** Packets that leave, by the mail address or node they go to. */
export type Leaving = Map<string, { readonly way: Way; readonly ids: PoolId[] }>;

/** Whether packets can go that way: a node is in the network and has a key now; a mailbox is always there. */
export const isOpen = (network: Network, way: Way, now: number): boolean => {
  if (way.kind === 'mailbox') return true;
  const node = network.byId.get(way.nextHop);
  return node !== undefined && mixKeyAt(node, now) !== undefined;
};

/** Adds what goes one way. */
export const addLeaving = (leaving: Leaving, way: Way, id: PoolId): void => {
  const name = way.kind === 'node' ? way.nextHop : way.address;
  const known = leaving.get(name);
  if (known === undefined) leaving.set(name, { way, ids: [id] });
  else known.ids.push(id);
};

/** A hop for packets that nobody opens: any node with a key. */
export const decoyHop = (network: Network, now: number, rng: Rng): Hop => {
  const usable = network.nodes.filter((node) => mixKeyAt(node, now) !== undefined);
  const node = usable[uniformInt(rng, Math.max(1, usable.length))];
  if (node === undefined) throw new RouteError('route/no-path', 'no node of the list has a mix key valid now');
  return hopOf(node, now);
};

/**
 * Takes these packets from the pool and writes the mails that bring them to their next hops, or to the mailboxes they
 * are for, in packets made for it: one mail a way, more only beyond the largest class, each filled up to its class with drop packets. Called
 * inside a transaction. However large the pool is, no more than one mail's packets are in memory at a time.
 *
 * @param leaving by ways that are open
 */
export const addBundles = (
  { store, crypto, base64, rng, from }: BundleDeps,
  leaving: Leaving,
  network: Network,
  now: number,
): void => {
  // The way of the packet drawn first is rather one of many packets; where its mail stands must not tell.
  for (const { way, ids } of shuffled(rng, [...leaving.values()])) {
    const node = way.kind === 'node' ? network.byId.get(way.nextHop) : undefined;
    const to = way.kind === 'node' ? node?.address : way.address;
    if (to === undefined) throw new Bug('packets for a node without a way');
    const filling = (): Uint8Array => createDrop(crypto, node ? hopOf(node, now) : decoyHop(network, now, rng), rng);
    let at = 0;
    const packetOf = (kept: Uint8Array): Uint8Array => {
      // A mailbox packet of an earlier version was made before it came into the pool.
      if (node !== undefined || kept.length === packetBytes) return kept;
      const [surbId, payload] = [kept.subarray(0, surbIdBytes), kept.subarray(surbIdBytes)];
      return createMailboxPacket(crypto, { surbId, payload, decoy: decoyHop(network, now, rng), rng });
    };
    for (const size of planBundles(ids.length)) {
      const packets = ids.slice(at, at + size).map((id) => packetOf(store.takeFromPool(id)));
      const bundle = joinBundle(packets, filling, rng);
      at += size;
      const raw = composeCarrierMail({ from, to, bundle, now, rng }, base64);
      store.addOutgoing({ kind: 'packets', to, raw }, now);
    }
  }
};
