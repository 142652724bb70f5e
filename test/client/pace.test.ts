import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { latin1 } from '../../src/base/bytes.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import type { Pace } from '../../src/cover/pace.js';
import { meterOf } from '../../src/mix/meter.js';
import type { Outbox } from '../../src/ports/mail.js';
import type { ClientStore } from '../../src/ports/client-store.js';
import type { PoolEntry } from '../../src/ports/stores.js';
import type { Network } from '../../src/route/network.js';
import { Faults, Killed } from '../fakes/faults.js';
import { inOrder } from '../fakes/in-order.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions, Wrap } from '../fakes/network.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';

let letter: Uint8Array;
let middling: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  [letter, middling, large] = await Promise.all([letterOf(), letterOf(80_000), letterOf(200_000)]);
});

const usual: Pace = { meanMs: 20 * minuteMs, packets: 4, cover: true, questions: 0 };

const paced = (pace: Partial<Pace> = {}, options: FakeNetworkOptions = {}): FakeNetwork =>
  fakeNetwork({ ...quick, nodes: 6, ...options, client: { ...options.client, pace: { ...usual, ...pace } } });

/** A letter with other bytes each time. */
const another = (i: number): Uint8Array => new TextEncoder().encode(`X-Nr: ${i}\r\n${latin1(letter)}`);

interface Seen {
  readonly at: number;
  readonly to: string;
  readonly packets: readonly Uint8Array[];
}

/** What the client mails while it works for so long, from slot to slot; it looks once in ten minutes at least. */
const mailsDuring = async (network: FakeNetwork, spanMs: number, each: () => Promise<void> = async () => {}) => {
  const { world, client, passMs, now } = network;
  const seen: Seen[] = [];
  const wrap = inOrder();
  const end = now() + spanMs;
  while (now() < end) {
    await each();
    const before = world.observed.length;
    await client.turn(wrap);
    for (const { from, to, raw } of world.observed.slice(before))
      if (from === client.account.address)
        seen.push({ at: now(), to, packets: sliceCarrierMail(raw, nodeBase64) ?? expect.fail('no packets') });
    const next = Math.ceil(Number(client.store.note('pace')));
    passMs(Math.max(1, Math.min(next, end, now() + 10 * minuteMs) - now()));
  }
  return seen;
};

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('a client’s pace', () => {
  it(
    'is the same whether it has nothing to send or much: times, sizes and first nodes',
    { timeout: 180_000 },
    async () => {
      const days = 1;
      const [idle, busy] = [paced({}, { seed: 1 }), paced({}, { seed: 2 })];
      const quiet = await mailsDuring(idle, days * dayMs);
      let written = 0;
      const loud = await mailsDuring(busy, days * dayMs, async () => {
        if ((busy.rng(1)[0] ?? 0) < 50) await busy.client.submit(another(written++), [addressOfBob]);
      });
      expect(written).toBeGreaterThan(15);
      expect(busy.client.store.messageStatuses().every(({ sendings }) => sendings > 0)).toBe(true);
      for (const mails of [quiet, loud]) {
        expect(new Set(mails.map(({ packets }) => packets.length))).toEqual(new Set([4]));
        // 72 a day; the standard deviation is 8.5.
        expect(Math.abs(mails.length - 72)).toBeLessThan(35);
        const gaps = mails.slice(1).map(({ at }, i) => at - (mails[i]?.at ?? 0));
        const spread = Math.sqrt(mean(gaps.map((gap) => (gap - mean(gaps)) ** 2)));
        expect(spread / mean(gaps)).toBeGreaterThan(0.7);
        expect(spread / mean(gaps)).toBeLessThan(1.3);
        for (const { account } of idle.nodes)
          expect(mails.filter(({ to }) => to === account.address).length / mails.length).toBeCloseTo(1 / 6, 0.6);
      }
    },
  );

  it('sends cover to the end of whole paths, where it is thrown away', async () => {
    const network = paced({ meanMs: 0 });
    await turns(network, 12);
    for (let i = 0; i < 4; i++) for (const node of network.nodes) await node.turn();
    const totals = (name: string): number =>
      network.nodes.reduce((sum, { counted }) => sum + (counted()[name] ?? 0), 0);
    // 12 mails of 4 packets over paths of 3: two nodes pass each on, the third throws it away. What fills the bundles between
    // nodes is thrown away too.
    expect(totals('in')).toBe(12 * 4 * 2);
    expect(totals('cover')).toBeGreaterThanOrEqual(12 * 4);
    expect(totals('out')).toBe(12 * 4 * 2);
  });

  it('gives a slot one mail, however much waits, and those that were missed are not made up', async () => {
    const network = paced();
    for (let i = 0; i < 30; i++) await network.client.submit(another(i), [`friend${i}@friend.test`]);
    await network.client.turn();
    network.passMs(3 * dayMs);
    expect(await mailsDuring(network, minuteMs)).toHaveLength(1);
    const mails = await mailsDuring(network, dayMs);
    expect(mails.length).toBeGreaterThan(40);
    expect(mails.length).toBeLessThan(110);
  });

  it('goes on where it was after the client was started anew', async () => {
    const network = paced({ meanMs: hourMs });
    await network.client.turn();
    const slot = Math.ceil(Number(network.client.store.note('pace')));
    expect(slot).toBeGreaterThan(network.now());
    network.passMs(slot - network.now() - 1);
    expect(await mailsDuring(network, 1)).toHaveLength(0);
    network.passMs(1);
    expect(await mailsDuring(network, 1)).toHaveLength(1);
  });

  it('takes together what begins at one node: thirty letters leave in fewer mails than there are letters', async () => {
    const network = paced({ meanMs: 0, cover: false });
    for (let i = 0; i < 30; i++) await network.client.submit(another(i), [`friend${i}@friend.test`]);
    const mails = await mailsDuring(network, 30);
    expect(mails.length).toBeLessThanOrEqual(12);
    expect(mails.every(({ packets }) => packets.length === 4)).toBe(true);
  });

  it('brings a message of many packets to its reader, once', async () => {
    const network = paced({ packets: 16, meanMs: minuteMs, cover: false });
    const bob = network.world.account(addressOfBob).mailbox;
    await network.client.submit(large, [addressOfBob]);
    await turns(network, 25);
    expect(bob.raws()).toHaveLength(1);
  });

  it('without cover is silent while nothing waits, and full when something does', async () => {
    const network = paced({ cover: false }, { client: { receipts: false } });
    expect(await mailsDuring(network, dayMs)).toEqual([]);
    await network.client.submit(letter, [addressOfBob]);
    const mails = await mailsDuring(network, dayMs);
    expect(mails.map(({ packets }) => packets.length)).toEqual([4]);
  });

  it('does not send a message again whose packets still wait for their slot', async () => {
    const network = paced({ meanMs: dayMs });
    await network.client.submit(large, [addressOfBob]);
    await network.client.turn();
    await mailsDuring(network, 20 * hourMs);
    const [status] = network.client.store.messageStatuses();
    expect(status).toMatchObject({ sendings: 1, state: 'in-network' });
    expect(network.client.store.waiting(Infinity).length).toBeGreaterThan(0);
    while (network.client.store.waiting(Infinity).length > 0) await mailsDuring(network, hourMs);
    await mailsDuring(network, 12 * hourMs);
    expect(network.client.store.messageStatuses()[0]?.sendings).toBeGreaterThan(1);
  });

  it('makes no more mails than a few while the server takes none', async () => {
    const network = paced();
    const down: Wrap = (name, port) =>
      name === 'outbox' ? { ...port, send: () => Promise.resolve({ kind: 'later', why: 'connect' }) } : port;
    for (let minute = 0; minute < 2 * 24 * 60; minute++) {
      await network.client.turn(down);
      network.passMs(minuteMs);
    }
    // One is tried again and again.
    expect(network.client.store.outgoingCount()).toBe(9);
    network.passMs(hourMs);
    expect((await mailsDuring(network, minuteMs)).length).toBeGreaterThanOrEqual(8);
  });

  it('mails the other first nodes while a server takes nothing for one of them', async () => {
    const network = paced();
    const { client, nodes, world } = network;
    const gone = nodes[0]?.account.address;
    const refused: Wrap = (name, port) => {
      if (name !== 'outbox') return port;
      const { send } = port as unknown as Outbox;
      const answer: Outbox['send'] = (mail, ...signals) =>
        mail.to === gone ? Promise.resolve({ kind: 'refused', code: 550 }) : send(mail, ...signals);
      return { ...port, send: answer };
    };
    const perDay: number[] = [];
    for (let day = 0; day < 4; day++) {
      const before = world.observed.length;
      for (let i = 0; i < 24 * 6; i++) {
        await client.turn(refused);
        network.passMs(10 * minuteMs);
      }
      perDay.push(world.observed.length - before);
    }
    // 72 a day or less, five sixths of them to the others; the standard deviation is 8.
    for (const mails of perDay) expect(mails).toBeGreaterThan(30);
    expect(client.store.outgoingCount()).toBeGreaterThan(8);
    expect(client.store.outgoingCount()).toBeLessThanOrEqual(40);
  });

  it('makes no mails without end while a server takes none and says so of each', async () => {
    const network = paced({ meanMs: minuteMs });
    const refused: Wrap = (name, port) =>
      name === 'outbox' ? { ...port, send: () => Promise.resolve({ kind: 'refused', code: 550 }) } : port;
    for (let minute = 0; minute < 4 * 60; minute++) {
      await network.client.turn(refused);
      network.passMs(minuteMs);
    }
    expect(network.client.store.outgoingCount()).toBe(40);
  });

  it('holds back what no cover can go with, and says so', async () => {
    const network = paced({ meanMs: 0 }, { nodes: 4 });
    const bob = network.world.account(addressOfBob).mailbox;
    await network.client.submit(letter, [addressOfBob]);
    const stop: Wrap = (_name, port) => ('addOutgoing' in port ? { ...port, outgoingCount: () => 99 } : port);
    await network.client.turn(stop);
    const [packet] = network.client.store.waiting(Infinity);
    const entry = packet?.to.kind === 'node' ? packet.to.nextHop : expect.fail('nothing waits');
    // The first node of the packet stays, and no path of three leads on.
    const others = network.nodes.filter(({ nodeId }) => nodeId !== entry).slice(0, 2);
    network.client.sees(others.reduce((list, { nodeId }) => without(list, nodeId), network.network));
    expect(await mailsDuring(network, 20)).toEqual([]);
    expect(network.client.warnings).toContain('client/no-cover');
    expect(network.client.warnings).toContain('route/no-path');
    network.client.sees(network.network);
    await turns(network, 8);
    expect(bob.raws()).toHaveLength(1);
  });
});

describe('a floor of anonymity', () => {
  /** The list when each node says that so many mails a day are handed over there. */
  const busy = ({ network }: FakeNetwork, deliveries: number): Network => {
    const nodes = network.nodes.map((node) => ({ ...node, load: { packets: 20, deliveries } }));
    return { ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) };
  };

  it('keeps letters back until the list tells of enough traffic, and each keeps the bits that it was sent with', async () => {
    const network = paced({ meanMs: 0, cover: false }, { client: { floorBits: 5, receipts: false } });
    const { client, passMs } = network;
    const statesAfter = async (list: Network): Promise<readonly string[]> => {
      client.sees(list);
      await client.turn();
      passMs(hourMs);
      return client.store.messageStatuses().map(({ state }) => state);
    };
    await client.submit(letter, [addressOfBob]);
    expect(await statesAfter(network.network)).toEqual(['waiting']);
    expect(await statesAfter(busy(network, 10))).toEqual(['waiting']);
    expect(client.warnings).toEqual(['client/under-floor', 'client/under-floor']);
    expect(network.world.observed).toEqual([]);
    const enough = busy(network, 1000);
    expect(await statesAfter(enough)).toEqual(['sent']);
    expect(client.store.messageStatuses()[0]?.bits).toBe(meterOf(enough));
    expect(meterOf(enough)).toBeGreaterThan(5);
  });

  it('keeps a letter back also when it is to be sent again', async () => {
    const network = paced({ meanMs: 0, cover: false }, { client: { floorBits: 5 } });
    const { client } = network;
    client.sees(busy(network, 1000));
    await client.submit(letter, [addressOfBob]);
    await mailsDuring(network, 10);
    expect(client.store.messageStatuses()[0]?.sendings).toBe(1);
    client.sees(busy(network, 10));
    network.passMs(10 * hourMs);
    await mailsDuring(network, 10);
    expect(client.store.messageStatuses()[0]?.sendings).toBe(1);
    client.sees(busy(network, 1000));
    await mailsDuring(network, 10);
    expect(client.store.messageStatuses()[0]?.sendings).toBe(2);
  });
});

describe('a pace on an account with a budget', () => {
  it('takes two thirds of what the account may send, whatever waits', async () => {
    for (const letters of [0, 20]) {
      const network = paced({}, { client: { mailsPerDay: 30, receipts: false } });
      for (let i = 0; i < letters; i++) await network.client.submit(another(i), [`friend${i}@friend.test`]);
      const mails = await mailsDuring(network, 5 * dayMs);
      // 100 in five days; the standard deviation is 10.
      expect(Math.abs(mails.length - 100)).toBeLessThan(40);
    }
  });
});

describe.each(['before', 'after'] as const)('a power cut just %s the n-th step of a slot', (when) => {
  it('leaves each packet in the pool or in one mail, for every n', { timeout: 120_000 }, async () => {
    const struck = new Set<string>();
    for (let at = 1; at < 500; at++) {
      const faults = new Faults(at, when);
      const network = paced({ meanMs: 0 }, { nodes: 4, client: { receipts: false } });
      const { client, world, passMs } = network;
      const made = new Map<string, boolean>();
      await client.submit(middling, [addressOfBob]);
      const isDone = (): boolean =>
        made.size > 0 && client.store.waiting(Infinity).length + client.store.outgoingCount() === 0;
      for (let turn = 0; turn < 8 && !isDone(); turn++) {
        const cut = faults.incarnation();
        const noting: Wrap = (name, port) => {
          if (name !== 'store') return cut(name, port);
          const store = port as unknown as ClientStore;
          const addToPool = (entry: PoolEntry): void => {
            made.set(latin1(entry.bytes.subarray(0, 64)), false);
            store.addToPool(entry);
          };
          return cut(name, { ...port, addToPool });
        };
        await client.turn(noting).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
          // What was made in a turn that came to nothing is made anew.
          if (client.store.waiting(Infinity).length === 0 && world.observed.length === 0) made.clear();
        });
        passMs(12 * minuteMs);
      }
      expect(client.store.waiting(Infinity)).toEqual([]);
      // A mail that the server had taken when the power was cut goes out again; it is the same one.
      const mails = new Map(world.observed.map(({ raw }) => [latin1(raw), raw]));
      const found = [...mails.values()].flatMap((raw) => sliceCarrierMail(raw, nodeBase64) ?? []);
      const names = found.map((bytes) => latin1(bytes.subarray(0, 64)));
      const cut = `cut ${when} ${faults.struck ?? 'nothing'}`;
      expect(made.size, cut).toBe(5);
      for (const name of made.keys()) expect(names.filter((one) => one === name).length, cut).toBe(1);
      expect([...mails.values()].every((raw) => sliceCarrierMail(raw, nodeBase64)?.length === 4)).toBe(true);
      if (faults.struck === undefined) break;
      struck.add(faults.struck);
    }
    for (const call of ['store.setNote', 'store.takeFromPool', 'store.addOutgoing', 'store.addToPool', 'outbox.send'])
      expect([...struck]).toContain(call);
  });
});
