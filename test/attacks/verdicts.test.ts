import { beforeAll, describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { ascii, concat, equalBytes, latin1 } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { hopOf } from '../../src/route/hop.js';
import type { LastCommand } from '../../src/sphinx/commands.js';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { openHeader } from '../../src/sphinx/header.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { createPacket } from '../../src/sphinx/packet.js';
import {
  fakeNetwork,
  without,
  type FakeNetwork,
  type FakeNetworkOptions,
  type FakeNode,
  type Wrap,
} from '../fakes/network.js';
import { carrierTo, packetOver } from '../node/packets.js';
import { exitOf } from '../node/sender.js';

// Somebody sends packets to a node and looks what it does: by what a refused one is told from one that was taken, a node
// becomes an oracle for keys, for replays, or for what it has in its pool. Its mailbox and its outgoing mail are all that
// can be seen of it.

const { at, packetBytes } = geometry;

const flipped = (packet: Uint8Array, place: number): Uint8Array => {
  const changed = packet.slice();
  changed[place] = (changed[place] ?? 0) ^ 1;
  return changed;
};

const last = ({ nodes }: FakeNetwork): FakeNode => nodes.at(-1) ?? expect.fail('no node');
/** To be sent on to a node of the list. */
const onward = (network: FakeNetwork): Uint8Array => packetOver(network, network.nodes.slice(0, 2));
const ends = (network: FakeNetwork, command?: LastCommand): Uint8Array =>
  packetOver(network, [exitOf(network)], new Uint8Array(), command);

/** What can come to a node, and what it counts it as. (What has not a packet's first byte is none, as everybody can see.) */
const kinds: Readonly<Record<string, readonly [made: (network: FakeNetwork) => Uint8Array, counted: string]>> = {
  'is sent on': [onward, 'in'],
  'ends at this exit': [ends, 'in'],
  'is for a mailbox': [
    (network) => ends(network, { kind: 'to-mailbox', surbId: network.rng(16), address: 'anna@home.test' }),
    'mailbox',
  ],
  'goes to a node nobody knows': [(network) => packetOver(network, [exitOf(network), last(network)]), 'in'],
  'is to wait for a week': [
    (network) => {
      const [first, second] = network.nodes.map(({ nodeId }) =>
        hopOf(network.network.byId.get(nodeId) ?? expect.fail(), network.now()),
      );
      if (first === undefined || second === undefined) return expect.fail();
      const hops = [{ ...first, delayMs: 7 * dayMs }, second];
      return createPacket(chooseCrypto(), {
        hops,
        last: { kind: 'exit' },
        payload: new Uint8Array(),
        rng: network.rng,
      });
    },
    'in',
  ],
  'is cover': [(network) => ends(network, { kind: 'drop' }), 'cover'],
  'says it is a loop': [(network) => ends(network, { kind: 'loop', loopId: network.rng(16) }), 'packet/unknown-loop'],
  'has come before': [(network) => recordedIn(network), 'packet/replayed'],
  'has a bad ciphertext': [(network) => flipped(onward(network), at.ciphertext), 'packet/bad-mac'],
  'has a MAC with a bad first byte': [(network) => flipped(onward(network), at.mac), 'packet/bad-mac'],
  'has a MAC with a bad last byte': [(network) => flipped(onward(network), at.routing - 1), 'packet/bad-mac'],
  'has a header with a bad last byte': [(network) => flipped(onward(network), at.payload - 1), 'packet/bad-mac'],
  'is made for another node': [(network) => packetOver(network, network.nodes.slice(1, 3)), 'packet/bad-mac'],
  'has a bad payload': [(network) => flipped(ends(network), packetBytes - 1), 'packet/bad-payload'],
};

const recorded = new WeakMap<FakeNetwork, Uint8Array>();
const recordedIn = (network: FakeNetwork): Uint8Array => recorded.get(network) ?? expect.fail('nothing was recorded');

const untouched: Wrap = (_name, port) => port;

/** Every call to the mailbox and to the outgoing mail, with what it says to the servers. */
const watching = (): { readonly calls: string[]; readonly wrap: Wrap } => {
  const calls: string[] = [];
  const wrap: Wrap = (name, port) =>
    name === 'store'
      ? port
      : new Proxy(port, {
          get: (target, key) => {
            const method: unknown = Reflect.get(target, key);
            if (typeof method !== 'function') return method;
            return (...args: readonly unknown[]): unknown => {
              const said = args.filter((arg) => !(arg instanceof AbortSignal));
              calls.push(`${name}.${String(key)} ${JSON.stringify(said)}`);
              return Reflect.apply(method, target, args);
            };
          },
        });
  return { calls, wrap };
};

/** As somebody of no account of its own mails it. */
const fromMallory = (mail: Uint8Array): Uint8Array =>
  concat(ascii(latin1(mail.subarray(0, 200)).replace('node@other.test', 'mallory@evil.test')), mail.subarray(200));

/** A mail of four packets that hold nothing. */
const garbage = (network: FakeNetwork, node: FakeNode): Uint8Array => {
  const packets = Array.from({ length: 4 }, () => {
    const packet = network.rng(packetBytes);
    packet[0] = geometry.version;
    return packet;
  });
  return fromMallory(carrierTo(network, node, packets));
};

/** What can be seen of a node into whose mailbox these packets come in one mail, in three intervals. */
const seenOf = async (
  made: readonly ((network: FakeNetwork) => Uint8Array)[],
  more: {
    /** Mails of the same sender that come behind it. */
    readonly followUps?: number;
    readonly options?: FakeNetworkOptions;
    readonly wrap?: Wrap;
  } = {},
): Promise<{ readonly calls: readonly string[]; readonly counted: Readonly<Record<string, number>> }> => {
  // A pool of which nothing leaves as long as so few are in it.
  const network = fakeNetwork({
    nodes: 4,
    parameters: { strategy: { kind: 'pool', minimum: 20, rate: 0.5 } },
    ...more.options,
  });
  const node = exitOf(network);
  node.sees(without(network.network, last(network).nodeId));
  const first = onward(network);
  recorded.set(network, first);
  node.account.mailbox.put(carrierTo(network, node, [first]));
  await node.turn();
  const before = node.counted();
  const { calls, wrap } = watching();
  const { followUps = 0, wrap: wrapMore = untouched } = more;
  node.account.mailbox.put(
    fromMallory(
      carrierTo(
        network,
        node,
        made.map((make) => make(network)),
      ),
    ),
  );
  for (let i = 0; i < followUps; i++) node.account.mailbox.put(garbage(network, node));
  for (let i = 0; i < 3; i++) {
    await node.turn((name, port) => wrap(name, wrapMore(name, port)));
    network.passMs(12 * minuteMs);
  }
  expect(network.world.observed).toEqual([]);
  const after = node.counted();
  const counted = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
  return { calls, counted };
};

describe('a packet in a mail of its own', () => {
  let usual: readonly string[];
  beforeAll(async () => {
    ({ calls: usual } = await seenOf([onward]));
  });

  it('is fetched, and its mail removed, and nothing else is done', () => {
    expect(usual.map((call) => call.replace(/ .*/, '')).slice(0, 9)).toEqual([
      'inbox.folders',
      'inbox.look',
      'inbox.look',
      'inbox.fetchThose',
      'inbox.remove',
      'inbox.folders',
      'inbox.look',
      'inbox.look',
      'inbox.quota',
    ]);
    expect(usual.filter((call) => call.startsWith('outbox.'))).toEqual([]);
    expect(usual.filter((call) => call.startsWith('inbox.remove'))).toHaveLength(1);
  });

  it.each(Object.entries(kinds))(
    'is dealt with in the same way, step by step, if it %s',
    async (_what, [made, name]) => {
      const { calls, counted } = await seenOf([made]);
      expect(counted[name]).toBe(1);
      expect(calls).toEqual(usual);
    },
  );
});

describe('mails behind that of one packet', () => {
  // What a packet once cost beside its bytes was the share of several intervals.
  const few = { followUps: 40, options: { rates: { perSender: 10, perNode: 10 } } };
  const readIn = (calls: readonly string[]): number =>
    calls.filter((call) => call.startsWith('inbox.fetchThose')).flatMap((call) => call.match(/"uid":/g) ?? []).length;
  let usual: readonly string[];
  beforeAll(async () => {
    ({ calls: usual } = await seenOf([onward], few));
  });

  it('are read as far as the share of their sender goes', () => {
    // 70 packets at once, and 10 in each of two intervals.
    expect(readIn(usual)).toBeGreaterThan(20);
    expect(readIn(usual)).toBeLessThan(25);
  });

  it.each(Object.entries(kinds))('are read in the same number, and when, if it %s', async (_what, [made]) => {
    const { calls } = await seenOf([made], few);
    expect(calls).toEqual(usual);
  });
});

describe('the work that a new packet makes between the fetching of its mail and the removal', () => {
  /** Every call to the cryptography, with lengths, and to the database. */
  const workOf = async (make: (network: FakeNetwork) => Uint8Array): Promise<readonly string[]> => {
    let isOpen = false;
    let work: string[] = [];
    const real = chooseCrypto();
    const noted = <T extends object>(of: string, port: T): T =>
      new Proxy(port, {
        get: (target, key) => {
          const method: unknown = Reflect.get(target, key);
          if (typeof method !== 'function') return method;
          return (...args: readonly unknown[]): unknown => {
            const lengths = args.flatMap((arg) => (arg instanceof Uint8Array ? [arg.length] : []));
            if (isOpen) work.push(`${of}.${String(key)} ${lengths.join()}`);
            return Reflect.apply(method, target, args);
          };
        },
      });
    const bracketed: Wrap = (name, port) => {
      if (name === 'store') return noted(name, port);
      if (name !== 'inbox') return port;
      return new Proxy(port, {
        get: (target, key) => {
          const method: unknown = Reflect.get(target, key);
          if (typeof method !== 'function') return method;
          return async (...args: readonly unknown[]): Promise<unknown> => {
            isOpen = false;
            const result: unknown = await Reflect.apply(method, target, args);
            isOpen = key === 'fetchThose';
            if (isOpen) work = [];
            return result;
          };
        },
      });
    };
    let before: readonly string[] = [];
    await seenOf(
      [
        (network) => {
          before = work;
          return make(network);
        },
      ],
      { wrap: bracketed, options: { crypto: noted('crypto', real) } },
    );
    expect(before).toEqual([]);
    return work;
  };
  const isWriting = (call: string): boolean => call.startsWith('store.addToPool');
  const fresh = Object.entries(kinds).filter(([, [, counted]]) =>
    ['in', 'mailbox', 'cover', 'packet/unknown-loop'].includes(counted),
  );
  let usual: readonly string[];
  beforeAll(async () => {
    usual = await workOf(onward);
  });

  it('is an opening, a count of the pool, and a tag and an entry that are written', () => {
    expect(usual.filter((call) => call.startsWith('store.')).map((call) => call.replace(/ .*/, ''))).toEqual([
      'store.poolCensus',
      'store.poolSize',
      'store.atomically',
      'store.addReplayTag',
      'store.addToPool',
    ]);
    expect(usual.filter((call) => call.startsWith('crypto.')).length).toBeGreaterThan(5);
  });

  it.each(fresh)('is the same but for the entry if it %s', async (what, [make]) => {
    const work = await workOf(make);
    // That it is a loop is asked by its id.
    const asked = what === 'says it is a loop' ? work.filter((call) => call.startsWith('store.takeLoop')) : [];
    expect(asked.length).toBeLessThan(2);
    const compared = (calls: readonly string[]): readonly string[] =>
      calls.filter((call) => !isWriting(call) && !asked.includes(call));
    expect(compared(work)).toEqual(compared(usual));
  });
});

describe('packets in one mail', () => {
  it('are dealt with in the same way whether all are taken, some or none', async () => {
    const good = await seenOf([onward, onward, onward, onward]);
    expect(good.counted['in']).toBe(4);
    const bad = (
      await seenOf(
        Object.values(kinds)
          .slice(-4)
          .map(([made]) => made),
      )
    ).calls;
    const mixed = (
      await seenOf([
        onward,
        ...Object.values(kinds)
          .slice(6, 9)
          .map(([made]) => made),
      ])
    ).calls;
    expect(bad).toEqual(good.calls);
    expect(mixed).toEqual(good.calls);
  });
});

describe('the MAC', () => {
  const rng = seededRng(new Uint8Array(32).fill(8));

  it('is compared to its end, wherever the first difference is', () => {
    const readsOf = (place: number): number => {
      const bytes = rng(32);
      let reads = 0;
      const counting = new Proxy(place < 0 ? bytes : flipped(bytes, place), {
        get: (target, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
          return Reflect.get(target, key, target) as unknown;
        },
      });
      expect(equalBytes(bytes, counting)).toBe(place < 0);
      return reads;
    };
    expect([-1, 0, 1, 15, 31].map(readsOf)).toEqual([32, 32, 32, 32, 32]);
  });

  it('is the same work whatever is wrong with the header', () => {
    const real = chooseCrypto();
    let work: string[] = [];
    const hmac: SphinxCrypto['hmac'] = (key, ...parts) => {
      work.push(`hmac ${parts.map(({ length }) => length).join()}`);
      return real.hmac(key, ...parts);
    };
    const stream: SphinxCrypto['stream'] = (key, bytes) => {
      work.push(`stream ${bytes.length}`);
      return real.stream(key, bytes);
    };
    const crypto: SphinxCrypto = { ...real, hmac, stream };
    const key = expandKey(real, rng(32));
    const hop = { nodeId: nodeIdOf(new Uint8Array(32).fill(1)), publicKey: key.publicKey, delayMs: 0 };
    const packet = createPacket(real, { hops: [hop], last: { kind: 'drop' }, payload: rng(10), rng });
    const workFor = (place: number): readonly string[] => {
      work = [];
      expect(() => openHeader(crypto, key, flipped(packet, place))).toThrow(PacketError);
      return work;
    };
    const [first = [], ...others] = [at.ciphertext, at.mac, at.routing - 1, at.routing, at.payload - 1].map(workFor);
    expect(first.length).toBeGreaterThan(0);
    // Nothing is decrypted of a header that nobody has proved.
    expect(first.some((one) => one.startsWith('stream') && one.length > 'stream 999'.length)).toBe(false);
    for (const other of others) expect(other).toEqual(first);
  });
});
