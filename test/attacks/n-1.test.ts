import { describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { minuteMs } from '../../src/base/units.js';
import { inOrder } from '../fakes/in-order.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNode, Wrap } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { thriftyCrypto } from '../fakes/remembering.js';
import { carrierTo, packetOver } from '../node/packets.js';

// Who can hold back all mail to a node but one packet, and fills its pool with packets of their own, sees where the one
// goes that isn't theirs. The loops that the node sends to itself are held back too, so that it notices.

const crypto = thriftyCrypto(chooseCrypto());

const wraps = new WeakMap<FakeNode, Wrap>();
/** The same at each run: among so many nodes one may else be without loops for three intervals, by chance. */
const turn = async (node: FakeNode): Promise<void> => {
  const wrap = wraps.get(node) ?? inOrder();
  wraps.set(node, wrap);
  await node.turn(wrap);
};

const interval = async ({ nodes, passMs }: FakeNetwork, meanwhile: () => void = () => undefined): Promise<void> => {
  meanwhile();
  for (const node of nodes) await turn(node);
  passMs(12 * minuteMs);
};

const pass = async (network: FakeNetwork, intervals: number, meanwhile?: () => void): Promise<void> => {
  for (let i = 0; i < intervals; i++) await interval(network, meanwhile);
};

/** A network in which all has run well for two hours. */
const running = async (options: Parameters<typeof fakeNetwork>[0]): Promise<FakeNetwork> => {
  const network = fakeNetwork({ loopsPerInterval: 3, crypto, ...options });
  await pass(network, 11);
  for (const { counted } of network.nodes) {
    expect(counted()['loop']).toBeGreaterThan(10);
    expect(counted()).not.toHaveProperty('mix/holding');
  }
  return network;
};

const nodeAt = ({ nodes }: FakeNetwork, index: number): FakeNode => nodes[index] ?? expect.fail('no such node');

/** The attacker, at the victim's provider. */
const besiege = (network: FakeNetwork, victim: FakeNode) => {
  const { world } = network;
  world.handle = ({ to }) => (to === victim.account.address ? handlings.swallowed : undefined);
  const bring = (packets: readonly Uint8Array[]): void => {
    victim.account.mailbox.put(carrierTo(network, victim, packets));
  };
  return {
    /** Lets packets of its own in. */
    flood: () => bring(Array.from({ length: 16 }, () => packetOver(network, [victim, nodeAt(network, 1)]))),
    bring,
    leave: () => (world.handle = () => undefined),
  };
};

/** Packets that have left that node's pool. */
const gone = ({ counted }: FakeNode): number => counted()['out'] ?? 0;

describe('an n-1 attack', () => {
  it('is noticed within three intervals; then the one packet stays, until the mails of others come again', async () => {
    const noticed: number[] = [];
    for (let seed = 1; seed <= 2; seed++) {
      const network = await running({ seed, nodes: 5 });
      const victim = nodeAt(network, 0);
      const target = nodeAt(network, 4);
      const forTarget = () =>
        victim.store
          .waiting(Infinity)
          .filter(({ to }) => to.kind === 'node' && to.nextHop === target.nodeId)
          .map(({ id }) => id);
      const attacker = besiege(network, victim);
      let intervals = 0;
      for (; victim.counted()['held'] === undefined && intervals < 10; intervals++)
        await interval(network, attacker.flood);
      noticed.push(intervals);

      const { length } = network.world.observed;
      const before = forTarget();
      attacker.bring([packetOver(network, [victim, target])]);
      await pass(network, 8, attacker.flood);
      const left = network.world.observed.slice(length).filter(({ from }) => from === victim.account.address);
      // Its loops, in bundles of their class.
      expect(left.length).toBeGreaterThan(0);
      const [one, ...more] = forTarget().filter((id) => !before.includes(id));
      expect(one).toBeDefined();
      expect(more).toEqual([]);
      expect(victim.counted()['held']).toBeGreaterThan(8 * 16);
      expect(victim.counted()).not.toHaveProperty('mix/resumed');

      attacker.leave();
      await pass(network, 8);
      expect(victim.counted()).toMatchObject({ 'mix/holding': 1, 'mix/resumed': 1 });
      expect(forTarget()).not.toContain(one);
    }
    expect(Math.max(...noticed)).toBeLessThanOrEqual(3);
  }, 120_000);

  it('is not hidden by loops that the attacker makes, nor by old ones that it brings again', async () => {
    const network = await running({ nodes: 5 });
    const victim = nodeAt(network, 0);
    const attacker = besiege(network, victim);
    // What had come before the attack is read.
    await interval(network);
    const recorded = network.world.observed.filter(({ to }) => to === victim.account.address).slice(-30);
    const { loop } = victim.counted();
    const forge = (): void => {
      attacker.bring(
        Array.from({ length: 6 }, () =>
          packetOver(network, [victim], new Uint8Array(), { kind: 'loop', loopId: network.rng(16) }),
        ),
      );
      for (const { raw } of recorded) victim.account.mailbox.put(raw);
    };
    // Noticed in the second, told of in the third.
    await pass(network, 3, forge);
    expect(victim.counted()).toMatchObject({ 'mix/holding': 1, 'packet/unknown-loop': 18, loop });
    expect(victim.counted()['packet/replayed']).toBeGreaterThan(0);
    await pass(network, 5, forge);
    expect(victim.counted()).not.toHaveProperty('mix/resumed');
  });

  it('on one node of many stops no other', async () => {
    const network = await running({ nodes: 9 });
    const [victim, ...others] = network.nodes;
    const attacker = besiege(network, victim ?? expect.fail());
    await pass(network, 10, attacker.flood);
    expect(victim?.counted()).toMatchObject({ 'mix/holding': 1 });
    const held = others.filter(({ counted }) => counted()['mix/holding'] !== undefined);
    expect(held).toEqual([]);
  });
});

describe('nodes that all hold their pools, because no mail went anywhere for hours', () => {
  it.each([
    ['free routes', { kind: 'free' }],
    ['a ring on which each node has one way home', { kind: 'layers', successors: [2, 1, 1] }],
  ] as const)('let one another’s loops pass and go on when mail does: %s', async (_name, topology) => {
    const network = await running({ nodes: 6, parameters: { topology } });
    network.world.handle = () => handlings.swallowed;
    await pass(network, 10);
    for (const { counted } of network.nodes) expect(counted()).toMatchObject({ 'mix/holding': 1 });
    network.world.handle = () => undefined;
    await pass(network, 8);
    for (const { counted } of network.nodes) expect(counted()).toMatchObject({ 'mix/resumed': 1 });
    const before = network.nodes.map(gone);
    await pass(network, 4);
    for (const [i, node] of network.nodes.entries()) expect(gone(node)).toBeGreaterThan((before[i] ?? 0) + 6);
  });
});
