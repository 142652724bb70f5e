import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNode, Wrap } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { carrierTo, packetOver, quick } from './packets.js';

const aheadMs = 27 * hourMs;
const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');

/** A mail with that many packets for the second node into the first one's mailbox. */
const bring = (network: FakeNetwork, count = 1): void => {
  const packets = Array.from({ length: count }, () => packetOver(network, network.nodes.slice(0, 2)));
  first(network).account.mailbox.put(carrierTo(network, first(network), packets));
};

const serverAway: Wrap = (name, port) =>
  name === 'outbox' ? { ...port, send: () => Promise.resolve(handlings.noConnection.outcome) } : port;

describe('a node whose clock was 27 hours ahead and is right again', () => {
  it('goes on sending, by what its account may send', async () => {
    const network = fakeNetwork({ ...quick, limits: { perDay: 350 } });
    const node = first(network);
    await node.turn();
    network.passMs(aheadMs);
    bring(network);
    await node.turn();
    expect(network.world.observed).toHaveLength(1);
    network.passMs(-aheadMs);
    bring(network);
    await node.turn();
    // Nobody knows how much it has sent in the last day.
    expect(network.world.observed).toHaveLength(1);
    network.passMs(12 * minuteMs);
    await node.turn();
    expect(network.world.observed).toHaveLength(2);
    expect(node.logged.filter((line) => line.includes('clock/set-back'))).toHaveLength(1);
  });

  it('waits for a server no longer than it would have, also when another process finds out', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    await node.turn();
    network.passMs(aheadMs);
    bring(network);
    await node.turn(serverAway);
    expect(network.world.observed).toEqual([]);
    network.passMs(-aheadMs);
    node.become(node.store, () => [node.key]);
    await node.turn();
    network.passMs(minuteMs);
    await node.turn();
    expect(network.world.observed).toHaveLength(1);
  });

  it('sends on what came meanwhile when it was to leave, and mixes as before', async () => {
    const strategy = { kind: 'pool', minimum: 0, rate: 0.01 } as const;
    const network = fakeNetwork({ parameters: { strategy } });
    const node = first(network);
    await node.turn();
    network.passMs(aheadMs);
    await node.turn();
    network.passMs(12 * minuteMs);
    bring(network, 64);
    await node.turn();
    network.passMs(-aheadMs);
    await node.turn();
    expect(node.store.waiting(network.now()).length).toBeGreaterThan(50);
    network.passMs(12 * minuteMs);
    bring(network, 64);
    const before = node.counted()['out'] ?? 0;
    await node.turn();
    // Nine in ten of the first, which have been passed over, and hardly any of the others, which nothing has.
    const out = (node.counted()['out'] ?? 0) - before;
    expect(out).toBeGreaterThan(45);
    expect(out).toBeLessThan(70);
  });

  it('reads on of who has sent much meanwhile', async () => {
    const network = fakeNetwork({ ...quick, rates: { perSender: 8, perNode: 8 } });
    const node = first(network);
    await node.turn();
    network.passMs(aheadMs);
    for (let i = 0; i < 20; i++) bring(network, 4);
    await node.turn();
    const read = Number(node.counted()['in']);
    expect(read).toBeLessThan(80);
    network.passMs(-aheadMs);
    await node.turn();
    for (let i = 0; i < 12; i++) {
      network.passMs(12 * minuteMs);
      await node.turn();
    }
    expect(Number(node.counted()['in'])).toBe(80);
  });

  it('is not troubled by less than an hour', async () => {
    const network = fakeNetwork({ ...quick, limits: { perDay: 350 } });
    const node = first(network);
    await node.turn();
    network.passMs(-59 * minuteMs);
    bring(network);
    await node.turn();
    expect(network.world.observed).toHaveLength(1);
    expect(node.logged.filter((line) => line.includes('clock/set-back'))).toEqual([]);
  });
});

describe('a node whose machine began in 1970 and is set right', () => {
  it('has all in its pool that it had', async () => {
    const strategy = { kind: 'pool', minimum: 0, rate: 0.01 } as const;
    const network = fakeNetwork({ parameters: { strategy } });
    const node = first(network);
    await node.turn();
    network.passMs(12 * minuteMs);
    bring(network, 64);
    await node.turn();
    const before = node.store.waiting(Infinity).length;
    expect(before).toBeGreaterThan(50);
    const since = network.now();
    network.passMs(-since);
    // No list is valid then.
    node.sees(undefined);
    await node.post();
    network.passMs(since + 5 * minuteMs);
    node.sees(network.network);
    await node.turn();
    const left = Number(node.counted()['out']);
    expect(left).toBeLessThan(64);
    expect(node.store.waiting(Infinity)).toHaveLength(64 - left);
    expect(node.counted()['packet/unknown-next-hop'] ?? 0).toBe(0);
  });
});
