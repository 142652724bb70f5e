import { describe, expect, it } from 'vitest';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { placesOf } from '../../src/path/topology.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNode } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { carrierTo, packetOver, quick, turns } from './packets.js';

const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');
const sumOf = ({ nodes }: FakeNetwork, name: string): number =>
  nodes.reduce((sum, { counted }) => sum + (counted()[name] ?? 0), 0);

describe('drops', () => {
  it('go over three other nodes, and no further', async () => {
    const network = fakeNetwork({ ...quick, nodes: 5, dropsPerInterval: 2 });
    await turns(network, 6);
    for (const node of network.nodes) node.sees(without(network.network, node.nodeId));
    // A node that is not in its own list makes no more; those under way still come to their ends.
    await turns(network, 4);
    expect(sumOf(network, 'out')).toBeGreaterThan(60);
    // Each leaves the pool of its maker and two others.
    expect(3 * sumOf(network, 'in')).toBe(2 * sumOf(network, 'out'));
    expect(sumOf(network, 'loop')).toBe(0);
    expect(network.nodes.flatMap(({ store }) => store.waiting(Infinity))).toEqual([]);
  });

  it('in a list with layers open no way that a node does not have', async () => {
    const topology = { kind: 'layers', successors: [3, 2, 1] } as const;
    const network = fakeNetwork({ nodes: 18, parameters: { ...quick.parameters, topology }, dropsPerInterval: 3 });
    await turns(network, 3);
    const places = placesOf(network.network) ?? expect.fail('no layers');
    const ways = new Set(network.world.observed.map(({ from, to }) => `${from} ${to}`));
    const known = network.network.nodes.flatMap(({ nodeId, address }) =>
      places.successors(nodeId).map((next) => `${address} ${next.address}`),
    );
    expect(ways.size).toBeGreaterThan(18);
    expect([...ways].filter((way) => !known.includes(way))).toEqual([]);
  });
});

describe('a loop', () => {
  it('of somebody else is dropped and counts nothing, as does one whose time is over', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    const loopOf = (loopId: Uint8Array): Uint8Array =>
      packetOver(network, [node], new Uint8Array(), { kind: 'loop', loopId });
    const ids = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte));
    const [known, old, unknown] = ids as [Uint8Array, Uint8Array, Uint8Array];
    node.store.addLoop(old, network.now() - 15 * dayMs - 1);
    node.store.addLoop(known, network.now() - 15 * dayMs + minuteMs);
    await node.turn();
    node.account.mailbox.put(carrierTo(network, node, [known, old, unknown].map(loopOf)));
    await node.turn();
    expect(node.counted()).toMatchObject({ loop: 1, 'packet/unknown-loop': 2 });
    // Again, in another packet.
    node.account.mailbox.put(carrierTo(network, node, [loopOf(known)]));
    await node.turn();
    expect(node.counted()).toMatchObject({ loop: 1, 'packet/unknown-loop': 3 });
  });
});

describe('a node short of mails', () => {
  it('keeps its heartbeat: loops go beside other packets or, where there are none, over one way', async () => {
    const network = fakeNetwork({ nodes: 5, loopsPerInterval: 3, dropsPerInterval: 3, limits: { perDay: 350 } });
    const [node, ...others] = network.nodes as [FakeNode, ...FakeNode[]];
    const packetFor = (next: FakeNode): Uint8Array => packetOver(network, [node, next], new Uint8Array());
    const flood = async (nexts: readonly FakeNode[], intervals: number): Promise<void> => {
      for (let i = 0; i < intervals; i++) {
        node.account.mailbox.put(
          carrierTo(
            network,
            node,
            nexts.flatMap((next) => [packetFor(next), packetFor(next), packetFor(next)]),
          ),
        );
        for (const one of network.nodes) await one.turn();
        network.passMs(12 * minuteMs);
      }
    };
    await flood(others, 22);
    const { loop, 'budget/cover-shed': shed } = node.counted();
    expect(shed).toBeGreaterThan(5);
    expect(loop).toBeGreaterThan(20);
    expect(node.counted()).not.toHaveProperty('mix/holding');
    // Who floods it to hide an attack does not.
    network.world.handle = ({ to }) => (to === node.account.address ? handlings.swallowed : undefined);
    await flood(others.slice(1), 5);
    expect(node.counted()).toMatchObject({ 'mix/holding': 1 });
  }, 120_000);
});
