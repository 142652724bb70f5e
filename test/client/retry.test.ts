import { beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.js';
import { RouteError } from '../../src/base/errors.js';
import type { MessageId } from '../../src/base/ids.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { transitMs } from '../../src/client/questions.js';
import type { Pace } from '../../src/cover/pace.js';
import { decodeMessage } from '../../src/message/envelope.js';
import { without } from '../fakes/network.js';
import type { FakeClientOptions } from '../fakes/network.js';
import { letterOf, quick } from '../node/packets.js';
import { handOf, nextSendingMs } from './hand.js';
import type { Hand } from './hand.js';

let letter: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  [letter, large] = await Promise.all([letterOf(), letterOf(100_000)]);
});

const sent = async (hand: Hand, raw = letter): Promise<MessageId> => {
  const id = await hand.submit(raw);
  await hand.turn();
  return id;
};

/** Lets time pass until the message is sent once more. @returns how many packets that made */
const untilSent = async (hand: Hand, id: MessageId): Promise<number> => {
  const { sendings } = hand.status(id);
  for (let minutes = 0; hand.status(id).sendings === sendings; minutes += 10) {
    if (minutes > 10 * 60) expect.fail('waited in vain');
    await hand.pass(10 * minuteMs, 10 * minuteMs);
  }
  return hand.made();
};

const sendingsOf = ({ network }: Hand, id: MessageId) => network.client.store.sendings(id);
const exitOf = (hand: Hand, id: MessageId) => sendingsOf(hand, id)[0]?.exit ?? expect.fail('no exit');

describe('a message that nobody confirms', () => {
  it('is sent again at a random time from half to one and a half of the interval', async () => {
    const hand = handOf();
    for (let i = 0; i < 60; i++)
      await hand.submit(new TextEncoder().encode(`X: ${i}\r\n${new TextDecoder().decode(letter)}`));
    await hand.turn();
    const now = hand.network.now();
    const waits = hand.network.client.store.messageStatuses().map(({ nextAt = NaN }) => (nextAt - now) / hourMs);
    expect(waits).toHaveLength(60);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...waits)).toBeLessThanOrEqual(9);
    // Spread over all of the span.
    for (const from of [3, 5, 7]) expect(waits.some((wait) => wait >= from && wait < from + 2)).toBe(true);
  });

  it('is sent once at first, and in two copies later, each with reply blocks of its own', async () => {
    const hand = handOf();
    const id = await sent(hand);
    expect([hand.made(), hand.given.length]).toEqual([1, 2]);
    expect(await untilSent(hand, id)).toBe(2);
    expect(hand.given).toHaveLength(6);
    expect(new Set(hand.given.map((block) => toHex(block.id))).size).toBe(6);
    expect(await untilSent(hand, id)).toBe(2);
    expect(hand.given).toHaveLength(10);
  });

  it('is not sent again before its answer may have come, however long it waited here', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const pace: Pace = { meanMs: 8 * hourMs, packets: 1, cover: true, questions: 0 };
      const hand = handOf({ ...quick, seed, client: { pace } });
      const { client, network, now } = hand.network;
      const id = await sent(hand);
      const left = async (): Promise<number> => {
        while (client.store.waiting(now()).length > 0) await hand.pass(5 * minuteMs, 5 * minuteMs);
        return now();
      };
      const leftAt = await left();
      while (hand.status(id).sendings === 1) await hand.pass(5 * minuteMs, 5 * minuteMs);
      expect(now() - leftAt).toBeGreaterThanOrEqual(4 * transitMs(network));
      // It is when the exit says that it won't.
      await left();
      await hand.answer({ kind: 'gave-up' });
      await hand.pass(hourMs, 5 * minuteMs);
      expect(hand.status(id).sendings).toBe(3);
    }
  });

  it('is sent again only when the mailbox has been read since that was due', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const { mailbox } = hand.network.client.account;
    mailbox.fault = 'mail/connect';
    await hand.pass(2 * nextSendingMs);
    expect(hand.status(id).sendings).toBe(1);
    // What waited there comes first.
    mailbox.fault = undefined;
    await hand.answer({ kind: 'handed-over', code: 250 });
    expect(hand.status(id)).toMatchObject({ state: 'delivered', sendings: 1 });
  });

  it('is not given up either while the mailbox can’t be read', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const { mailbox } = hand.network.client.account;
    mailbox.fault = 'mail/login';
    await hand.pass(130 * hourMs, 5 * hourMs);
    expect(hand.status(id)).toMatchObject({ state: 'in-network', sendings: 1 });
    mailbox.fault = undefined;
    await hand.answer({ kind: 'handed-over', code: 250 });
    expect(hand.status(id).state).toBe('delivered');
    expect(hand.network.client.warnings).toContain('mail/login');
  });

  it('goes to one exit twice, then to others, and when all had it to the first again', async () => {
    const hand = handOf({ nodes: 5 });
    const id = await sent(hand);
    const exits = [exitOf(hand, id)];
    for (let i = 0; i < 13; i++) {
      await untilSent(hand, id);
      exits.push(exitOf(hand, id));
    }
    const pairs = exits.flatMap((exit, i) => (i % 2 === 0 ? [[exit, exits[i + 1]]] : []));
    expect(pairs.every(([first, second]) => first === second)).toBe(true);
    const inTurn = pairs.map(([exit]) => exit);
    expect(new Set(inTurn.slice(0, 5)).size).toBe(5);
    expect(inTurn.slice(5)).toEqual(inTurn.slice(0, 2));
  });

  it('goes to its exit again and again where there is no other one', async () => {
    const hand = handOf({ nodes: 5 });
    const id = await sent(hand);
    const only = exitOf(hand, id);
    const { network } = hand.network;
    const nodes = network.nodes.map((node) => ({
      ...node,
      roles: node.nodeId === only ? node.roles : (['mix'] as const),
    }));
    hand.network.client.sees({ ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) });
    for (let i = 0; i < 5; i++) {
      await untilSent(hand, id);
      expect(exitOf(hand, id)).toBe(only);
    }
  });

  it('goes to another exit at once when its own has left the list', async () => {
    const hand = handOf({ nodes: 6 });
    const id = await sent(hand);
    const first = exitOf(hand, id);
    hand.network.client.sees(without(hand.network.network, first));
    await untilSent(hand, id);
    expect(exitOf(hand, id)).not.toBe(first);
  });
});

describe('a message of a client without receipts that can’t be sent', () => {
  const cannot: Record<string, (hand: Hand) => void> = {
    'under the floor of anonymity': () => undefined,
    'without a list': ({ network }) => network.client.sees(undefined),
    'without a path': ({ network }) => {
      const none = network.nodes.slice(1).reduce((list, { nodeId }) => without(list, nodeId), network.network);
      network.client.sees(none);
    },
  };
  const waiting = async (why: string, options: FakeClientOptions = {}) => {
    const floorBits = why.includes('floor') ? 64 : 0;
    const hand = handOf({ client: { receipts: false, floorBits, ...options } });
    const id = await hand.submit(letter);
    cannot[why]?.(hand);
    const pass = async (ms: number): Promise<void> => {
      hand.network.passMs(ms);
      await hand.turn().catch((error: unknown) => {
        if (!(error instanceof RouteError)) throw error;
      });
    };
    await pass(119 * hourMs);
    expect(hand.status(id).state).toBe('waiting');
    await pass(2 * hourMs);
    return { hand, id };
  };

  it.each(Object.keys(cannot))('has failed after the time in which others are given up, %s', async (why) => {
    const { hand, id } = await waiting(why);
    const { client, network } = hand.network;
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'no-answer', sendings: 0 } });
    expect(client.statuses.map(({ state }) => state)).toEqual(['failed']);
    expect(client.logged).toContain('client/gave-up {"messages":1}');
    // Nobody brings notices here; and it does not go later.
    expect(client.store.inboundIds()).toEqual([]);
    client.sees(network);
    await hand.turn();
    expect([hand.made(), hand.status(id).state]).toEqual([0, 'failed']);
  });

  it('is told by a notice where one can be brought', async () => {
    const { hand } = await waiting('without a list', { notices: 'hide-recipient' });
    await hand.turn().catch(() => undefined);
    expect(hand.inbox()).toHaveLength(1);
    expect(hand.inbox()[0]).toContain('Subject: Your mail was not sent');
  });
});

describe('the bytes of a message', () => {
  it('are the same for one exit every time; each exit has return blocks of its own', async () => {
    const hand = handOf({ client: { replyBlocks: 4 } });
    const id = await sent(hand);
    const [first = expect.fail('none')] = sendingsOf(hand, id);
    expect(hand.unused('reply')).toHaveLength(4);
    await untilSent(hand, id);
    expect(sendingsOf(hand, id).map(({ bytes }) => toHex(bytes))).toEqual([toHex(first.bytes)]);
    expect(hand.unused('reply')).toHaveLength(4);
    await untilSent(hand, id);
    const [second = expect.fail('none'), ...others] = sendingsOf(hand, id);
    expect(others.map(({ bytes }) => toHex(bytes))).toEqual([toHex(first.bytes)]);
    expect(hand.unused('reply')).toHaveLength(8);
    const [one, two] = [decodeMessage(first.bytes), decodeMessage(second.bytes)];
    expect(toHex(one.openpgp)).toBe(toHex(two.openpgp));
    const blocks = [one, two].flatMap(({ returnAddress }) => returnAddress?.blocks ?? []).map(toHex);
    expect(new Set(blocks).size).toBe(8);
    // Whole hours, not after the first of the keys ends.
    const ends = hand.unused('reply').map(({ expiresAt }) => expiresAt);
    expect(one.returnAddress?.expiresAt).toBe(Math.floor(Math.min(...ends) / hourMs) * hourMs);
  });
});

describe('an exit that lacks fragments', () => {
  it('gets those alone, within half an hour', async () => {
    const hand = handOf();
    const id = await sent(hand, large);
    const all = hand.made();
    expect(all).toBeGreaterThan(5);
    hand.network.passMs(2 * hourMs);
    // The last one and two others are missing.
    const have = Array.from({ length: all - 4 }, (_, i) => i + 2);
    await hand.answer({ kind: 'incomplete', have });
    const { nextAt = NaN, state } = hand.status(id);
    expect(state).toBe('in-network');
    expect(nextAt - hand.network.now()).toBeGreaterThanOrEqual(0);
    expect(nextAt - hand.network.now()).toBeLessThanOrEqual(30 * minuteMs);
    const exit = exitOf(hand, id);
    const blocksBefore = hand.given.length;
    await hand.pass(30 * minuteMs);
    expect(hand.status(id).sendings).toBe(2);
    expect(exitOf(hand, id)).toBe(exit);
    const missing = all - 1 - have.length;
    // Two copies, each of them with a packet for its reply blocks.
    expect(hand.made()).toBe(2 * (missing + 1));
    expect(hand.given.length - blocksBefore).toBe(4);
  });

  it('gets reply blocks alone when it has said that it lacks nothing', async () => {
    const hand = handOf();
    const id = await sent(hand, large);
    const all = hand.made();
    await hand.answer({ kind: 'incomplete', have: Array.from({ length: all }, (_, i) => i) });
    await hand.pass(30 * minuteMs);
    expect(hand.status(id).sendings).toBe(2);
    expect(hand.made()).toBe(2);
  });

  it('and says so again and again without getting on makes nobody hurry, and loses the message to another exit', async () => {
    const hand = handOf();
    const id = await sent(hand, large);
    const exit = exitOf(hand, id);
    await hand.answer({ kind: 'incomplete', have: [0] });
    await hand.pass(30 * minuteMs);
    expect(hand.status(id).sendings).toBe(2);
    for (const sendings of [3, 4]) {
      const { nextAt = NaN } = hand.status(id);
      await hand.answer({ kind: 'incomplete', have: [0] });
      expect(hand.status(id).nextAt).toBe(nextAt);
      expect(nextAt - hand.network.now()).toBeGreaterThan(2 * hourMs);
      await untilSent(hand, id);
      expect(hand.status(id).sendings).toBe(sendings);
    }
    expect(exitOf(hand, id)).not.toBe(exit);
  });
});

describe('an exit that says it has fragments which there are none of', () => {
  it('makes nobody hurry: whoever watches the account would see when it is asked', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const { nextAt } = hand.status(id);
    const [receipt] = hand.unused('receipt');
    const [bounce] = hand.unused('bounce');
    await hand.answer({ kind: 'incomplete', have: [1] }, receipt);
    await hand.answer({ kind: 'incomplete', have: [1, 7, 254] }, bounce);
    expect(hand.status(id).nextAt).toBe(nextAt);
    expect(sendingsOf(hand, id)[0]).toMatchObject({ confirmed: [], unanswered: 1 });
  });
});

describe('an exit that will not hand the message over', () => {
  it.each(['gave-up', 'expired'] as const)(
    'any more (%s) loses it to another one within half an hour',
    async (kind) => {
      const hand = handOf();
      const id = await sent(hand);
      const exit = exitOf(hand, id);
      await hand.answer({ kind });
      expect(hand.status(id).state).toBe('in-network');
      await hand.pass(30 * minuteMs);
      expect(hand.status(id).sendings).toBe(2);
      expect(exitOf(hand, id)).not.toBe(exit);
      expect(hand.inbox()).toEqual([]);
    },
  );

  it('never gets it back, and when no exit is left the message has failed', async () => {
    const hand = handOf({ nodes: 4 });
    const id = await sent(hand);
    const tried = new Set<string>();
    while (hand.status(id).state === 'in-network') {
      expect(tried.has(exitOf(hand, id))).toBe(false);
      tried.add(exitOf(hand, id));
      await hand.answer({ kind: 'gave-up' });
      await hand.pass(30 * minuteMs);
    }
    expect(tried.size).toBe(4);
    await hand.pass(24 * hourMs, 2 * hourMs);
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'gave-up' }, sendings: 4 });
    expect(hand.inbox()).toHaveLength(1);
  });
});
