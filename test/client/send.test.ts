import { beforeAll, describe, expect, it } from 'vitest';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { RouteError, SubmissionError } from '../../src/base/errors.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { forgetOnce } from '../../src/client/send.js';
import type { ClientStore } from '../../src/ports/client-store.js';
import type { PoolEntry } from '../../src/ports/stores.js';
import { heedClock } from '../../src/post/clock-watch.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, Wrap } from '../fakes/network.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';

let letter: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  [letter, large] = await Promise.all([letterOf(), letterOf(200_000)]);
});

const domainOf = (address: string): string => address.split('@')[1] ?? '';

/** A letter with other bytes each time. */
const another = (i: number): Uint8Array =>
  new TextEncoder().encode(`X-Nr: ${i}\r\n${new TextDecoder().decode(letter)}`);

const clientMails = ({ world, client }: FakeNetwork) =>
  world.observed.filter(({ from }) => from === client.account.address);

/** Notes where each packet goes first that is put into the pool. */
const addedTo =
  (entries: string[]): Wrap =>
  (_name, port) =>
    'addToPool' in port
      ? {
          ...port,
          addToPool: (entry: PoolEntry) => {
            entries.push(entry.kind === 'forward' ? entry.nextHop : entry.kind);
            (port as unknown as ClientStore).addToPool(entry);
          },
        }
      : port;

/** Lets the client alone work, a minute at a time. */
const clientTurns = async (network: FakeNetwork, minutes: number): Promise<void> => {
  for (let i = 0; i < minutes; i++) {
    await network.client.turn();
    network.passMs(minuteMs);
  }
};

/** As configured, but without cover. */
const slow = { meanMs: 20 * minuteMs, packets: 4, cover: false, questions: 0 };

describe('a path', () => {
  it('never begins at the sender’s provider nor ends at the recipient’s', async () => {
    const network = fakeNetwork({ ...quick, nodes: 5, senderProvider: 'mix1.test' });
    const bob = network.world.account('bob@mix2.test').mailbox;
    const messages = 60;
    for (let i = 0; i < messages; i++) await network.client.submit(another(i), ['bob@mix2.test']);
    await turns(network, 20);
    expect(bob.raws()).toHaveLength(messages);
    const entries = new Set(clientMails(network).map(({ to }) => domainOf(to)));
    const exits = new Set(
      network.world.observed.filter(({ to }) => to === 'bob@mix2.test').map(({ from }) => domainOf(from)),
    );
    expect([...entries].toSorted()).toEqual(['mix2.test', 'mix3.test', 'mix4.test', 'mix5.test']);
    expect([...exits].toSorted()).toEqual(['mix1.test', 'mix3.test', 'mix4.test', 'mix5.test']);
  });

  it('is another one for each fragment, begins together with three others, and all end at one exit', async () => {
    const network = fakeNetwork({
      ...quick,
      nodes: 9,
      client: { pace: { meanMs: 0, packets: 4, cover: false, questions: 0 } },
    });
    const bob = network.world.account(addressOfBob).mailbox;
    await network.client.submit(large, [addressOfBob]);
    const [queued] = network.client.store.queuedMessages();
    const begun: string[] = [];
    await network.client.turn(addedTo(begun));
    // The last fragment leaves no room for the two reply blocks, which then have a packet of their own.
    const count = Math.ceil((queued?.message.length ?? 0) / 25_616) + 1;
    expect(begun).toHaveLength(count);
    expect(begun).toEqual(begun.map((_, i) => begun[i - (i % 4)]));
    expect(new Set(begun).size).toBeGreaterThan(1);
    await clientTurns(network, 3);
    expect(clientMails(network)).toHaveLength(Math.ceil(count / 4));
    await turns(network, 20);
    expect(bob.raws()).toHaveLength(1);
    // Only where all fragments met could the message be put together.
    expect(network.nodes.map(({ counted }) => counted()['delivery'] ?? 0).toSorted()).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
  });

  it('is one of its own for each recipient', async () => {
    const network = fakeNetwork({ ...quick, nodes: 7 });
    const recipients = Array.from({ length: 30 }, (_, i) => `friend${i}@friend.test`);
    for (const address of recipients) network.world.account(address);
    await network.client.submit(letter, recipients);
    expect(network.client.store.queuedMessages()).toHaveLength(recipients.length);
    await turns(network, 20);
    const exits = recipients.map(
      (address) =>
        network.world.observed.find(({ to }) => to === address)?.from ?? expect.fail(`nothing for ${address}`),
    );
    expect(new Set(exits).size).toBe(7);
  });
});

describe('a mail that can’t go as safely as configured', () => {
  it('is refused at once where no path leads to its recipient, and none of it is queued', async () => {
    const network = fakeNetwork({ ...quick, nodes: 2 });
    await expect(network.client.submit(letter, [addressOfBob])).rejects.toMatchObject({ code: 'route/no-path' });
    expect(network.client.store.queuedMessages()).toEqual([]);
  });

  it('waits in the queue while the list is too small, the log says why, and goes when it is not', async () => {
    const network = fakeNetwork({ ...quick, nodes: 4 });
    const bob = network.world.account(addressOfBob).mailbox;
    await network.client.submit(letter, [addressOfBob]);
    network.client.sees(without(network.network, network.nodes[0]?.nodeId ?? expect.fail()));
    await clientTurns(network, 30);
    expect(network.client.warnings).toContain('route/no-path');
    expect(network.world.observed).toEqual([]);
    expect(network.client.store.queuedMessages()).toHaveLength(1);
    network.client.sees(network.network);
    await turns(network, 20);
    expect(bob.raws()).toHaveLength(1);
  });

  it('waits while the list has run out, packets already made too', async () => {
    const network = fakeNetwork({ ...quick, client: { pace: slow } });
    const bob = network.world.account(addressOfBob).mailbox;
    await network.client.submit(letter, [addressOfBob]);
    // Its packets are made, and wait for their slot.
    await network.client.turn();
    expect(network.client.store.waiting(Infinity)).not.toEqual([]);
    await network.client.submit(another(2), [addressOfBob]);
    const sent = network.world.observed.length;
    network.client.sees(undefined);
    for (let i = 0; i < 30; i++) {
      await expect(network.client.turn()).rejects.toMatchObject({ code: 'route/expired' });
      network.passMs(minuteMs);
    }
    expect(network.world.observed).toHaveLength(sent);
    network.client.sees(network.network);
    await turns(network, 40);
    expect(bob.raws()).toHaveLength(2);
  });

  it('goes another way when the first node of its packets is gone before they have left', async () => {
    const network = fakeNetwork({ ...quick, nodes: 6, client: { pace: slow } });
    const bob = network.world.account(addressOfBob).mailbox;
    await network.client.submit(letter, [addressOfBob]);
    await network.client.turn();
    const [waiting] = network.client.store.waiting(Infinity);
    const entry =
      waiting?.to.kind === 'node' ? waiting.to.nextHop : expect.fail('it has left already; take another seed');
    network.client.sees(without(network.network, entry));
    await turns(network, 120);
    expect(bob.raws()).toHaveLength(1);
    const gone = network.network.byId.get(entry)?.address;
    expect(clientMails(network).filter(({ to }) => to === gone)).toEqual([]);
    expect(network.client.store.messageStatuses()).toMatchObject([{ state: 'delivered', sendings: 2 }]);
    expect(network.client.logged).toContain('client/another-way {"messages":1,"packets":1}');
    expect(network.client.warnings).not.toContain('client/first-hop-not-listed');
  });

  it('is given up without receipts, in so many words, when the first node of its packets is gone for good', async () => {
    const network = fakeNetwork({ ...quick, nodes: 4, client: { pace: slow, receipts: false } });
    await network.client.submit(letter, [addressOfBob]);
    await network.client.turn();
    const [waiting] = network.client.store.waiting(Infinity);
    const entry =
      waiting?.to.kind === 'node' ? waiting.to.nextHop : expect.fail('it has left already; take another seed');
    network.client.sees(without(network.network, entry));
    await clientTurns(network, 60);
    expect(network.client.warnings).toContain('client/first-hop-not-listed');
    expect(network.client.warnings).not.toContain('client/gave-up-packets');
    network.passMs(8 * dayMs);
    await network.client.turn();
    expect(network.client.warnings).toContain('client/gave-up-packets');
    expect(network.client.store.waiting(Infinity)).toEqual([]);
    // And its user is told.
    expect(network.client.store.messageStatuses()).toMatchObject([
      { state: 'failed', ending: { kind: 'no-answer', sendings: 0 } },
    ]);
  });
});

describe('what waits at a client whose machine begins in 1970', () => {
  it('is there still when the clock is set right, whatever looks first', () => {
    const store = sqliteClientStore(':memory:');
    let now = Date.UTC(2026, 0, 15, 12);
    const directory = {
      network: () => {
        throw new RouteError('route/expired', 'no list is valid then');
      },
    };
    const log = { info: () => undefined, warn: () => undefined };
    const nobody = { receipts: undefined, from: 'alice@home.test', notices: 'none' } as const;
    const deps = { store, clock: { now: () => now }, log, directory, forgetMs: 7 * dayMs, ...nobody };
    const forget = (): void => forgetOnce(deps);
    heedClock(deps);
    store.addToPool({ kind: 'exit', readyAt: now, bytes: letter });
    const since = now;
    now = 0;
    heedClock(deps);
    now = since + minuteMs;
    forget();
    expect(store.waiting(now)).toHaveLength(1);
    now += 8 * dayMs;
    forget();
    expect(store.waiting(now)).toEqual([]);
    store.close();
  });
});

describe('handing a mail in', () => {
  it('twice queues it once, also when it has left meanwhile; for another recipient it is another mail', async () => {
    const network = fakeNetwork(quick);
    const bob = network.world.account(addressOfBob).mailbox;
    const carol = network.world.account('carol@friend.test').mailbox;
    await network.client.submit(letter, [addressOfBob, 'bob@FRIEND.test']);
    expect(network.client.store.queuedMessages()).toHaveLength(1);
    await turns(network, 20);
    await network.client.submit(letter, [addressOfBob, 'carol@friend.test']);
    await turns(network, 20);
    expect(bob.raws()).toHaveLength(1);
    expect(carol.raws()).toHaveLength(1);
  });

  it('for nobody, for nobody who can be, or of too many bytes is refused with words', async () => {
    const { client } = fakeNetwork(quick);
    await expect(client.submit(letter, [])).rejects.toMatchObject({ code: 'submission/no-recipient' });
    await expect(client.submit(letter, [addressOfBob, 'root'])).rejects.toMatchObject({
      code: 'submission/bad-recipient',
    });
    await expect(client.submit(new TextEncoder().encode('x'), [addressOfBob])).rejects.toThrow(SubmissionError);
    await expect(client.submit(new Uint8Array(17 * 1024 * 1024), [addressOfBob])).rejects.toThrow(SubmissionError);
    expect(client.store.queuedMessages()).toEqual([]);
  });
});
