import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { concat, latin1 } from '../../src/base/bytes.js';
import { seededRng, unitInterval } from '../../src/base/random.js';
import { minuteMs } from '../../src/base/units.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import type { Inbox, InboxMail } from '../../src/ports/mail.js';
import type { ClientStore } from '../../src/ports/client-store.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { inOrder, overlaid } from '../fakes/in-order.js';
import type { FakeNetwork, FakeNode, Wrap } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';

/** What befalls a network on the way, and what has come of it. */
export interface Weather {
  /** Nodes that do nothing any more; what is mailed to them is swallowed. */
  readonly dead: Set<FakeNode>;
  /** Nodes that do nothing; their mail waits for them. */
  readonly asleep: Set<FakeNode>;
  /** Packets that the client has made. */
  readonly made: () => number;
  /** Packets that came to a node from another one, and how many of them were lost. */
  readonly crossed: () => { readonly packets: number; readonly lost: number };
  /** Lets all processes take turns, a mix interval between, until that is so. @throws Error when it isn't after `mostMs` */
  readonly until: (done: () => boolean, mostMs: number) => Promise<void>;
}

const intervalMs = 12 * minuteMs;

/** The node's address in the mails that it writes. */
const senderOf = (raw: Uint8Array): string | undefined => /^From: <(\S+)>/m.exec(latin1(raw.subarray(0, 512)))?.[1];

/**
 * Weather in which each packet between two nodes is lost with that probability, for itself. Of a mail that comes all the
 * same, noise is in the place of the lost ones: nothing tells that there was more.
 */
export const weatherOver = (network: FakeNetwork, { loss, seed }: { loss: number; seed: number }): Weather => {
  const { client, nodes, world, passMs, now } = network;
  const rng = seededRng(new Uint8Array(32).fill(seed));
  const dead = new Set<FakeNode>();
  const asleep = new Set<FakeNode>();
  const addresses = new Set(nodes.map(({ account }) => account.address));
  let made = 0;
  let packets = 0;
  let lost = 0;

  const carried = (packet: Uint8Array): Uint8Array => {
    packets++;
    if (unitInterval(rng) >= loss) return packet;
    lost++;
    const noise = rng(geometry.packetBytes);
    noise[0] = geometry.version;
    return noise;
  };
  const arrived = (mail: InboxMail): InboxMail => {
    const { uid, raw } = mail;
    const from = raw && senderOf(raw);
    const sent = raw && sliceCarrierMail(raw, nodeBase64);
    if (from === undefined || sent === undefined || !addresses.has(from)) return mail;
    const bundle = concat(...sent.map(carried));
    return { uid, raw: composeCarrierMail({ from, to: 'node@any.test', bundle, now: now(), rng }, nodeBase64) };
  };
  const losing: Wrap = (name, port) => {
    if (name !== 'inbox') return port;
    const { fetchThose } = port as unknown as Inbox;
    const rained: Pick<Inbox, 'fetchThose'> = {
      fetchThose: async (...asked) => (await fetchThose(...asked)).map(arrived),
    };
    return overlaid(port, rained);
  };
  const counting: Wrap = (name, port) => {
    if (name !== 'store') return port;
    const { addToPool } = port as unknown as ClientStore;
    const counted: Pick<ClientStore, 'addToPool'> = {
      addToPool: (entry) => {
        made++;
        addToPool(entry);
      },
    };
    return overlaid(port, counted);
  };
  const both =
    (inner: Wrap, outer: Wrap): Wrap =>
    (name, port) =>
      outer(name, inner(name, port));
  const turns = [
    { node: undefined, turn: client.turn, wrap: both(inOrder(), counting) },
    ...nodes.map((node) => ({ node, turn: node.turn, wrap: both(inOrder(), losing) })),
  ];

  world.handle = ({ to }) => {
    const swallowed = [...dead].some(({ account }) => account.address === to);
    return swallowed ? { ...handlings.accepted, taken: false } : undefined;
  };
  return {
    dead,
    asleep,
    made: () => made,
    crossed: () => ({ packets, lost }),
    until: async (done, mostMs) => {
      const end = now() + mostMs;
      while (!done()) {
        if (now() > end) throw new Error('the story has no end');
        for (const { node, turn, wrap } of turns)
          if (node === undefined || !(dead.has(node) || asleep.has(node))) await turn(wrap);
        world.forget();
        passMs(intervalMs);
      }
    },
  };
};
