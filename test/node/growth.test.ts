import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { inlineUnwrapper } from '../../src/adapters/unwrap-workers.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { destroyExpiredKeys } from '../../src/node/mix-node.js';
import type { KeyStore } from '../../src/ports/keys.js';
import type { LiveKey } from '../../src/ports/unwrapper.js';
import type { MixKeyOffer } from '../../src/route/descriptor.js';
import type { Network } from '../../src/route/network.js';
import { expandKey, keyIdOf } from '../../src/sphinx/kem.js';
import { type FakeNetwork, fakeNetwork, type FakeNode } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { letterOf, quick } from './packets.js';

/** Of mix keys, as usual: one for seven days, and seven more until it is destroyed. */
const epochMs = 7 * dayMs;
/** A hop a step. */
const stepMs = 12 * hourMs;
const days = 60;

let folder: string;
beforeAll(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-growth-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const crypto = chooseCrypto();

interface Epoch {
  readonly listed: MixKeyOffer;
  readonly live: LiveKey;
}

/** What runs a node's keys: a new one for each epoch, destroyed an epoch after its end. */
const rotating = ({ nodeId, store, become }: FakeNode, { rng, now }: FakeNetwork) => {
  let epochs: readonly Epoch[] = [];
  const unwrapper = inlineUnwrapper(crypto);
  const living = (): readonly LiveKey[] => epochs.map(({ live }) => live);
  become(store, living);
  const keyStore: KeyStore = {
    identity: () => new Uint8Array(32),
    mixKeys: () => epochs.map(({ listed, live }) => ({ ...listed, ...live })),
    destroyExpired: (at) => {
      const dead = epochs.filter(({ listed }) => listed.expiresAt <= at);
      epochs = epochs.filter((epoch) => !dead.includes(epoch));
      return dead.map(({ live }) => live.keyId);
    },
  };
  return {
    nodeId,
    listed: (): readonly MixKeyOffer[] => epochs.map(({ listed }) => listed),
    turn: async (): Promise<void> => {
      const newest = epochs.at(-1)?.listed;
      if (newest === undefined || newest.notAfter - now() <= dayMs) {
        const notBefore = newest?.notAfter ?? now();
        const seed = rng(32);
        const { publicKey } = expandKey(crypto, seed);
        const ends = { notAfter: notBefore + epochMs, expiresAt: notBefore + 2 * epochMs };
        const listed = { publicKey, notBefore, ...ends };
        epochs = [...epochs, { listed, live: { keyId: keyIdOf(crypto, publicKey), seed } }];
      }
      await destroyExpiredKeys({ keyStore, store, clock: { now }, unwrapper });
    },
  };
};

/** Rows of each table of that database. */
const rowsIn = (file: string): ReadonlyMap<string, number> => {
  const database = new DatabaseSync(file, { readOnly: true });
  const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  const countOf = (name: string): number =>
    (database.prepare(`SELECT count(*) AS count FROM ${name}`).get() as { count: number }).count;
  const rows = new Map(names.map(({ name }) => [name, countOf(name)]));
  database.close();
  return rows;
};

/** A list of these nodes with the keys that they have now. */
const listOf = (base: Network, keys: ReadonlyMap<string, readonly MixKeyOffer[]>, now: number): Network => {
  const nodes = base.nodes.map((node) => ({ ...node, mixKeys: keys.get(node.nodeId) ?? [] }));
  return { ...base, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])), validUntil: now + dayMs };
};

it('keeps no more after sixty days than after forty: nodes, a client and their mailboxes', async () => {
  const file = (name: string): string => path.join(folder, `${name}.db`);
  const network = fakeNetwork({
    ...quick,
    client: { file: file('client'), replyBlocks: 1, retry: { intervalMs: 4 * dayMs, giveUpMs: 8 * dayMs } },
    loopsPerInterval: 0.5,
  });
  const { world, nodes, client, passMs, now } = network;
  for (const node of nodes) node.become(sqliteMixStore(file(node.nodeId)), () => [node.key]);
  const keys = nodes.map((node) => rotating(node, network));
  const bob = world.account('bob@friend.test');
  const small = latin1(await letterOf());
  const large = latin1(await letterOf(40_000));
  // Servers refuse, and mails are lost.
  let handed = 0;
  world.handle = () => {
    handed++;
    return handed % 23 === 0 ? handlings.later : handed % 37 === 0 ? handlings.swallowed : undefined;
  };
  const write = (step: number): Promise<unknown> => {
    const letter = step % 8 === 0 ? large : small;
    const raw = ascii(letter.replace(/^Message-ID: .*\r$/im, `Message-ID: <${step}@home.test>\r`));
    return client.submit(raw, [step % 5 === 0 ? 'nobody@friend.test' : bob.address]);
  };
  const things = (): ReadonlyMap<string, number> => {
    const sums = new Map(rowsIn(file('client')));
    for (const { nodeId, account } of nodes)
      for (const [name, rows] of [...rowsIn(file(nodeId)), ['mailbox', account.mailbox.uids().length] as const])
        sums.set(`nodes: ${name}`, (sums.get(`nodes: ${name}`) ?? 0) + rows);
    return sums.set('mailbox', client.account.mailbox.uids().length);
  };
  let step = 0;
  /** @returns the most that there was of each */
  const live = async (spanMs: number): Promise<ReadonlyMap<string, number>> => {
    const most = new Map<string, number>();
    for (const end = now() + spanMs; now() < end; step++) {
      for (const one of keys) await one.turn();
      const list = listOf(network.network, new Map(keys.map(({ nodeId, listed }) => [nodeId, listed()])), now());
      for (const one of [client, ...nodes]) one.sees(list);
      if (step % 2 === 0) await write(step / 2);
      for (const one of [client, ...nodes]) await one.turn();
      for (const [name, count] of things()) most.set(name, Math.max(most.get(name) ?? 0, count));
      // They read their mail.
      for (const { mailbox } of [bob, client.account]) if (step % 14 === 0) mailbox.rebuild('INBOX');
      world.forget();
      passMs(stepMs);
    }
    return most;
  };

  await live((days / 3) * dayMs);
  const early = await live((days / 3) * dayMs);
  const late = await live((days / 3) * dayMs);
  const states = client.statuses.map(({ state }) => state);
  expect(states.filter((state) => state === 'delivered').length).toBeGreaterThan(0.6 * days);
  expect(states.filter((state) => state === 'failed').length).toBeGreaterThan(0.15 * days);
  // What can grow was there.
  for (const name of ['message', 'surb', 'nodes: message', 'nodes: replay', 'nodes: return_address', 'nodes: loop'])
    expect([name, early.get(name)]).toEqual([name, expect.toSatisfy((count: number) => count > 5)]);
  const grown = [...late].filter(([name, count]) => count > 1.25 * (early.get(name) ?? 0) + 3);
  expect(grown).toEqual([]);
}, 300_000);
