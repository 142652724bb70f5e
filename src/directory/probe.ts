import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { Bug, PacketError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { type Rng, shuffled, uniformInt, unitInterval } from '../base/random.js';
import { hourMs } from '../base/units.js';
import { bundleClasses, joinBundle } from '../carrier/bundle.js';
import { composeCarrierMail } from '../carrier/carrier.js';
import { enoughToLeave } from '../mix/strategy.js';
import type { MemberStore, Probe, ProbeStore } from '../ports/authority.js';
import type { Log } from '../ports/log.js';
import type { OutgoingStore, Store } from '../ports/stores.js';
import { type Descriptor, readDescriptor } from '../route/descriptor.js';
import { mixKeyAt } from '../route/epoch.js';
import { hopOf, hopsOf } from '../route/hop.js';
import type { Network } from '../route/network.js';
import type { Strategy } from '../route/strategy.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import { readMailboxPacket } from '../sphinx/mailbox.js';
import { createDrop } from '../sphinx/packet.js';
import { createSurb, openSurb, useSurb } from '../sphinx/surb.js';
import { isReliable, type Measured } from './measure.js';

/** How often an authority tries nodes. */
export interface ProbeRules {
  readonly periodMs: number;
  /** Probes through each node in a period, on average; 0: none. */
  readonly probesPerPeriod: number;
}

export interface ProbeDeps {
  readonly store: Store & MemberStore & ProbeStore & OutgoingStore;
  readonly crypto: SphinxCrypto;
  readonly base64: Base64;
  readonly rng: Rng;
  readonly log: Log;
  /** The authority's own mailbox: probes leave from it and end at it. */
  readonly from: string;
  readonly rules: ProbeRules;
}

/** What probes are made by. */
export interface ProbeView {
  /** The list in force; undefined before the first one, and then nobody is probed. */
  readonly network: Network | undefined;
  readonly measured: ReadonlyMap<NodeId, Measured>;
  readonly now: number;
}

/** A probe that does not come home in this time is lost: six hours a day, and what a single mail may need at least. */
export const probeWaitMs = (periodMs: number): number => Math.min(periodMs, Math.max(hourMs, periodMs / 4));

/** Probes at once through a node that is in no list yet; it has no other packets to mix them with. */
const joiningProbes = (strategy: Strategy): number => {
  const enough = enoughToLeave(strategy);
  return bundleClasses.find((size) => size >= enough) ?? bundleClasses[bundleClasses.length - 1] ?? 1;
};

/** Nodes probed in one turn: a thousand at once would be 45 MB of mails. */
const mostAtOnce = 50;

const anyOf = <T>(rng: Rng, items: readonly T[]): T | undefined =>
  items.length === 0 ? undefined : items[uniformInt(rng, items.length)];

/**
 * The way of a probe about that node: it alone, or with others before it, behind it, or both. Behind another one it
 * sees no mail of an authority, and before one no address of an authority. The others are nodes that bring probes home,
 * so that what is lost is rather this node's doing.
 */
const wayThrough = (rng: Rng, subject: Descriptor, others: readonly Descriptor[]): readonly Descriptor[] => {
  const [before, behind] = shuffled(rng, others);
  const shape = uniformInt(rng, 4);
  if (before === undefined || shape === 0) return [subject];
  if (shape === 1) return [subject, before];
  return shape === 3 && behind !== undefined ? [before, subject, behind] : [before, subject];
};

/** When probes are made, and for which network. */
interface Moment {
  readonly network: Network;
  readonly now: number;
}

interface Made {
  readonly first: Descriptor;
  readonly packet: Uint8Array;
  readonly probe: Omit<Probe, 'mail'>;
}

const makeProbe = (deps: ProbeDeps, way: readonly Descriptor[], subject: NodeId, view: Moment): Made => {
  const { crypto, rng, from } = deps;
  const [first] = way;
  if (first === undefined) throw new Bug('an empty way');
  const id = rng(geometry.surbIdBytes);
  const hops = hopsOf(way, { ...view, rng });
  const { surb, opener } = createSurb(crypto, { hops, surbId: id, address: from, rng });
  // Random, as what is encrypted looks: only the wide-block cipher's zeros in front are checked.
  const { packet } = useSurb(crypto, surb, rng(geometry.userPayloadBytes));
  return { first, packet, probe: { id, opener, subject, hops: way.length } };
};

/** Mails them, those with one first hop together; in a transaction. */
const mailProbes = (deps: ProbeDeps, made: readonly Made[], now: number): void => {
  const { store, crypto, base64, rng, from } = deps;
  const byFirst = new Map<NodeId, Made[]>();
  for (const one of made) {
    const together = byFirst.get(one.first.nodeId) ?? [];
    byFirst.set(one.first.nodeId, [...together, one]);
  }
  const largest = bundleClasses[bundleClasses.length - 1] ?? 1;
  for (const together of shuffled(rng, [...byFirst.values()])) {
    for (let at = 0; at < together.length; at += largest) {
      const some = together.slice(at, at + largest);
      const [{ first } = {}] = some;
      if (first === undefined) throw new Bug('a mail of no probes');
      const filling = (): Uint8Array => createDrop(crypto, hopOf(first, now), rng);
      const bundle = joinBundle(
        some.map(({ packet }) => packet),
        filling,
        rng,
      );
      const raw = composeCarrierMail({ from, to: first.address, bundle, now, rng }, base64);
      store.addOutgoing({ kind: 'packets', to: first.address, raw }, now);
      const mail = sha256(raw);
      for (const { probe } of some) store.addProbe({ ...probe, mail }, now);
    }
  }
};

/**
 * Sends the probes whose time has come: through each node at random times, and four at once through one that has proven
 * its mailbox and is in no list yet. Packets over reply blocks that end at the authority's own mailbox.
 *
 * Not protected: a node that sees the authority's address next to its own (the first and the last of a way) can treat
 * that packet better than others. In a quarter of the ways, those of three nodes, it sees neither.
 *
 * @returns how many were made
 */
export const sendProbes = (deps: ProbeDeps, { network, measured, now }: ProbeView): number => {
  const { store, rng, rules } = deps;
  const { periodMs, probesPerPeriod } = rules;
  if (network === undefined || probesPerPeriod === 0) return 0;
  const usable = network.nodes.filter((node) => node.roles.includes('mix') && mixKeyAt(node, now) !== undefined);
  const reliable = usable.filter(({ nodeId }) => isReliable(measured.get(nodeId)));
  return store.atomically(() => {
    const made: Made[] = [];
    for (const { nodeId, text } of shuffled(rng, store.membersToProbe(now)).slice(0, mostAtOnce)) {
      const listed = network.byId.get(nodeId);
      const subject = listed ?? readDescriptor(text);
      // Around its mean by half of it: nobody knows when one comes, and none waits for long.
      store.setNextProbe(nodeId, now + (periodMs / probesPerPeriod) * (0.5 + unitInterval(rng)));
      if (mixKeyAt(subject, now) === undefined) continue;
      const others = reliable.filter((node) => node.nodeId !== nodeId);
      const count = listed === undefined ? joiningProbes(network.parameters.strategy) : 1;
      for (let i = 0; i < count; i++) {
        const partner = anyOf(rng, others);
        // The others send nothing to a node that is not in their list.
        const joining = i % 2 === 0 || partner === undefined ? [subject] : [subject, partner];
        const way = listed === undefined ? joining : wayThrough(rng, subject, others);
        made.push(makeProbe(deps, way, nodeId, { network, now }));
      }
    }
    mailProbes(deps, made, now);
    return made.length;
  });
};

/** What a packet in the authority's mailbox was. */
export type ProbeEnd = 'home' | 'damaged' | 'stranger';

/** Notes a probe that came home; in a transaction. */
export const takeProbe = (
  { store, crypto }: Pick<ProbeDeps, 'store' | 'crypto'>,
  packet: Uint8Array,
  now: number,
): ProbeEnd => {
  const { surbId, payload } = readMailboxPacket(packet);
  const probe = store.probe(surbId);
  if (probe === undefined) return 'stranger';
  try {
    openSurb(crypto, probe.opener, payload);
  } catch (error) {
    // Changed on its way, or made by somebody who saw the id: the true one may still come.
    if (error instanceof PacketError) return 'damaged';
    throw error;
  }
  store.probeHome(surbId, now);
  return 'home';
};
