import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { loadConfig, nodeConfig } from '../../src/config.js';
import { stricter } from '../../src/mix/strategy.js';
import { defaultNetworkParameters } from '../../src/route/network.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNode, Wrap } from '../fakes/network.js';
import { addressOfBob, carrierTo, letterOf, packetOver, quick, turns } from './packets.js';

const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');

/** Puts that many packets for the second node into the first one's mailbox. */
const fill = (network: FakeNetwork, count: number): void => {
  const node = first(network);
  for (let left = count; left > 0; left -= 64) {
    const packets = Array.from({ length: Math.min(left, 64) }, () => packetOver(network, network.nodes.slice(0, 2)));
    node.account.mailbox.put(carrierTo(network, node, packets));
  }
};

describe('the configuration a node comes with', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-default-'));
  const file = path.join(folder, 'node.toml');
  writeFileSync(file, readFileSync(new URL('../../config/node.toml', import.meta.url)));
  const { mix, cover } = nodeConfig(loadConfig(file));
  rmSync(folder, { recursive: true });
  const strictest = { minimum: mix.pool.minimum ?? 0, rate: mix.pool.rate ?? 1 };

  it('holds packets back, lets no flush empty the pool, and sends loops', () => {
    const strategy = stricter(defaultNetworkParameters.strategy, strictest);
    expect(strategy).toEqual(defaultNetworkParameters.strategy);
    expect(strategy).toMatchObject({ kind: 'pool', minimum: 2, rate: 0.75 });
    expect(cover.loopsPerInterval).toBe(3);
  });

  it('mixes: a packet that waits alone never leaves, nor do two, and one flush seldom takes all', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const network = fakeNetwork({ seed, strictest });
      const node = first(network);
      fill(network, 1);
      for (let i = 0; i < 10; i++) await node.turn();
      fill(network, 1);
      for (let i = 0; i < 10; i++) await node.turn();
      expect(network.world.observed).toEqual([]);
      network.passMs(minuteMs);
      fill(network, 60);
      await node.turn();
      expect(node.store.waiting(Infinity).length).toBeGreaterThan(0);
      expect(network.world.observed.length).toBeGreaterThan(0);
    }
  });

  it('mixes: who came first does not leave first', async () => {
    let inOrder = 0;
    const runs = 20;
    for (let seed = 1; seed <= runs; seed++) {
      const network = fakeNetwork({ seed, nodes: 7, strictest });
      const node = first(network);
      const hops = network.nodes.slice(1);
      for (const hop of hops) {
        node.account.mailbox.put(carrierTo(network, node, [packetOver(network, [node, hop])]));
        await node.turn();
      }
      for (let i = 0; i < 5; i++) await node.turn();
      const left = network.world.observed.map(({ to }) => hops.findIndex(({ account }) => account.address === to));
      expect(left.length).toBeGreaterThan(2);
      if (left.every((hop, i) => i === 0 || hop > (left[i - 1] ?? 0))) inOrder++;
    }
    expect(inOrder).toBeLessThan(runs / 2);
  });
});

describe('a flush', () => {
  const strategy = { kind: 'pool', minimum: 0, rate: 0.01 } as const;

  it('takes what an earlier one has passed over, and little of what is new; also after a restart', async () => {
    const network = fakeNetwork({ parameters: { strategy } });
    const node = first(network);
    fill(network, 100);
    await node.turn();
    const early = Number(node.counted()['out']);
    expect(early).toBeLessThan(10);
    network.passMs(minuteMs);
    fill(network, 100);
    await node.turn();
    // Nine in ten of those that were here, and hardly any of the others.
    const late = Number(node.counted()['out']);
    expect(late).toBeGreaterThan(78);
    expect(late).toBeLessThan(104);
    expect(node.store.note('flushed')).toBe(`${network.now()}`);
  });

  it('passes nothing over that was not ready, and nothing when the node has never flushed', async () => {
    const network = fakeNetwork({ parameters: { strategy } });
    const node = first(network);
    const nextHop = network.nodes[1]?.nodeId ?? expect.fail();
    const bytes = packetOver(network, network.nodes.slice(0, 2));
    for (let i = 0; i < 100; i++)
      node.store.addToPool({ kind: 'forward', nextHop, readyAt: network.now() + minuteMs, bytes });
    network.passMs(10 * minuteMs);
    await node.turn();
    expect(node.counted()['out'] ?? 0).toBeLessThan(10);
  });

  it('in a network whose senders draw delays takes all that is ready and nothing that is not', async () => {
    const network = fakeNetwork({ parameters: { strategy: { kind: 'poisson', meanMs: 10 * minuteMs } } });
    const node = first(network);
    const nextHop = network.nodes[1]?.nodeId ?? expect.fail();
    const bytes = packetOver(network, network.nodes.slice(0, 2));
    const put = (readyAt: number): void => node.store.addToPool({ kind: 'forward', nextHop, readyAt, bytes });
    for (const minute of [1, 2, 3, 7]) put(network.now() + minute * minuteMs);
    network.passMs(5 * minuteMs);
    await node.turn();
    expect(node.counted()['out']).toBe(3);
    network.passMs(2 * minuteMs);
    await node.turn();
    expect(node.counted()['out']).toBe(4);
  });
});

describe('cover', () => {
  it('comes home: every node’s loops return to it, and to no one else', async () => {
    const network = fakeNetwork({ ...quick, loopsPerInterval: 2 });
    await turns(network, 4);
    for (const node of network.nodes) node.sees(without(network.network, node.nodeId));
    // A node that is not in its own list makes no more loops; those under way still come home.
    await turns(network, 6);
    for (const node of network.nodes) {
      expect(node.counted()['loop']).toBeGreaterThan(2);
      expect(node.counted()['cover/no-path']).toBeGreaterThan(0);
      expect(node.counted()).not.toHaveProperty('packet/unexpected');
    }
    const sent = network.nodes.reduce((sum, { counted }) => sum + (counted()['loop'] ?? 0), 0);
    const relayed = network.nodes.reduce((sum, { counted }) => sum + (counted()['out'] ?? 0), 0);
    // Three hops, the last of them home: each loop leaves a pool three times.
    expect(relayed).toBe(3 * sent);
  });

  it('fills bundles with packets that end at the next node', async () => {
    const network = fakeNetwork(quick);
    fill(network, 5);
    await first(network).turn();
    await network.nodes[1]?.turn();
    // 5 of 16 are real.
    expect(network.nodes[1]?.counted()).toMatchObject({ in: 5, cover: 11 });
  });
});

describe('a node that leaves the list', () => {
  it('gets nothing while it is gone, and what waited for it when it is back', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    fill(network, 3);
    const gone = network.nodes[1] ?? expect.fail();
    node.sees(without(network.network, gone.nodeId));
    for (let i = 0; i < 5; i++) {
      await node.turn();
      network.passMs(dayMs / 2);
    }
    expect(network.world.observed).toEqual([]);
    node.sees(network.network);
    await node.turn();
    expect(network.world.observed.map(({ to }) => to)).toEqual([gone.account.address]);
  });

  it('for good has its packets dropped in the end, and counted', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    fill(network, 3);
    node.sees(without(network.network, network.nodes[1]?.nodeId ?? expect.fail()));
    await node.turn();
    network.passMs(15 * dayMs + 1);
    await node.turn();
    expect(node.store.waiting(Infinity)).toEqual([]);
    expect(node.counted()).toMatchObject({ 'packet/unknown-next-hop': 3 });
  });
});

describe('a pool of any size', () => {
  it('has no more packets in memory than one mail holds', async () => {
    const network = fakeNetwork(quick);
    fill(network, 200);
    let inHand = 0;
    let most = 0;
    const wrap: Wrap = (name, port) =>
      name !== 'store'
        ? port
        : new Proxy(port, {
            get: (target, key) => {
              if (key === 'takeFromPool') most = Math.max(most, ++inHand);
              if (key === 'addOutgoing') inHand = 0;
              return Reflect.get(target, key) as unknown;
            },
          });
    await first(network).turn(wrap);
    expect(first(network).counted()).toMatchObject({ out: 200 });
    expect(network.world.observed).toHaveLength(4);
    expect(most).toBe(64);
  });
});

describe('a mail between nodes whose fate nobody knows', () => {
  it('is sent again, and counts once', async () => {
    const letter = await letterOf();
    for (const taken of [true, false]) {
      const network = fakeNetwork({ ...quick, client: { receipts: false } });
      const bob = network.world.account(addressOfBob);
      const seen = new Set<string>();
      network.world.handle = ({ to, raw }) => {
        const key = latin1(raw);
        if (to === addressOfBob || seen.has(key)) return undefined;
        seen.add(key);
        return { outcome: { kind: 'unknown' }, taken };
      };
      await network.client.submit(letter, [addressOfBob]);
      await turns(network, 25);
      expect(bob.mailbox.raws()).toHaveLength(1);
      const replayed = network.nodes.reduce((sum, node) => sum + (node.counted()['packet/replayed'] ?? 0), 0);
      if (taken) expect(replayed).toBe(3);
      else expect(replayed).toBe(0);
    }
  });

  it('stays when the account has reached its limit, which stops the whole account for a while', async () => {
    const network = fakeNetwork(quick);
    const node = first(network);
    fill(network, 2);
    network.world.handle = () => ({ outcome: { kind: 'later', code: 452, why: 'limit' }, taken: false });
    await node.turn();
    fill(network, 2);
    let tried = 0;
    network.world.handle = () => {
      tried++;
      return undefined;
    };
    await node.turn();
    network.passMs(5 * 60 * minuteMs);
    await node.turn();
    expect(tried).toBe(0);
    network.passMs(60 * minuteMs);
    await node.turn();
    network.passMs(minuteMs);
    await node.turn();
    expect(tried).toBe(2);
    await network.nodes[1]?.turn();
    expect(network.nodes[1]?.counted()).toMatchObject({ in: 4 });
  });
});
