import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { toHex } from '../../src/base/bytes.js';
import type { NodeId } from '../../src/base/ids.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { unwrapPacket, type Unwrapped } from '../../src/sphinx/packet.js';
import type { FakeNetwork, Wrap } from '../fakes/network.js';

const crypto = chooseCrypto();
const { at, surbIdBytes } = geometry;

/** How a packet leaves a node. */
export interface Leaving {
  /** Of the node, from 0. */
  readonly turn: number;
  readonly to: string;
  /** Of its mail among those with packets that the node sends in this turn, from 0. */
  readonly order: number;
  /** Of the packet in its bundle, from 0. */
  readonly place: number;
  readonly bundle: number;
}

/** A packet's stay at a node: in by a mail, out by a mail. */
export interface Passage {
  /** What it is at the end of its way; `mailbox` where it goes from its last hop to a mailbox. */
  readonly kind: string;
  readonly node: number;
  /** The node's first turn in which it can leave. */
  readonly came: number;
  /** Undefined while it is there. */
  left: Leaving | undefined;
}

/** An observer of all mails who has all mix keys as well, and so knows of each packet what it is. */
export interface Follower {
  /** A turn of that node, watched. */
  readonly turn: (node: number, wrap?: Wrap) => Promise<void>;
  /** Looks at what the client has sent. */
  readonly look: () => void;
  /** Of all packets that leave a node again, up to now. */
  readonly passages: readonly Passage[];
  /** What a packet is for that node or one behind it. */
  readonly kindOf: (node: NodeId, packet: Uint8Array) => string | undefined;
}

/** By this a packet is known again: its MAC, or in a packet for a mailbox the id in its place. */
const nameOf = (packet: Uint8Array): string => toHex(packet.subarray(at.mac, at.mac + surbIdBytes));

/** @param kindOf names what a last hop finds; undefined for a packet that is not followed */
export const follow = ({ nodes, world }: FakeNetwork, kindOf: (end: Unwrapped) => string | undefined): Follower => {
  const keys = new Map(nodes.map(({ nodeId, key }) => [nodeId, expandKey(crypto, key.seed)]));
  const indexes = new Map(nodes.map(({ account }, i) => [account.address, i]));
  const turns = nodes.map(() => 0);
  const passages: Passage[] = [];
  const inside = nodes.map(() => new Map<string, Passage>());
  /** Of every packet that is seen or will be: what it is, and as what its hop sends it on. */
  const known = new Map<string, { readonly kind: string | undefined; readonly next: string | undefined }>();
  let looked = 0;

  const learn = (first: NodeId, packet: Uint8Array): void => {
    const names = [nameOf(packet)];
    let step = unwrapPacket(crypto, keys.get(first) ?? fail(), packet);
    while (step.kind === 'forward') {
      names.push(nameOf(step.packet));
      step = unwrapPacket(crypto, keys.get(step.nextHop) ?? fail(), step.packet);
    }
    const kind = kindOf(step);
    names.forEach((name, i) => known.set(name, { kind, next: names[i + 1] }));
    const last = names.at(-1);
    if (last !== undefined && step.kind === 'to-mailbox')
      known.set(last, { kind: 'mailbox', next: toHex(step.surbId) });
  };

  const knownOf = (node: NodeId, packet: Uint8Array) => {
    const name = nameOf(packet);
    if (!known.has(name)) learn(node, packet);
    return known.get(name) ?? fail();
  };

  const look = (sender?: number): void => {
    let order = 0;
    for (const mail of world.observed.slice(looked)) {
      const packets = sliceCarrierMail(mail.raw, nodeBase64) ?? [];
      const receiver = indexes.get(mail.to);
      for (const [place, packet] of packets.entries()) {
        const name = nameOf(packet);
        const passage = sender === undefined ? undefined : inside[sender]?.get(name);
        if (passage !== undefined && sender !== undefined) {
          passage.left = { turn: turns[sender] ?? 0, to: mail.to, order, place, bundle: packets.length };
          inside[sender]?.delete(name);
        }
        const node = receiver === undefined ? undefined : nodes[receiver];
        if (node === undefined || receiver === undefined) continue;
        const { kind, next } = knownOf(node.nodeId, packet);
        if (kind === undefined || next === undefined) continue;
        const stay: Passage = { kind, node: receiver, came: turns[receiver] ?? 0, left: undefined };
        passages.push(stay);
        inside[receiver]?.set(next, stay);
      }
      if (packets.length > 0) order++;
    }
    looked = world.observed.length;
  };

  return {
    turn: async (i, wrap) => {
      await nodes[i]?.turn(wrap);
      look(i);
      turns[i] = (turns[i] ?? 0) + 1;
    },
    look,
    passages,
    kindOf: (node, packet) => knownOf(node, packet).kind,
  };
};

const fail = (): never => {
  throw new Error('a packet for nobody');
};
