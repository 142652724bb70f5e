import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { latin1, toHex } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { handOf } from '../client/hand.js';
import { fakeDirectory } from '../fakes/directory.js';
import { fakeNetwork, type FakeNetwork, type Wrap } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { carrierTo, letterOf, packetOver, quick } from '../node/packets.js';
import { answerWith, exitOf, mailWith, notification } from '../node/sender.js';

// Somebody reads the logs of all nodes, of a client, and of an authority: logs are kept for months, copied to other
// machines, and shown to others when something does not work. They are laid beside all mails, packets and databases.

type Job = Parameters<Ticker['every']>[1];

/** What was said in a log, and what could link it. */
interface Heap {
  readonly lines: readonly string[];
  /** Addresses, headers, ids, tags and tokens that mails, packets and databases hold, in any writing. */
  readonly corpus: string;
  /** Lengths in bytes. */
  readonly sizes: ReadonlySet<number>;
}

const writings = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) {
    const part = value.subarray(0, 64);
    return [toHex(part), Buffer.from(part).toString('base64'), Buffer.from(part).toString('base64url')];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(writings) : [];
};

/** Notes everything that is given to a store: tags, ids, recipients, aliases. */
const noting =
  (written: string[]): Wrap =>
  (name, port) =>
    name !== 'store'
      ? port
      : new Proxy(port, {
          get: (target, key) => {
            const method: unknown = Reflect.get(target, key);
            // What notes are called is no secret, and counts are kept in them.
            if (typeof method !== 'function' || key === 'atomically' || /note$/i.test(String(key))) return method;
            return (...args: readonly unknown[]): unknown => {
              written.push(...args.flatMap(writings));
              return Reflect.apply(method, target, args) as unknown;
            };
          },
        });

/** Of a mail: its header, and of each of its packets the beginnings of its parts. */
const tracesOf = (raw: Uint8Array): readonly string[] => {
  const { bodyAt } = readHead(raw);
  const packets = sliceCarrierMail(raw, nodeBase64) ?? [];
  return [latin1(raw.subarray(0, bodyAt)), ...packets.flatMap((packet) => writings(packet.subarray(1)))];
};

// Words of the program's own that stand in mails too: in subjects, in fields, in addresses of the story.
const ownWords = new Set(
  'mailbox packet reply receipt refused encrypted answer notice accepted home node bounce delivery post list directory from with test message'.split(
    ' ',
  ),
);

/** Words and numbers of a line that stand anywhere in the heap. */
const linksIn = (line: string, { corpus, sizes }: Heap): readonly string[] => {
  const words = line.split(/[^A-Za-z0-9+/=_.@-]+/).flatMap((word) => [word, ...word.split(/[^A-Za-z0-9]+/)]);
  const numbers = line.match(/\d+/g) ?? [];
  return [
    ...words.filter(
      (word) => word.length >= 4 && !ownWords.has(word.toLowerCase()) && corpus.includes(word.toLowerCase()),
    ),
    ...numbers.filter((number) => sizes.has(Number(number))),
  ];
};

const events = /^[a-z]+(?:\/[a-z]+(?:-[a-z]+)*)? /;
const names = /^[a-zA-Z]+(?:-[a-z]+)*(?:\/[a-zA-Z]+(?:-[a-z]+)*)*$/;

/** A line is a name of the program's own, and counts with such names. */
const expectCountsOnly = (lines: readonly string[]): void => {
  for (const line of lines) {
    expect(line).toMatch(events);
    const counts = JSON.parse(line.replace(/^\S+ /, '')) as Readonly<Record<string, unknown>>;
    for (const [name, count] of Object.entries(counts)) {
      expect(name).toMatch(names);
      // A list's number is everybody's; a message is the words of an error.
      if (name === 'message' || name === 'number') continue;
      expect([line, typeof count === 'number' ? count < 1000 : names.test(String(count))]).toEqual([line, true]);
    }
  }
};

/** Everything that happens to mails happens here: delivered, refused, bounced, answered, replayed, forged, lost. */
const mixStory = async (): Promise<{ readonly heap: Heap; readonly network: FakeNetwork }> => {
  const network = fakeNetwork({
    ...quick,
    seed: 4,
    nodes: 5,
    loopsPerInterval: 1,
    dropsPerInterval: 1,
    client: { replyBlocks: 3 },
  });
  const { client, nodes, world } = network;
  const exit = exitOf(network);
  const only = {
    ...network.network,
    nodes: network.network.nodes.map((node, i) => (i === 0 ? node : { ...node, roles: ['mix' as const] })),
  };
  const list = { ...only, byId: new Map(only.nodes.map((node) => [node.nodeId, node])) };
  for (const one of [client, ...nodes]) one.sees(list);
  const written: string[] = [];
  const wrap = noting(written);
  const [bob, moved] = ['bob@friend.test', 'moved@friend.test'].map((address) => world.account(address));
  if (bob === undefined || moved === undefined) return expect.fail('no account');
  world.handle = ({ to }) => (to === 'refused@friend.test' ? handlings.refused : undefined);
  const letter = await letterOf();
  const submitted = await client.submit(letter, [bob.address, moved.address, 'refused@friend.test'], wrap);
  const movedId = submitted.find(({ recipient }) => recipient === moved.address)?.id ?? expect.fail('not queued');
  const bobAnswers = async (): Promise<boolean> => {
    const [got] = bob.mailbox.raws();
    const to = got && valuesOf(readHead(got), 'reply-to')[0]?.replace(/^<(.*)>$/, '$1');
    if (to === undefined) return false;
    const clear = mailWith({ From: bob.address, To: to, 'Message-ID': '<clear@friend.test>' }, 'not encrypted\r\n');
    const away = mailWith({ From: bob.address, To: to, 'Auto-Submitted': 'auto-replied' }, 'away\r\n');
    for (const raw of [answerWith({ From: bob.address, To: to }, letter), clear, away])
      await bob.outbox.send({ from: bob.address, to, raw }, new AbortController().signal);
    return true;
  };
  const comesBack = (): Promise<boolean> => {
    const hasCome = moved.mailbox.raws().length > 0;
    if (hasCome) exit.account.mailbox.put(notification(movedId));
    return Promise.resolve(hasCome);
  };
  const events = [bobAnswers, comesBack];
  const forged = packetOver(network, [exit], new Uint8Array(100).fill(7));
  exit.account.mailbox.put(carrierTo(network, exit, [forged, forged, packetOver(network, nodes.slice(1, 3))]));
  for (let round = 0; round < 15; round++) {
    client.account.mailbox.fault = round === 4 ? 'mail/closed' : undefined;
    if (round === 7) world.handle = () => handlings.later;
    if (round === 8) world.handle = () => undefined;
    await client.turn(wrap);
    for (const node of nodes) await node.turn(wrap);
    for (const event of [...events]) if (await event()) events.splice(events.indexOf(event), 1);
    network.passMs(12 * minuteMs);
  }
  const mails = [...world.observed.map(({ raw }) => raw), ...bob.mailbox.raws(), ...client.account.mailbox.raws()];
  const heap: Heap = {
    lines: [client, ...nodes].flatMap(({ logged }) => logged),
    corpus: [
      ...world.observed.flatMap(({ from, to, envelopeId = '' }) => [from, to, envelopeId]),
      ...mails.flatMap(tracesOf),
      ...written,
      ...nodes.flatMap(({ nodeId, key }) => [nodeId, key.keyId]),
    ]
      .join('\n')
      .toLowerCase(),
    sizes: new Set(mails.map(({ length }) => length)),
  };
  return { heap, network };
};

describe('the logs of a client and of all nodes', () => {
  let heap: Heap;
  let network: FakeNetwork;
  beforeAll(async () => {
    ({ heap, network } = await mixStory());
  }, 60_000);

  it('tell of all that can happen', () => {
    const counted = exitOf(network).counted();
    expect(counted).toMatchObject({ delivery: 3, bounce: 1, reply: 1, notice: 1, automatic: 1, 'packet/replayed': 1 });
    expect(counted['packet/bad-mac']).toBe(1);
    expect(
      new Map(network.client.statuses.map(({ recipient, state }) => [recipient, state])).get('bob@friend.test'),
    ).toBe('delivered');
    expect(network.client.warnings).toContain('mail/closed');
    expect(network.client.logged.some((line) => line.startsWith('collect '))).toBe(true);
    expect(heap.lines.length).toBeGreaterThan(100);
    for (const secret of ['bob@friend.test', 'refused@friend.test', 'mixmailer.invalid', exitOf(network).nodeId])
      expect(heap.corpus).toContain(secret);
  });

  it('hold nothing that stands in a mail, a packet or a database', () => {
    const linked = heap.lines.flatMap((line) => linksIn(line, heap).map((what) => `${what}: ${line}`));
    expect(linked).toEqual([]);
  });

  it('are counts under names of the program’s own', () => {
    expectCountsOnly(heap.lines);
  });

  it('would be found out by any of it', () => {
    const { nodeId, store, key } = exitOf(network);
    expect(store).toBeDefined();
    const size = [...heap.sizes][0] ?? 0;
    for (const said of [
      'bob@friend.test',
      'friend.test',
      nodeId,
      nodeId.slice(0, 8),
      key.keyId.slice(0, 12),
      `${size}`,
    ])
      expect(linksIn(`mix {"out":1,"a":"${said}"}`, heap)).not.toEqual([]);
    expect(() => expectCountsOnly(['mix {"bob@friend.test":1}'])).toThrow();
    expect(() => expectCountsOnly(['mix {"out":32768}'])).toThrow();
  });
});

describe('the log of an authority', () => {
  it('names no node, no address and nothing of what it mails', async () => {
    const directory = fakeDirectory({ authorities: 1, nodes: 3, probesPerPeriod: 2 });
    const traces: string[] = [];
    directory.delay = ({ from, to, raw }) => {
      traces.push(from, to, ...tracesOf(raw));
      return 0;
    };
    for (const node of directory.nodes) await node.announce();
    await directory.periods(2);
    const [authority = expect.fail('no authority')] = directory.authorities;
    expect(authority.list()?.nodes).toHaveLength(3);
    const nodes = authority.list()?.nodes ?? [];
    const corpus = [...traces, ...nodes.flatMap(({ nodeId, name, address }) => [nodeId, name, address])]
      .join('\n')
      .toLowerCase();
    const heap: Heap = { lines: authority.logged, corpus, sizes: new Set() };
    expect(heap.lines.length).toBeGreaterThan(3);
    expect(heap.lines.flatMap((line) => linksIn(line, heap).map((what) => `${what}: ${line}`))).toEqual([]);
    expectCountsOnly(heap.lines);
  });
});

describe('the log of a running client', () => {
  it('tells once an hour what came and went, and a receipt is in it what an answer about nothing is', async () => {
    const hand = handOf();
    const { client, now, rng } = hand.network;
    const [hourly, others]: [Job[], Job[]] = [[], []];
    const ticker: Ticker = {
      every: (schedule, job) => {
        (schedule === '0 * * * *' ? hourly : others).push(job);
        return { stop: () => Promise.resolve() };
      },
    };
    const counts = (): readonly string[] => client.logged.filter((line) => /^(?:post|collect|directory) /.test(line));
    const id = await hand.submit(await letterOf());
    const stop = new AbortController();
    const ended = client.run(ticker, stop.signal, hand.watching);
    for (const job of others) await job();
    const [receipt = expect.fail('no block')] = hand.unused('receipt');
    const about = { ...receipt, id: rng(16) };
    client.store.addLoop(about.id, now());
    for (const block of [receipt, about]) {
      hand.bring([hand.packet(block, encodeReceipt({ kind: 'handed-over', code: 250 }))]);
      while (client.account.mailbox.raws().length > 0) await turnOfEvents();
    }
    expect(hand.status(id).state).toBe('delivered');
    expect(counts()).toEqual([]);
    for (const job of hourly) await job();
    expect(counts().map((line) => line.replace(/\d+/g, 'n'))).toEqual(['post {"accepted":n}', 'collect {"answer":n}']);
    expect(counts()[1]).toBe('collect {"answer":2}');
    for (const job of hourly) await job();
    expect(counts()).toHaveLength(2);
    stop.abort();
    await ended;
    expect(client.logged.join()).not.toMatch(/receipt|cover/);
  });
});
