import { describe, expect, it } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import type { NodeId } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { mustShedCover, withinBudget } from '../../src/node/shape.js';
import { Tally } from '../../src/node/tally.js';
import type { Destination, Waiting } from '../../src/ports/stores.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions, FakeNode } from '../fakes/network.js';
import { addressOfBob, letterOf, turns } from './packets.js';

const toNode = (name: string): Destination => ({ kind: 'node', nextHop: name as NodeId });
const toMailbox = (address: string): Destination => ({ kind: 'mailbox', address });
const here: Destination = { kind: 'here' };

const waitingFor = (...destinations: readonly Destination[]): readonly Waiting[] =>
  destinations.map((to, i) => ({ id: BigInt(i), to, readyAt: 0, throughHold: false }));
const many = (count: number, to: Destination): readonly Destination[] => Array.from({ length: count }, () => to);

const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');
const intervalMs = 12 * minuteMs;

describe('what leaves the pool under a budget', () => {
  const rng = seededRng(new Uint8Array(32).fill(5));
  const leaving = (left: number, waiting: readonly Waiting[], successors?: ReadonlySet<NodeId>) => {
    const tally = new Tally();
    const ids = withinBudget({ tally, rng }, { left, successors }, waiting).map(({ id }) => Number(id));
    return { ids, held: tally.take()['budget/ways-held'] ?? 0 };
  };

  it('is everything while there are mails for all ways', () => {
    const waiting = waitingFor(toNode('a'), toMailbox('b'), toNode('c'), here);
    expect(leaving(3, waiting)).toEqual({ ids: [0, 1, 2, 3], held: 0 });
    expect(leaving(Infinity, waiting)).toEqual({ ids: [0, 1, 2, 3], held: 0 });
  });

  it('is of the first ways drawn, all of their packets, and what ends here', () => {
    const waiting = waitingFor(toNode('a'), toNode('b'), here, toMailbox('c'), toNode('a'), toNode('b'));
    expect(leaving(1, waiting)).toEqual({ ids: [0, 2, 4], held: 2 });
    expect(leaving(0, waiting)).toEqual({ ids: [2], held: 3 });
  });

  it('takes one mail more for each 64 packets of a way', () => {
    const waiting = waitingFor(...many(150, toNode('a')), toNode('b'));
    expect(leaving(2, waiting).ids).toHaveLength(128);
    expect(leaving(3, waiting).ids).toHaveLength(150);
    expect(leaving(4, waiting)).toMatchObject({ held: 0 });
  });

  it('goes to successors, but for a third of the mails at most', () => {
    const astray = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? toMailbox(`m${i}`) : toNode(`far${i}`)));
    const near = [toNode('a'), toNode('b'), toNode('c')];
    const crowd = [...astray, ...near];
    const successors = new Set(['a', 'b', 'c'] as NodeId[]);
    const astrayAt = (left: number): number =>
      leaving(left, waitingFor(...crowd), successors).ids.filter((id) => id < astray.length).length;
    expect(leaving(9, waitingFor(...crowd), successors).ids).toEqual([0, 1, 2, 20, 21, 22]);
    expect(leaving(9, waitingFor(...crowd)).ids).toHaveLength(9);
    expect([9, 30, 60, Infinity].map(astrayAt)).toEqual([3, 10, 20, 20]);
    // A third of one mail is one in three times.
    const singles = Array.from({ length: 300 }, () => astrayAt(1)).reduce((sum, one) => sum + one, 0);
    expect(singles).toBeGreaterThan(70);
    expect(singles).toBeLessThan(130);
  });

  it('sheds cover when there is no mail for it beside those for payload', () => {
    const waiting = (): readonly Waiting[] => waitingFor(toNode('a'), toNode('a'), toMailbox('b'), here);
    expect(mustShedCover(2, waiting)).toBe(true);
    expect(mustShedCover(3, waiting)).toBe(false);
    expect(mustShedCover(Infinity, () => expect.fail('nobody counts the ways'))).toBe(false);
  });
});

/** Bytes that pass for a packet. */
const packetLike = ({ rng }: FakeNetwork): Uint8Array => {
  const bytes = new Uint8Array(geometry.packetBytes);
  bytes.set(rng(64), 1);
  bytes[0] = geometry.version;
  return bytes;
};

/** The most of these in 24 hours, wherever they begin. */
const mostInADay = (times: readonly number[]): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at - from <= dayMs).length));

/** A node with three next hops, and what becomes of what comes in. */
const relay = (options: FakeNetworkOptions) => {
  const network = fakeNetwork({ nodes: 4, ...options });
  const node = first(network);
  const hops = network.nodes.slice(1);
  const cameAt = new Map<string, number>();
  const nameOf = (bytes: Uint8Array): string => String(bytes.subarray(1, 17));
  const carried: { readonly at: number; readonly waitedMs: number }[] = [];
  const mails: { readonly at: number; readonly to: string }[] = [];
  /** One mix interval in which that many packets come in. */
  const interval = async (packets: number): Promise<void> => {
    for (let i = 0; i < packets; i++) {
      const bytes = packetLike(network);
      cameAt.set(nameOf(bytes), network.now());
      const nextHop = hops[i % hops.length]?.nodeId ?? expect.fail();
      node.store.addToPool({ kind: 'forward', nextHop, readyAt: network.now(), bytes });
    }
    await node.turn();
    const at = network.now();
    for (const { to, raw } of network.world.observed) {
      mails.push({ at, to });
      for (const bytes of sliceCarrierMail(raw, nodeBase64) ?? []) {
        const came = cameAt.get(nameOf(bytes));
        if (came !== undefined && cameAt.delete(nameOf(bytes))) carried.push({ at, waitedMs: at - came });
      }
    }
    network.world.forget();
    network.passMs(intervalMs);
  };
  return { network, node, interval, carried, mails, waiting: cameAt };
};

const flushesADay = 120;

describe('a node on an account of 350 mails a day', () => {
  it('carries more than 5,000 packets a day to three next hops, and none waits for long', async () => {
    const { network, node, interval, carried, mails, waiting } = relay({
      limits: { perDay: 350 },
      dropsPerInterval: 1,
    });
    for (let i = 0; i < 1.1 * flushesADay; i++) await interval(43);
    expect(mostInADay(mails.map(({ at }) => at))).toBeLessThanOrEqual(350);
    const lastDay = carried.filter(({ at }) => at >= network.now() - dayMs);
    expect(lastDay.length).toBeGreaterThan(5000);
    const waits = lastDay.map(({ waitedMs }) => waitedMs).toSorted((a, b) => a - b);
    expect(waits[Math.floor(0.99 * waits.length)]).toBeLessThanOrEqual(hourMs);
    // None is lost: whatever has not left is in the pool still.
    expect(node.store.waiting(Infinity)).toHaveLength(waiting.size);
    expect(waiting.size).toBeLessThan(200);
    // Cover went first.
    expect(node.counted()['budget/cover-shed']).toBeGreaterThan(0);
  }, 180_000);

  it('passes packets on though it has more deliveries than it may send, and the other way round', async () => {
    for (const [packets, deliveries] of [
      [3, 40],
      [9, 4],
    ] as const) {
      const { network, node, interval, mails } = relay({ limits: { perDay: 350 } });
      network.world.account(addressOfBob);
      const messageId = messageIdOf(new Uint8Array(16));
      for (let i = 0; i < flushesADay; i++) {
        for (let j = 0; j < deliveries; j++)
          node.store.addOutgoing({ kind: 'delivery', to: addressOfBob, raw: ascii('x'), messageId }, network.now());
        await interval(packets);
      }
      const toBob = mails.filter(({ to }) => to === addressOfBob).length;
      expect(mails.length).toBeLessThanOrEqual(350);
      expect(mails.length).toBeGreaterThan(330);
      expect(toBob / mails.length).toBeGreaterThan(0.4);
      expect(toBob / mails.length).toBeLessThan(0.6);
      expect(node.store.outgoingCount()).toBe(flushesADay * deliveries - toBob);
    }
  });

  it('has its cover whole while that fits', async () => {
    const { node, interval, mails } = relay({ limits: { perDay: 350 }, dropsPerInterval: 1 });
    for (let i = 0; i < flushesADay; i++) await interval(0);
    expect(mails.length).toBeGreaterThan(60);
    expect(node.counted()).not.toHaveProperty('budget/cover-shed');
  });
});

describe('a network of accounts of 100 mails a day', () => {
  it('brings letters on their way, keeps to the budget, and holds no pool for long', async () => {
    const network = fakeNetwork({
      nodes: 4,
      limits: { perDay: 100 },
      loopsPerInterval: 3,
      client: { receipts: false },
    });
    const bob = network.world.account(addressOfBob);
    await network.client.submit(await letterOf(), [addressOfBob]);
    const sent = new Map<string, number[]>();
    for (let i = 0; i < 0.75 * flushesADay; i++) {
      await turns(network, 1);
      for (const { from } of network.world.observed) sent.set(from, [...(sent.get(from) ?? []), network.now()]);
      network.world.forget();
    }
    expect(bob.mailbox.raws()).toHaveLength(1);
    for (const { account, counted } of network.nodes) {
      const times = sent.get(account.address) ?? [];
      expect(mostInADay(times)).toBeLessThanOrEqual(100);
      expect(times.length).toBeGreaterThan(60);
      expect(counted()['budget/cover-shed']).toBeGreaterThan(0);
      expect(counted()['loop']).toBeGreaterThan(20);
      // Loops come home late and several at once: now and then that looks like an attack.
      const { 'mix/holding': holding = 0, 'mix/resumed': resumed = 0 } = counted();
      expect(holding - resumed).toBeLessThanOrEqual(1);
    }
  }, 180_000);
});
