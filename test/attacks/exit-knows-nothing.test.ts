import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import type { Network } from '../../src/route/network.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { tracesIn } from '../demo/traces.js';
import { inOrder } from '../fakes/in-order.js';
import { fakeNetwork, type FakeNode, type FakeNetwork, type Wrap } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { letterOf } from '../node/packets.js';
import { answerWith, mailWith, notification } from '../node/sender.js';

// A network has one exit, which so sees all of Alice's messages and answers. It is searched for Alice: her address, and
// whatever could be held beside what nodes mail to her mailbox.

/** The list with that exit only. */
const withExit = (network: Network, exit: FakeNode): Network => {
  const nodes = network.nodes.map((node) =>
    node.nodeId === exit.nodeId ? node : { ...node, roles: node.roles.filter((role) => role !== 'exit') },
  );
  return { ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) };
};

/** All bytes and texts in a value. */
const contentsOf = (value: unknown): readonly Uint8Array[] => {
  if (value instanceof Uint8Array) return [value];
  if (typeof value === 'string') return [new TextEncoder().encode(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(contentsOf) : [];
};

/** Notes everything that is given to a store, whether or not it stays there. */
const noting = (written: Uint8Array[]): Wrap => {
  const ordered = inOrder();
  return (name, port) =>
    name !== 'store'
      ? port
      : new Proxy(ordered(name, port), {
          get: (target, method) => {
            const value: unknown = Reflect.get(target, method);
            if (typeof value !== 'function' || method === 'atomically') return value;
            return (...values: readonly unknown[]): unknown => {
              written.push(...values.flatMap(contentsOf));
              return Reflect.apply(value, target, values) as unknown;
            };
          },
        });
};

const words = ['alice@home.test', 'home.test'];
const idBytes = 16;
const { at, surbIdBytes } = geometry;

interface Story {
  readonly network: FakeNetwork;
  /** What each node, and last the client, gave to its store. */
  readonly written: readonly Uint8Array[][];
  /** The beginnings of ids, of MACs and of payloads in the packets that were mailed to Alice. */
  readonly links: readonly Uint8Array[];
}

const tell = async (): Promise<Story> => {
  const network = fakeNetwork({ seed: 3, nodes: 6, loopsPerInterval: 1, client: { replyBlocks: 4 } });
  const { client, nodes, world } = network;
  const [exit = expect.fail('no node')] = nodes;
  for (const one of [client, ...nodes]) one.sees(withExit(network.network, exit));
  const written = [...nodes, client].map((): Uint8Array[] => []);
  const wraps = written.map(noting);
  const [bob, moved] = ['bob@friend.test', 'moved@friend.test'].map((address) => world.account(address));
  if (bob === undefined || moved === undefined) return expect.fail('no account');
  world.handle = ({ to }) => (to === 'refused@friend.test' ? handlings.refused : undefined);

  const letter = await letterOf();
  const submitted = await client.submit(letter, [bob.address, moved.address, 'refused@friend.test'], wraps.at(-1));
  const movedId = submitted.find(({ recipient }) => recipient === moved.address)?.id ?? expect.fail('not queued');
  /** What is done once its time has come. */
  const events = [
    async (): Promise<boolean> => {
      const [got] = bob.mailbox.raws();
      const to = got && valuesOf(readHead(got), 'reply-to')[0]?.replace(/^<(.*)>$/, '$1');
      if (to === undefined) return false;
      const clear = mailWith({ From: bob.address, To: to, 'Content-Type': 'text/plain' }, 'not encrypted\r\n');
      for (const raw of [answerWith({ From: bob.address, To: to }, letter), clear])
        await bob.outbox.send({ from: bob.address, to, raw }, new AbortController().signal);
      return true;
    },
    (): Promise<boolean> => {
      const hasCome = moved.mailbox.raws().length > 0;
      if (hasCome) exit.account.mailbox.put(notification(movedId));
      return Promise.resolve(hasCome);
    },
  ];
  for (let round = 0; round < 30; round++) {
    await client.turn(wraps.at(-1));
    for (const [i, node] of nodes.entries()) await node.turn(wraps[i]);
    for (const event of [...events]) if (await event()) events.splice(events.indexOf(event), 1);
    network.passMs(12 * minuteMs);
  }
  const toAlice = world.observed
    .filter(({ to }) => to === client.account.address)
    .flatMap(({ raw }) => sliceCarrierMail(raw, nodeBase64) ?? []);
  const links = toAlice.flatMap((packet) =>
    [at.ciphertext, at.mac, at.mac + surbIdBytes, at.routing, at.payload].map((place) =>
      packet.subarray(place, place + idBytes),
    ),
  );
  return { network, written, links };
};

/** Where in what a node has and has had there is something of Alice. */
const searched = ({ network: { nodes, world }, written, links }: Story, node: FakeNode): readonly string[] => {
  const { address, mailbox } = node.account;
  const places: Readonly<Record<string, readonly Uint8Array[]>> = {
    'mail to it': world.observed.filter(({ to }) => to.replace(/\+.*@/, '@') === address).map(({ raw }) => raw),
    'mail from it': world.observed.filter(({ from }) => from === address).map(({ raw }) => raw),
    'its mailbox': mailbox.folders.flatMap((folder) => mailbox.raws(folder)),
    'its database': written[nodes.indexOf(node)] ?? [],
    'its log': node.logged.map((line) => ascii(line)),
  };
  return Object.entries(places).flatMap(([place, contents]) => {
    const packets = contents.flatMap((raw) => sliceCarrierMail(raw, nodeBase64) ?? []);
    const all = [...contents, ...packets].map((bytes) => Buffer.from(bytes));
    const named = words.filter((word) => contents.some((bytes) => tracesIn(bytes, [word]).length > 0));
    const linked = links.some((link) => all.some((bytes) => bytes.includes(Buffer.from(link))));
    return [...named, ...(linked ? ['a part of a packet to her mailbox'] : [])].map((what) => `${place}: ${what}`);
  });
};

let story: Story;
beforeAll(async () => {
  story = await tell();
}, 120_000);

describe('the only exit of a network', () => {
  it('has done all that an exit does for a sender', () => {
    const { client, nodes } = story.network;
    const states = new Map(client.statuses.map(({ recipient, state }) => [recipient, state]));
    expect(Object.fromEntries(states)).toEqual({
      'bob@friend.test': 'delivered',
      'moved@friend.test': 'failed',
      'refused@friend.test': 'failed',
    });
    expect(nodes[0]?.counted()).toMatchObject({ delivery: 3, answer: 3, bounce: 1, reply: 1, notice: 1 });
    const inbox = client.account.mailbox.raws().map((raw) => latin1(raw));
    expect(inbox.filter((text) => text.includes('Subject: Re: ...'))).toHaveLength(1);
    expect(inbox.filter((text) => text.includes('multipart/report'))).toHaveLength(2);
  });

  it('has never had a sign of who that is, in any mail, in its database or its log', () => {
    const [exit = expect.fail('no node')] = story.network.nodes;
    expect(searched(story, exit)).toEqual([]);
  });

  it('would be found out: the first and last nodes of her paths are', () => {
    const [, ...others] = story.network.nodes;
    const found = new Set(others.flatMap((node) => searched(story, node)));
    expect([...found].sort()).toEqual([
      'its database: a part of a packet to her mailbox',
      'its database: alice@home.test',
      'its database: home.test',
      'mail from it: a part of a packet to her mailbox',
      'mail from it: alice@home.test',
      'mail from it: home.test',
      'mail to it: alice@home.test',
      'mail to it: home.test',
    ]);
  });
});
