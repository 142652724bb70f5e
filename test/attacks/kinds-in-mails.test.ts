import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import type { OutgoingMail } from '../../src/ports/mail.js';
import type { MixStore } from '../../src/ports/mix-store.js';
import { inOrder, overlaid } from '../fakes/in-order.js';
import { fakeNetwork, type FakeNetwork, type Wrap } from '../fakes/network.js';
import { letterOf } from '../node/packets.js';
import { answerWith } from '../node/sender.js';
import { follow, type Follower, type Leaving, type Passage } from './follow.js';
import { sameInDraws, sameShares, type Stratum } from './statistics.js';

// An observer of all mails, who is told which packets are of which kind, tries to find anything in which the mails and
// times of one kind differ from those of another.

/** How often all comparisons of one network together may see a difference where there is none: for one seed of 1000. */
const falseAlarms = 0.001;

interface SeenMail {
  readonly mail: OutgoingMail;
  readonly round: number;
  /** Packets in it. */
  readonly bundle: number;
}

interface Observed {
  readonly network: FakeNetwork;
  /** All with packets. */
  readonly mails: readonly SeenMail[];
  readonly passages: readonly Passage[];
  /** Of each node. */
  readonly turns: number;
}

const never = new AbortController().signal;
const letter = letterOf();

/**
 * Eight nodes with their usual pools and loops; messages to ever new recipients, who all answer at once; receipts and
 * replies for the client.
 *
 * @param bias what is wrong with the nodes
 */
const observe = async (
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
  bias: (network: FakeNetwork, watch: Follower) => Wrap = () => (_, port) => port,
): Promise<Observed> => {
  const network = fakeNetwork({ seed, nodes: 8, loopsPerInterval: 1, client: { replyBlocks: 1 } });
  const { client, nodes, world } = network;
  const watch = follow(network, (end) => {
    switch (end.kind) {
      case 'exit':
        return 'message';
      case 'to-mailbox':
        return client.store.surb(end.surbId)?.purpose ?? expect.fail('an answer to nobody');
      case 'loop':
        return 'loop';
      default:
        return undefined;
    }
  });
  const biased = bias(network, watch);
  const orders = [client, ...nodes].map(inOrder);
  const wrapOf =
    (i: number): Wrap =>
    (name, port) =>
      biased(name, orders[i]?.(name, port) ?? port);
  const raw = await letter;
  const mails: SeenMail[] = [];
  let looked = 0;
  const silent = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    // The last ones are still heard of.
    for (let n = 0; n < 4 && round < rounds - 10; n++) {
      const address = `bob${round}-${n}@friend.test`;
      world.account(address);
      silent.add(address);
      await client.submit(raw, [address], wrapOf(0));
    }
    await client.turn(wrapOf(0));
    watch.look();
    for (const node of nodes.keys()) await watch.turn(node, wrapOf(node + 1));
    for (const address of silent) {
      const { mailbox, outbox } = world.account(address);
      const [got] = mailbox.raws();
      if (got === undefined) continue;
      const to = valuesOf(readHead(got), 'reply-to')[0]?.replace(/^<(.*)>$/, '$1') ?? expect.fail('no Reply-To');
      await outbox.send({ from: address, to, raw: answerWith({ From: address, To: to }, raw) }, never);
      silent.delete(address);
    }
    for (const mail of world.observed.slice(looked)) {
      const bundle = sliceCarrierMail(mail.raw, nodeBase64)?.length;
      if (bundle !== undefined) mails.push({ mail, round, bundle });
    }
    looked = world.observed.length;
    network.passMs(12 * minuteMs);
  }
  return { network, mails, passages: watch.passages, turns: rounds };
};

/** Values of both kinds, by what they have in common. */
const drawsOf = (
  [a, b]: readonly [readonly Passage[], readonly Passage[]],
  valuesOf: (passage: Passage) => readonly (readonly [draw: string, value: number])[],
): Iterable<Stratum> => {
  const draws = new Map<string, { readonly a: number[]; readonly b: number[] }>();
  const put = (kind: 'a' | 'b', passages: readonly Passage[]): void => {
    for (const [draw, value] of passages.flatMap(valuesOf)) {
      const known = draws.get(draw) ?? { a: [], b: [] };
      draws.set(draw, known);
      known[kind].push(value);
    }
  };
  put('a', a);
  put('b', b);
  return draws.values();
};

const countsOf = (values: readonly (number | string)[], all: readonly (number | string)[]): number[] =>
  all.map((one) => values.filter((value) => value === one).length);

const shares = (
  kinds: readonly [readonly Passage[], readonly Passage[]],
  valueOf: (left: Leaving, passage: Passage) => number | string | undefined,
): number => {
  const [a, b] = kinds.map((passages) =>
    passages.flatMap((passage) => (passage.left && valueOf(passage.left, passage)) ?? []),
  ) as [(number | string)[], (number | string)[]];
  const all = [...new Set([...a, ...b])];
  return sameShares(countsOf(a, all), countsOf(b, all));
};

/** Of those that leave in one mail one: they have its place in common. */
const onePerMail = (passages: readonly Passage[]): readonly Passage[] => [
  ...new Map(passages.map((one) => [`${one.node} ${one.left?.turn ?? ''} ${one.left?.order ?? ''}`, one])).values(),
];

const longestWait = 4;

/** Chances that two kinds are alike, by what is compared. */
const tests: Readonly<
  Record<string, (kinds: readonly [readonly Passage[], readonly Passage[]], turns: number) => number>
> = {
  'intervals waited': (kinds) => shares(kinds, ({ turn }, { came }) => Math.min(longestWait, turn - came)),
  // Of all that wait at a node together, who leaves at this flush.
  'who leaves': (kinds, turns) =>
    sameInDraws(
      drawsOf(kinds, ({ node, came, left }) =>
        Array.from({ length: (left?.turn ?? turns - 1) - came + 1 }, (_, i) => [
          `${node} ${came + i}`,
          came + i === left?.turn ? 1 : 0,
        ]),
      ),
    ),
  'which mail of the flush': (kinds) =>
    sameInDraws(
      drawsOf([onePerMail(kinds[0]), onePerMail(kinds[1])], ({ node, left }) =>
        left ? [[`${node} ${left.turn}`, left.order]] : [],
      ),
    ),
  'size of the bundle': (kinds) =>
    sameInDraws(drawsOf(kinds, ({ node, left }) => (left ? [[`${node} ${left.turn}`, Math.log2(left.bundle)]] : []))),
  'place in the bundle': (kinds) =>
    shares(kinds, ({ place, bundle }) => (bundle > 1 ? Math.floor((4 * place) / bundle) : undefined)),
  'next hop': (kinds) => shares(kinds, ({ to }) => to),
};

const kinds = ['message', 'receipt', 'reply', 'loop', 'mailbox'] as const;
/** What goes to a mailbox has no next hop, and bundles as large as there are answers for it. */
const isComparable = (kind: string, test: string): boolean =>
  kind !== 'mailbox' || !['next hop', 'size of the bundle'].includes(test);

/** Each kind with all others. */
const compare = ({ passages, turns }: Observed) =>
  kinds.flatMap((kind) =>
    Object.entries(tests)
      .filter(([test]) => isComparable(kind, test))
      .map(([test, chanceOf]) => {
        const others = passages.filter((passage) => passage.kind !== kind && isComparable(passage.kind, test));
        const ofKind = passages.filter((passage) => passage.kind === kind);
        return { what: `${kind}: ${test}`, chance: chanceOf([ofKind, others], turns) };
      }),
  );

/** In what some kind is not like the others. */
const differences = (observed: Observed): readonly string[] => {
  const compared = compare(observed);
  return compared.filter(({ chance }) => chance < falseAlarms / compared.length).map(({ what }) => what);
};

/** A mail without what has to be other in each: addresses, ids, the minute, the bundle. */
const formOf = ({ from, to, raw, ...rest }: OutgoingMail): string => {
  const text = latin1(raw);
  const bundleAt = text.indexOf('\r\n\r\n', text.indexOf('base64'));
  const head = text
    .slice(0, bundleAt)
    .replaceAll(from, 'from')
    .replaceAll(to, 'to')
    .replace(`@${from.split('@')[1] ?? ''}>`, '@domain>')
    .replaceAll(/[0-9a-f]{32}/g, 'id')
    .replace(/^(Date: )\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:00 \+0000(?=\r)/m, '$1minute');
  const lineLengths = text
    .slice(bundleAt)
    .split('\r\n')
    .map((line) => line.length);
  return JSON.stringify({ head, lineLengths: [...new Set(lineLengths)], lines: lineLengths.length, rest });
};

let honest: Observed;
beforeAll(async () => {
  honest = await observe({ rounds: 28, seed: 1 });
}, 120_000);

describe('packets of different kinds between nodes', () => {
  it('are as many of each kind as the comparison needs, and answers arrive', () => {
    for (const kind of kinds)
      expect(honest.passages.filter((passage) => passage.kind === kind).length, kind).toBeGreaterThan(100);
    const { client } = honest.network;
    expect(client.statuses.filter(({ state }) => state === 'delivered').length).toBeGreaterThan(65);
    expect(client.account.mailbox.raws().length).toBeGreaterThan(65);
  });

  it('wait as long, leave in the same order, in the same bundles, for the same nodes', () => {
    expect(differences(honest)).toEqual([]);
  });

  it('travel in mails of one form for each size of bundle, at the minute of the flush, to a mailbox as to a node', () => {
    const { mails, network } = honest;
    const toMailbox = mails.filter(({ mail }) => mail.to === network.client.account.address);
    expect(toMailbox.map(({ bundle }) => bundle)).toEqual(expect.arrayContaining([1, 4]));
    for (const size of new Set(mails.map(({ bundle }) => bundle)))
      expect(new Set(mails.filter(({ bundle }) => bundle === size).map(({ mail }) => formOf(mail))).size).toBe(1);
    const dates = mails.map(({ mail, round }) => `${round} ${valuesOf(readHead(mail.raw), 'date')[0] ?? ''}`);
    expect(new Set(dates).size).toBe(new Set(mails.map(({ round }) => round)).size);
  });
});

const changed = (kind: string, change: (passage: Passage, left: Leaving, i: number) => Partial<Passage>): Observed => ({
  ...honest,
  passages: honest.passages.map((passage, i) =>
    passage.kind === kind && passage.left ? { ...passage, ...change(passage, passage.left, i) } : passage,
  ),
});

const fakes: readonly (readonly [fake: string, make: () => Observed, by: readonly string[]])[] = [
  [
    'receipts that don’t wait',
    () => changed('receipt', ({ came }, left) => ({ left: { ...left, turn: came } })),
    ['receipt: intervals waited', 'receipt: who leaves'],
  ],
  [
    'replies that wait an interval more',
    () => changed('reply', (_, left) => ({ left: { ...left, turn: left.turn + 1 } })),
    ['reply: intervals waited', 'reply: who leaves'],
  ],
  [
    'loops of which one in three stays',
    () => changed('loop', (_, left, i) => ({ left: i % 3 === 0 ? undefined : left })),
    ['loop: who leaves'],
  ],
  [
    'mails to mailboxes that are sent first',
    () => changed('mailbox', (_, left) => ({ left: { ...left, order: -1 } })),
    ['mailbox: which mail of the flush'],
  ],
  [
    'replies in larger bundles',
    () => changed('reply', (_, left) => ({ left: { ...left, bundle: 4 * left.bundle } })),
    ['reply: size of the bundle'],
  ],
  [
    'packets to mailboxes that are not shuffled among their filling',
    () => changed('mailbox', (_, left) => ({ left: { ...left, place: 0 } })),
    ['mailbox: place in the bundle'],
  ],
  [
    'loops of which half go over one node',
    () => changed('loop', (_, left, i) => ({ left: { ...left, to: i % 2 === 0 ? 'node@mix3.test' : left.to } })),
    ['loop: next hop'],
  ],
];

/** A node that sends receipts and replies on as soon as they come, each in a mail of its own. */
const hasty =
  ({ network: { byId }, now, rng }: FakeNetwork, { kindOf }: Follower): Wrap =>
  <T extends object>(name: string, port: T): T => {
    if (name !== 'store') return port;
    const { addToPool, addOutgoing } = port as T & MixStore;
    const impatient: Pick<MixStore, 'addToPool'> = {
      addToPool: (entry) => {
        const node = entry.kind === 'forward' ? byId.get(entry.nextHop) : undefined;
        const kind = node && kindOf(node.nodeId, entry.bytes);
        if (node === undefined || !['receipt', 'reply', 'mailbox'].includes(kind ?? '')) {
          addToPool(entry);
          return;
        }
        const mail = { from: 'node@mix1.test', to: node.address, bundle: entry.bytes, now: now(), rng };
        addOutgoing({ kind: 'packets', to: node.address, raw: composeCarrierMail(mail, nodeBase64) }, now());
      },
    };
    return overlaid(port, impatient);
  };

describe('the same comparison', () => {
  it.each(fakes)('finds %s', (_, make, by) => {
    expect(differences(make())).toEqual(expect.arrayContaining([...by]));
  });

  it('finds that nodes send answers on at once', async () => {
    const found = differences(await observe({ rounds: 18, seed: 2 }, hasty));
    expect(found).toEqual(
      expect.arrayContaining([
        'receipt: who leaves',
        'receipt: which mail of the flush',
        'reply: who leaves',
        'reply: which mail of the flush',
      ]),
    );
  });

  it.each([
    ['one header more', 'MIME-Version', 'X-Kind: reply\r\nMIME-Version'],
    ['another boundary', '=_', '=-'],
    ['a time to the second', ':00 +0000', ':01 +0000'],
    ['shorter lines', /^(.{70})(.{6})\r\n/m, '$1\r\n$2\r\n'],
  ] as const)('finds a mail with %s', (_, what, instead) => {
    const { mail } = honest.mails[0] ?? expect.fail('no mail');
    const raw = ascii(latin1(mail.raw).replace(what, instead));
    expect(formOf({ ...mail, raw })).not.toBe(formOf(mail));
    expect(formOf({ ...mail, envelopeId: 'a' })).not.toBe(formOf(mail));
  });
});
