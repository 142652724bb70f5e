import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKeys } from '../../src/adapters/file-keys.js';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { inlineUnwrapper } from '../../src/adapters/unwrap-workers.js';
import { packetsPerNode, packetsPerSender } from '../../src/base/bounds.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { Intake } from '../../src/post/intake.js';
import { destroyExpiredKeys } from '../../src/node/mix-node.js';
import { receiveOnce } from '../../src/node/receive.js';
import { Tally } from '../../src/node/tally.js';
import type { KeyStore } from '../../src/ports/keys.js';
import { epochAt, epochSpan } from '../../src/route/epoch.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { createPacket } from '../../src/sphinx/packet.js';
import { fakeInbox, FakeMailbox } from '../fakes/inbox.js';
import { fakeNetwork } from '../fakes/network.js';

// Somebody has recorded a packet and brings it to the node again, to see what leaves it twice.

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-replay-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const rule = { lengthMs: 7 * dayMs, graceMs: 7 * dayMs };
const startAt = Date.UTC(2026, 0, 15);
const crypto = chooseCrypto();

type Counts = Readonly<Record<string, number>>;

/** A node with its keys and its database on the disk. */
const startNode = () => {
  const rng = seededRng(new Uint8Array(32).fill(5));
  const mailbox = new FakeMailbox();
  let now = startAt;
  const clock = { now: () => now };
  const start = () => ({
    keyStore: fileKeys(path.join(folder, 'keys'), { rng, spanAt: (at) => epochSpan(rule, epochAt(rule, at)) }),
    store: sqliteMixStore(path.join(folder, 'db', 'mix.db')),
    unwrapper: inlineUnwrapper(crypto),
    tally: new Tally(),
    intake: new Intake({ perSender: packetsPerSender, perNode: packetsPerNode }),
  });
  let running = start();
  // Of the list only the mix interval matters, and that nobody stands in it.
  const { network } = fakeNetwork({ nodes: 1 });
  const list = { ...network, nodes: [], byId: new Map() };
  const receive = async (): Promise<Counts> => {
    const deps = {
      ...running,
      ...{ crypto, rng, clock, parse: parseMail, base64: nodeBase64, inbox: fakeInbox(mailbox) },
      from: 'node@mix1.test',
      replyTo: 'plus',
      clearReplies: 'refuse',
      self: nodeIdOf(new Uint8Array(32).fill(1)),
      log: { info: () => undefined, warn: () => undefined },
      directory: { network: () => list },
      keys: (at: number) => running.keyStore.mixKeys(at),
      bench: () => ({ isExit: false, knows: () => true }),
    } as const;
    await receiveOnce(deps, new AbortController().signal);
    return running.tally.take();
  };
  const hop = (n: number, seed: Uint8Array) => ({
    nodeId: nodeIdOf(new Uint8Array(32).fill(n)),
    publicKey: expandKey(crypto, seed).publicKey,
    delayMs: 0,
  });
  return {
    mailbox,
    /** A packet that this node is to send on, made for the mix key of this moment. */
    packet: (): Uint8Array => {
      const [{ seed } = expect.fail('no key')] = running.keyStore.mixKeys(now);
      const hops = [hop(1, seed), hop(2, rng(32))];
      return createPacket(crypto, { hops, last: { kind: 'exit' }, payload: rng(100), rng });
    },
    /** The mail that brings them. */
    mailOf: (packets: readonly Uint8Array[]): Uint8Array => {
      const bundle = joinBundle(packets, () => expect.fail('no filling'), rng);
      return composeCarrierMail({ from: 'a@b.test', to: 'node@mix1.test', bundle, now, rng }, nodeBase64);
    },
    /** Reads what is there, and says what it has counted. */
    receive,
    inPool: () => running.store.waiting(Infinity).length,
    restart: async () => {
      running.store.close();
      await running.unwrapper.close();
      running = start();
    },
    passMs: (ms: number) => (now += ms),
    keyTurn: (change: (keyStore: KeyStore) => KeyStore = (keyStore) => keyStore) =>
      destroyExpiredKeys({ ...running, keyStore: change(running.keyStore), clock }),
    close: () => running.store.close(),
  };
};

let node: ReturnType<typeof startNode>;
beforeEach(() => (node = startNode()));
afterEach(() => node.close());

/** The same packet in a mail of its own. */
const again = (packet: Uint8Array): Promise<Counts> => {
  node.mailbox.put(node.mailOf([packet]));
  return node.receive();
};

describe('a packet that comes again', () => {
  it('in the same mail, in another mail, in another folder or the same mail once more, leaves once', async () => {
    const packet = node.packet();
    const mail = node.mailOf([packet, packet, packet, packet]);
    node.mailbox.put(mail);
    expect(await node.receive()).toEqual({ in: 1, 'packet/replayed': 3 });
    node.mailbox.put(mail);
    node.mailbox.put(mail, 'Junk');
    expect(await node.receive()).toEqual({ 'packet/replayed': 8 });
    expect(await again(packet)).toEqual({ 'packet/replayed': 1 });
    expect(node.inPool()).toBe(1);
  });

  it('with another payload is known by its header: what was changed does not make it new', async () => {
    const packet = node.packet();
    expect(await again(packet)).toEqual({ in: 1 });
    for (const at of [geometry.packetBytes - 1, geometry.packetBytes - 20_000]) {
      const changed = packet.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await again(changed)).toEqual({ 'packet/replayed': 1 });
    }
    expect(node.inPool()).toBe(1);
  });

  it('after the node was killed and started again is known by its database', async () => {
    const [first, second] = [node.packet(), node.packet()];
    expect(await again(first)).toEqual({ in: 1 });
    for (let i = 0; i < 3; i++) {
      await node.restart();
      expect(await again(first)).toEqual({ 'packet/replayed': 1 });
    }
    expect(await again(second)).toEqual({ in: 1 });
  });

  it('in the days of grace is known still; when they are over nothing can open it, and no tag goes before its key', async () => {
    const [old, unseen] = [node.packet(), node.packet()];
    expect(await again(old)).toEqual({ in: 1 });
    const told: string[] = [];
    for (let hours = 6; hours <= 21 * 24; hours += 6) {
      node.passMs(6 * hourMs);
      await node.keyTurn();
      if (hours % 72 === 0) await node.restart();
      told.push(Object.keys(await again(old)).join());
    }
    // Refused by its tag as long as there is a key, and for lack of a key ever after.
    const changes = told.filter((one, i) => one !== told[i - 1]);
    expect(changes).toEqual(['packet/replayed', 'packet/bad-mac']);
    expect(told.indexOf('packet/bad-mac')).toBeGreaterThanOrEqual(2 * 7 * 4 - 7 * 4);
    expect(await again(unseen)).toEqual({ 'packet/bad-mac': 1 });
    expect(node.inPool()).toBe(1);
  });

  it('when the power failed between the end of its key and the end of its tag opens for nobody', async () => {
    const old = node.packet();
    expect(await again(old)).toEqual({ in: 1 });
    node.passMs(14 * dayMs);
    const cutAfter = (keyStore: KeyStore): KeyStore => ({
      ...keyStore,
      destroyExpired: (at) => {
        keyStore.destroyExpired(at);
        throw new Error('power cut');
      },
    });
    await expect(node.keyTurn(cutAfter)).rejects.toThrow('power cut');
    await node.restart();
    expect(await again(old)).toEqual({ 'packet/bad-mac': 1 });
    const cutBefore = (keyStore: KeyStore): KeyStore => ({
      ...keyStore,
      destroyExpired: () => {
        throw new Error('power cut');
      },
    });
    const young = node.packet();
    expect(await again(young)).toEqual({ in: 1 });
    await expect(node.keyTurn(cutBefore)).rejects.toThrow('power cut');
    expect(await again(young)).toEqual({ 'packet/replayed': 1 });
  });
});
