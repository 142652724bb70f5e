import { beforeAll, describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { concat, u32 } from '../../src/base/bytes.js';
import { messageIdOf, type NodeId } from '../../src/base/ids.js';
import { exponential, seededRng, uniformInt, type Rng } from '../../src/base/random.js';
import { chooseBlockPath } from '../../src/client/blocks.js';
import { createLoop } from '../../src/cover/loops.js';
import { cutFragments, encodeExitPayload, exitPayloads, fragmentDataBytes } from '../../src/message/fragment.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import { cutReply, pieceDataBytes } from '../../src/message/reply.js';
import type { Descriptor } from '../../src/route/descriptor.js';
import { hopOf } from '../../src/route/hop.js';
import { chooseExit, chooseLoopPath, choosePath } from '../../src/path/path.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { openHeader, type Hop } from '../../src/sphinx/header.js';
import { expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { createMailboxPacket } from '../../src/sphinx/mailbox.js';
import { createDrop, createPacket, padPayload, unwrapPacket } from '../../src/sphinx/packet.js';
import { createSurb, useSurb } from '../../src/sphinx/surb.js';
import { networkOf, nodeAt, now } from '../route/nodes.js';
import { chiSquareTail, normalTail, sameDistribution, sameShares } from './statistics.js';
import { hopSight, packetSight, repeats, restSight, study, tellApart, type Sight, type Studied } from './tell-apart.js';

// A hop, or who reads the mails, tries to tell packets of different kinds apart by every byte and fact they see.

/** How often all comparisons of this file together may see a difference where there is none: for one seed of 1000. */
const falseAlarms = 0.001;
const packetsPerKind = 120;

const crypto = chooseCrypto();
const rng = seededRng(new Uint8Array(32).fill(29));
const { at, blockBytes, ciphertextBytes, headerBytes, surbIdBytes } = geometry;

const keys = new Map<NodeId, ExpandedKey>();
const nodes = Array.from({ length: 6 }, (_, i): Descriptor => {
  const node = nodeAt(`mix${i}.test`, `mix${i}`);
  const key = expandKey(crypto, rng(32));
  keys.set(node.nodeId, key);
  return { ...node, mixKeys: node.mixKeys.map((offer) => ({ ...offer, publicKey: key.publicKey })) };
});
const network = networkOf(nodes);
const anyNode = (): Descriptor => nodes[uniformInt(rng, nodes.length)] as Descriptor;

interface Made {
  readonly firstHop: NodeId;
  readonly packet: Uint8Array;
}

const madeOver = (hops: readonly Hop[], packet: Uint8Array): Made => ({ firstHop: (hops[0] as Hop).nodeId, packet });

const forwardRules = { senderProvider: 'home.test', recipientDomains: ['friend.test'], allow: new Set<never>() };
const pathTo = (exit: Descriptor, length = 3): readonly Hop[] =>
  choosePath({ ...forwardRules, network, now, rng, length, exit: exit.nodeId }).map((node) => hopOf(node, now));

const replyRules = { rules: { senderProvider: 'home.test', allow: new Set<never>() }, rng };
const replyPath = (exit: Descriptor): readonly Hop[] =>
  chooseBlockPath(replyRules, exit, { network, now }).map((node) => hopOf(node, now));

const newSurb = (hops = replyPath(anyNode())) =>
  createSurb(crypto, { hops, surbId: rng(16), address: 'alice@home.test', rng });

/** A message of that many bytes, as alike as can be, with that many reply blocks. */
const message = (messageBytes: number, blocks: number, hops = pathTo(anyNode()), chance: Rng = rng): Made => {
  const fragments = cutFragments(new Uint8Array(messageBytes).fill(65), messageIdOf(rng(16)));
  const [content] = exitPayloads(
    fragments,
    Array.from({ length: blocks }, () => newSurb().surb),
  );
  if (content === undefined) throw new Error('a message has a payload');
  const payload = encodeExitPayload(content);
  return madeOver(hops, createPacket(crypto, { hops, last: { kind: 'exit' }, payload, rng: chance }));
};

const kinds: Readonly<Record<string, () => Made>> = {
  'a full fragment': () => message(fragmentDataBytes, 0),
  'a short message with reply blocks': () => message(1, 2),
  'a receipt': () => useSurb(crypto, newSurb().surb, encodeReceipt({ kind: 'handed-over', code: 250 })),
  'a piece of a reply': () => {
    const [piece = new Uint8Array()] = cutReply(new Uint8Array(pieceDataBytes).fill(66), rng(16));
    return useSurb(crypto, newSurb().surb, piece);
  },
  'a loop': () => createLoop(crypto, { network, self: anyNode().nodeId, now, rng, throughHold: false }),
};

/** A packet at each of its hops: the hop's key, the packet, what it finds. */
const travelled = ({ firstHop, packet }: Made) => {
  const steps = [];
  for (let hop: NodeId | undefined = firstHop, bytes = packet; hop !== undefined;) {
    const key = keys.get(hop) as ExpandedKey;
    const step = unwrapPacket(crypto, key, bytes);
    steps.push({ key, bytes, step });
    [hop, bytes] = step.kind === 'forward' ? [step.nextHop, step.packet] : [undefined, bytes];
  }
  return steps;
};
type Travelled = ReturnType<typeof travelled>;

const sightAt = (way: Travelled, hop: number): Sight => {
  const { bytes, step } = way[hop] ?? {};
  if (bytes === undefined || step === undefined) throw new Error('a packet without that hop');
  return hopSight(bytes, step);
};

/** What the last hop of a path finds behind its own block. */
const restAtEnd = (way: Travelled): Sight => {
  const { key, bytes } = way.at(-1) ?? {};
  if (key === undefined || bytes === undefined) throw new Error('a packet without a hop');
  return restSight(openHeader(crypto, key, bytes).nextRouting);
};

const many = <T>(make: () => T): T[] => Array.from({ length: packetsPerKind }, make);
const seenOf = (packets: readonly Uint8Array[]): Studied => study(packets.map((packet) => packetSight(packet)));

const ways = new Map<string, Travelled[]>();
const seen = new Map<string, Studied>();
const seenAs = (name: string): Studied => seen.get(name) as Studied;
let fillings: Uint8Array[];
let mailboxPackets: Uint8Array[];

/** What the last hop of a reply block sends to its maker. */
const mailboxPacketOf = (way: Travelled): Uint8Array => {
  const end = way.at(-1)?.step;
  if (end?.kind !== 'to-mailbox') throw new Error('no reply');
  const { surbId, payload } = end;
  return createMailboxPacket(crypto, { surbId, payload, decoy: hopOf(anyNode(), now), rng });
};

const usual = 'a full fragment';
const hops = ['first hop', 'middle hop'] as const;

beforeAll(() => {
  for (const [kind, make] of Object.entries(kinds)) {
    const made = many(() => travelled(make()));
    ways.set(kind, made);
    hops.forEach((hop, i) => seen.set(`${kind} at the ${hop}`, study(made.map((way) => sightAt(way, i)))));
    seen.set(`${kind} at the last hop`, study(made.map(restAtEnd)));
  }
  fillings = many(() => createDrop(crypto, hopOf(anyNode(), now), rng));
  const replies = [...(ways.get('a receipt') ?? []), ...(ways.get('a piece of a reply') ?? [])];
  mailboxPackets = replies.filter((_, i) => i % 2 === 0).map(mailboxPacketOf);
  seen.set('a packet in a mail', seenOf((ways.get(usual) ?? []).map((way) => way[0]?.bytes ?? new Uint8Array())));
  seen.set('a packet to a mailbox in a mail', seenOf(mailboxPackets));
  seen.set('a filling in a mail', seenOf(fillings));
  for (const length of [1, 5]) {
    const made = many(() => travelled(message(1, 0, pathTo(anyNode(), length))));
    seen.set(`the end of ${length} hops`, study(made.map(restAtEnd)));
  }
}, 120_000);

const others = Object.keys(kinds).filter((kind) => kind !== usual);
const comparisons: readonly (readonly [string, string])[] = [
  ...others.flatMap((kind) => hops.map((hop) => [`${kind} at the ${hop}`, `${usual} at the ${hop}`] as const)),
  [`${usual} at the middle hop`, `${usual} at the first hop`],
  ['a packet to a mailbox in a mail', 'a packet in a mail'],
  ['a filling in a mail', 'a packet in a mail'],
  ...others.map((kind) => [`${kind} at the last hop`, `${usual} at the last hop`] as const),
  ...[1, 5].map((length) => [`the end of ${length} hops`, `${usual} at the last hop`] as const),
];
const differences = (a: Studied, b: Studied) => tellApart(a, b, falseAlarms / comparisons.length);

describe('packets of different kinds', () => {
  it.each(comparisons)('%s is like %s', (one, other) => {
    expect(differences(seenAs(one), seenAs(other))).toEqual([]);
  });

  it('have no part in common with another one, of any kind, anywhere on their way', () => {
    const onTheWay = [...ways.values()].flat().flatMap((way) => way.map(({ bytes }) => bytes));
    expect(repeats([...onTheWay, ...fillings, ...mailboxPackets])).toBe(0);
  });
});

describe('where packets of different kinds go', () => {
  it('is known to lean: with 3 exits among 30 nodes, forward packets go to exits more often', () => {
    const some = networkOf(
      Array.from({ length: 30 }, (_, i) => nodeAt(`some${i}.test`, `some${i}`, i < 3 ? ['mix', 'exit'] : ['mix'])),
    );
    const wish = { ...forwardRules, network: some, now, rng, length: 3 };
    /** Of all steps between nodes, the share that leads to an exit. */
    const toExits = (pathOf: (self: Descriptor) => readonly Descriptor[]): number => {
      const steps = Array.from({ length: 40 }, () => some.nodes.flatMap((self) => pathOf(self).slice(1))).flat();
      return steps.filter(({ roles }) => roles.includes('exit')).length / steps.length;
    };
    expect(toExits(() => choosePath(wish))).toBeCloseTo(0.54, 1);
    expect(toExits(() => chooseBlockPath(replyRules, chooseExit(wish), wish))).toBeCloseTo(0.07, 1);
    expect(toExits((self) => chooseLoopPath({ ...wish, self: self.nodeId }))).toBeCloseTo(0.1, 1);
  });
});

/** A copy of the packet with other bytes in that place. */
const withBytes = (packet: Uint8Array, place: number, bytes: Uint8Array): Uint8Array => {
  const copy = packet.slice();
  copy.set(bytes, place);
  return copy;
};

const afterHop = (way: Travelled, change: (before: Uint8Array, after: Uint8Array) => Uint8Array): Sight => {
  const { bytes, step } = way[0] ?? {};
  if (bytes === undefined || step?.kind !== 'forward') throw new Error('a packet without a hop');
  return hopSight(bytes, { ...step, packet: change(bytes, step.packet) });
};
const receipts = (): Travelled[] => ways.get('a receipt') ?? [];
const masked = (bytes: Uint8Array): Uint8Array => {
  const mask = uniformInt(rng, 256);
  return bytes.map((byte) => byte ^ mask);
};

/** Each byte a little larger in some places and smaller in others, all values as frequent as before. */
const leaning = (bytes: Uint8Array): Uint8Array => {
  const again = rng(bytes.length);
  const tosses = rng(bytes.length);
  return bytes.map((byte, i) => {
    if ((tosses[i] ?? 0) >= 38) return byte;
    return (Math.imul(i, 40_503) & 32) === 0 ? Math.max(byte, again[i] ?? 0) : Math.min(byte, again[i] ?? 0);
  });
};

interface Fake {
  readonly fake: string;
  readonly like: string;
  readonly make: () => readonly Sight[];
  /** Some of what gives it away, as `test: where`. */
  readonly by: readonly string[];
}

const mailboxFake = (change: (packet: Uint8Array, i: number) => Uint8Array): readonly Sight[] =>
  mailboxPackets.map((packet, i) => packetSight(change(packet, i)));

const fakes: readonly Fake[] = [
  {
    fake: 'a packet to a mailbox with random bytes for a KEM ciphertext',
    like: 'a packet in a mail',
    make: () => mailboxFake((packet) => withBytes(packet, at.ciphertext, rng(ciphertextBytes))),
    by: ['symbols: in: ML-KEM u', 'bayes: in: ML-KEM u', 'mean at a place: in: X25519'],
  },
  {
    fake: 'a packet to a mailbox with random bytes for the X25519 share only, highest bit cleared',
    like: 'a packet in a mail',
    make: () =>
      mailboxFake((packet) => {
        const share = rng(32);
        share[31] = (share[31] ?? 0) & 127;
        return withBytes(packet, at.mac - share.length, share);
      }),
    by: ['fact: side of the X25519 share'],
  },
  {
    fake: 'a packet to a mailbox with zeros behind its id',
    like: 'a packet in a mail',
    make: () => mailboxFake((packet) => withBytes(packet, at.mac + surbIdBytes, new Uint8Array(16))),
    by: ['mean at a place: in: MAC', 'symbols: in: MAC'],
  },
  {
    fake: 'a packet to a mailbox with a constant behind its id, of the mean of all bytes',
    like: 'a packet in a mail',
    make: () => mailboxFake((packet) => withBytes(packet, at.mac + 31, Uint8Array.of(128))),
    by: ['spread at a place: in: MAC'],
  },
  {
    fake: 'reply blocks whose ids are counted',
    like: 'a packet in a mail',
    make: () => mailboxFake((packet, i) => withBytes(packet, at.mac, concat(u32(0), u32(0), u32(0), u32(i)))),
    by: ['spread at a place: in: MAC'],
  },
  {
    fake: 'one receipt among the many that is shorter',
    like: 'a packet in a mail',
    make: () => mailboxFake((packet, i) => (i === 70 ? packet.subarray(0, -1) : packet)),
    by: ['fact: length'],
  },
  {
    fake: 'one packet of a later version',
    like: 'a packet in a mail',
    make: () => mailboxFake((packet, i) => (i === 70 ? withBytes(packet, 0, Uint8Array.of(2)) : packet)),
    by: ['fact: version'],
  },
  {
    fake: 'a receipt that is not encrypted with the payload key of its reply block',
    like: `${usual} at the first hop`,
    make: () =>
      many(() => {
        const { surb } = newSurb();
        const { firstHop, packet } = useSurb(crypto, surb, new Uint8Array());
        const plain = padPayload(encodeReceipt({ kind: 'handed-over', code: 250 }));
        return sightAt(travelled({ firstHop, packet: concat(packet.subarray(0, headerBytes), ...plain) }), 0);
      }),
    by: [
      'symbols: in: payload',
      'runs: in: payload',
      'pairs: in: payload',
      'bits: in: payload',
      'fact: deflated length',
    ],
  },
  {
    fake: 'loops that wait',
    like: `${usual} at the middle hop`,
    make: () =>
      many(() => {
        const hops = pathTo(anyNode()).map((hop) => ({ ...hop, delayMs: Math.round(exponential(rng, 60_000)) }));
        const last = { kind: 'loop', loopId: rng(16) } as const;
        return sightAt(
          travelled(madeOver(hops, createPacket(crypto, { hops, last, payload: new Uint8Array(), rng }))),
          1,
        );
      }),
    by: ['fact: delayMs'],
  },
  {
    fake: 'replies that always go over one of the nodes',
    like: `${usual} at the first hop`,
    make: () => {
      const favorite = hopOf(nodes[0] as Descriptor, now);
      return many(() => {
        const drawn = replyPath(anyNode());
        const isThere = drawn.some(({ nodeId }) => nodeId === favorite.nodeId);
        const hops = isThere ? drawn : [drawn[0] as Hop, favorite, drawn[2] as Hop];
        return sightAt(travelled(useSurb(crypto, newSurb(hops).surb, new Uint8Array())), 0);
      });
    },
    by: ['fact: nextHop'],
  },
  {
    fake: 'a header with zeros behind its last block',
    like: `${usual} at the last hop`,
    make: () => {
      const zeros: Rng = (bytes) => (bytes === 2 * blockBytes ? new Uint8Array(bytes) : rng(bytes));
      return many(() => restAtEnd(travelled(message(1, 0, pathTo(anyNode()), zeros))));
    },
    by: ['pairs: rest', 'symbols: rest'],
  },
  {
    fake: 'a payload masked with one byte a hop',
    like: `${usual} at the first hop`,
    make: () =>
      receipts().map((way) =>
        afterHop(way, (before, after) => withBytes(after, at.payload, masked(before.subarray(at.payload)))),
      ),
    by: ['pairs: in ^ out: payload', 'runs: in ^ out: payload'],
  },
  {
    fake: 'routing blocks that move and stay as they are',
    like: `${usual} at the first hop`,
    make: () =>
      receipts().map((way) =>
        afterHop(way, (before, after) =>
          withBytes(after, at.routing, before.subarray(at.routing + blockBytes, at.payload)),
        ),
      ),
    by: ['symbols: in ^ out: routing, a block on'],
  },
  {
    fake: 'a routing part whose bytes lean, in each place a little to one side',
    like: 'a packet in a mail',
    make: () =>
      mailboxFake((packet) => withBytes(packet, at.routing, leaning(packet.subarray(at.routing, at.payload)))),
    by: ['centers: in: routing'],
  },
];

describe('the same tests', () => {
  it.each(fakes.map((fake) => [fake.fake, fake] as const))('catch %s', (_, { like, make, by }) => {
    const found = differences(study(make()), seenAs(like)).map(({ test, where }) => `${test}: ${where}`);
    expect(found).toEqual(expect.arrayContaining([...by]));
  });

  it('catch a KEM ciphertext used again', () => {
    const [one, other] = mailboxPackets as [Uint8Array, Uint8Array];
    const ciphertext = one.subarray(at.ciphertext, at.mac);
    expect(repeats([one, other])).toBe(0);
    expect(repeats([one, withBytes(other, at.ciphertext, ciphertext)])).toBeGreaterThan(0);
  });

  it('are all of use: each catches a fake', () => {
    const one = seenAs('a packet in a mail');
    const all = tellApart(one, one, Infinity).map(({ test }) => test);
    const useful = fakes.flatMap(({ by }) => by.map((what) => what.split(':')[0]));
    expect(new Set(useful)).toEqual(new Set(all));
  });

  it('reckon chances as the tables have them', () => {
    expect(chiSquareTail(3.841, 1)).toBeCloseTo(0.05, 4);
    expect(chiSquareTail(18.307, 10)).toBeCloseTo(0.05, 4);
    expect(chiSquareTail(1107, 1000) / 0.0099).toBeCloseTo(1, 1);
    expect(normalTail(4.891638) * 1e6).toBeCloseTo(1, 3);
    expect(sameShares([10, 20], [20, 10])).toBeCloseTo(0.009823, 5);
    // Kolmogorov's 1.36 for 5 %, at an infinite number.
    const ramp = Array.from({ length: 20_000 }, (_, i) => i);
    expect(
      sameDistribution(
        ramp,
        ramp.map((one) => one + 272),
      ),
    ).toBeCloseTo(0.049, 3);
  });
});
