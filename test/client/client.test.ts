import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import { MailError } from '../../src/base/errors.js';
import { messageIdOf } from '../../src/base/ids.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import type { Inbox } from '../../src/ports/mail.js';
import type { Ticker } from '../../src/ports/ticker.js';
import type { Wrap } from '../fakes/network.js';
import { letterOf } from '../node/packets.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import { cutReply } from '../../src/message/reply.js';
import { handOf, nextSendingMs } from './hand.js';

/** A schedule whose ticks are given by hand. */
const handTicker = () => {
  const jobs: { readonly schedule: string; readonly job: () => Promise<void>; readonly phase: number }[] = [];
  const ticker: Ticker = {
    every: (schedule, job, options) => {
      jobs.push({ schedule, job, phase: options?.phase?.() ?? 0 });
      return { stop: () => Promise.resolve() };
    },
  };
  return { ticker, jobs, tick: () => Promise.all(jobs.map(({ job }) => job())) };
};

it('a running client mails nothing at the moment of a slot: what it took to make the mail would show', async () => {
  const hand = handOf();
  const { client, world } = hand.network;
  client.joins({ mailbox: undefined, tick: () => Promise.resolve() });
  await hand.submit(await letterOf());
  // What has been read is a reason to hand over, too.
  client.account.mailbox.fault = 'mail/connect';
  const stop = new AbortController();
  const { ticker, jobs } = handTicker();
  const ended = client.run(ticker, stop.signal, hand.watching);
  const onSeconds = jobs.filter(({ phase }) => phase === 0);
  expect(onSeconds.map(({ schedule }) => schedule)).toContain('* * * * * *');
  while (client.store.dueOutgoingCount(hand.network.now()) + world.observed.length === 0) {
    hand.network.passMs(hourMs);
    await Promise.all(onSeconds.map(({ job }) => job()));
  }
  for (let i = 0; i < 20; i++) await turnOfEvents();
  expect(world.observed).toEqual([]);
  const [handingOver = expect.fail('nothing is handed over')] = jobs.filter(({ phase }) => phase > 0);
  await handingOver.job();
  while (world.observed.length === 0) await turnOfEvents();
  // Half of five seconds later than whole seconds are.
  expect([handingOver.schedule, handingOver.phase]).toEqual(['*/5 * * * * *', 0.5]);
  stop.abort();
  await ended;
});

it('a running client sends at its ticks, reads what comes when it comes, tells its user, and ends when told to', async () => {
  const hand = handOf();
  const { client } = hand.network;
  const id = await hand.submit(await letterOf());
  const stop = new AbortController();
  const { ticker, tick } = handTicker();
  const ended = client.run(ticker, stop.signal, hand.watching);
  await tick();
  expect(hand.status(id).state).toBe('in-network');
  const [block = expect.fail('no block')] = hand.unused('receipt');
  hand.bring([hand.packet(block, encodeReceipt({ kind: 'refused', code: 550 }))]);
  while (hand.inbox().length === 0 || client.store.inboundIds().length > 0) await turnOfEvents();
  expect(hand.status(id).state).toBe('failed');
  expect(hand.inbox()[0]).toContain('Action: failed');
  stop.abort();
  await ended;
});

it('a running client sends again only after its mailbox has been read since that was due', async () => {
  const hand = handOf();
  const { client } = hand.network;
  const id = await hand.submit(await letterOf());
  const stop = new AbortController();
  const { ticker, tick } = handTicker();
  const ended = client.run(ticker, stop.signal, hand.watching);
  await tick();
  hand.network.passMs(nextSendingMs);
  await tick();
  expect(hand.status(id).sendings).toBe(1);
  // Anything that stirs the mailbox has it read.
  client.account.mailbox.put(ascii('Subject: hello\r\n\r\n'));
  while (hand.status(id).sendings === 1) {
    await turnOfEvents();
    await tick();
  }
  stop.abort();
  await ended;
});

it('a running client goes on reading while a reply is being taken, for as long as that takes', async () => {
  const hand = handOf({ client: { replyBlocks: 1 } });
  const { client } = hand.network;
  const id = await hand.submit(await letterOf());
  await hand.turn();
  const taking: true[] = [];
  hand.wrap = (name, port) => {
    if (name !== 'inbox') return port;
    const append: Inbox['append'] = async (...args) => {
      taking.push(true);
      // Such as a program that answers, and waits until the answer is there.
      while (hand.status(id).state === 'in-network') await turnOfEvents();
      return client.account.inbox.append(...args);
    };
    return { ...port, append };
  };
  const stop = new AbortController();
  const ended = client.run(handTicker().ticker, stop.signal, hand.watching);
  const [piece = expect.fail()] = cutReply(ascii('From: bob@friend.test\r\n\r\nhello\r\n'), new Uint8Array(16));
  hand.bring([hand.packet(hand.unused('reply')[0] ?? expect.fail(), piece)]);
  while (taking.length === 0) await turnOfEvents();
  const [block = expect.fail('no block')] = hand.unused('receipt');
  hand.bring([hand.packet(block, encodeReceipt({ kind: 'handed-over', code: 250 }))]);
  while (hand.inbox().length === 0) await turnOfEvents();
  expect(hand.status(id).state).toBe('delivered');
  stop.abort();
  await ended;
});

it.each(['has joined', 'has a list in a file'])(
  'a running client that %s gives a message up in time, and says so, also when its list has ended',
  async (how) => {
    const following = how === 'has joined' ? { mailbox: undefined, tick: () => Promise.resolve() } : undefined;
    const hand = handOf();
    const { client } = hand.network;
    if (following !== undefined) client.joins(following);
    const id = await hand.submit(await letterOf());
    const stop = new AbortController();
    const { ticker, tick } = handTicker();
    const ended = client.run(ticker, stop.signal, hand.watching);
    await tick();
    expect(hand.status(id).state).toBe('in-network');
    client.sees(undefined);
    const pass = async (ms: number): Promise<void> => {
      hand.network.passMs(ms);
      client.account.mailbox.put(ascii('Subject: hello\r\n\r\n'));
      for (let turn = 0; turn < 20; turn++) await turnOfEvents();
      await tick();
    };
    await pass(119 * hourMs);
    expect(hand.status(id).state).toBe('in-network');
    await pass(2 * hourMs);
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'no-answer', sendings: 1 } });
    await pass(hourMs);
    expect(hand.inbox().filter((mail) => mail.includes('Action: failed'))).toHaveLength(1);
    await pass(8 * dayMs);
    expect(client.store.messageStatuses()).toEqual([]);
    stop.abort();
    await ended;
  },
);

/** Ports of a client whose junk folder the server refuses to open. */
const withoutJunk: Wrap = (name, port) => {
  if (name !== 'inbox') return port;
  const { fetch } = port as unknown as Inbox;
  const refusing: Inbox['fetch'] = (folder, ...more) =>
    folder === 'Junk' ? Promise.reject(new MailError('mail/protocol', 'NO')) : fetch(folder, ...more);
  return { ...port, fetch: refusing };
};

describe('while a folder can’t be read', () => {
  it('a running client reads the other one all the same, and tells its user', async () => {
    const hand = handOf();
    const { client } = hand.network;
    // Junk first.
    hand.wrap = (name, port) => {
      const refusing = withoutJunk(name, port);
      return name === 'inbox' ? { ...refusing, folders: () => Promise.resolve(['Junk', 'INBOX']) } : refusing;
    };
    const id = await hand.submit(await letterOf());
    const stop = new AbortController();
    const { ticker, tick } = handTicker();
    await hand.turn();
    const [block = expect.fail('no block')] = hand.unused('receipt');
    hand.bring([hand.packet(block, encodeReceipt({ kind: 'refused', code: 550 }))]);
    const ended = client.run(ticker, stop.signal, hand.watching);
    while (hand.inbox().length === 0 || client.store.inboundIds().length > 0) await turnOfEvents();
    expect(hand.inbox()[0]).toContain('Action: failed');
    // Whether there was an answer in the other folder, nobody knows.
    hand.network.passMs(nextSendingMs);
    await tick();
    expect(hand.status(id).sendings).toBe(1);
    expect(client.warnings).toContain('mail/protocol');
    stop.abort();
    await ended;
  });

  it('a running client reads receipts although the directory’s mails can’t be read', async () => {
    const reads: true[] = [];
    const read = (): Promise<boolean> => {
      reads.push(true);
      return Promise.reject(new MailError('mail/protocol', 'NO'));
    };
    const hand = handOf();
    const { client } = hand.network;
    const mailbox = { inbox: client.account.inbox, pollMs: hourMs, read };
    client.joins({ mailbox, tick: () => Promise.resolve() });
    const id = await hand.submit(await letterOf());
    await hand.turn();
    const [block = expect.fail('no block')] = hand.unused('receipt');
    hand.bring([hand.packet(block, encodeReceipt({ kind: 'handed-over', code: 250 }))]);
    const stop = new AbortController();
    const ended = client.run(handTicker().ticker, stop.signal, hand.watching);
    while (hand.status(id).state === 'in-network') await turnOfEvents();
    expect([reads.length, hand.status(id).state]).toEqual([1, 'delivered']);
    stop.abort();
    await ended;
  });

  it('a running client brings at its start what waited, and logs in no more than once for what it reads', async () => {
    const hand = handOf();
    const { client } = hand.network;
    client.store.addInbound({
      kind: 'report',
      about: messageIdOf(new Uint8Array(16)),
      mailId: '<r@x>',
      raw: ascii('x'),
    });
    const calls: string[] = [];
    hand.wrap = (name, port) => {
      if (name !== 'inbox') return port;
      const folders: Inbox['folders'] = () => {
        calls.push('folders');
        return Promise.reject(new MailError('mail/login', 'NO'));
      };
      return { ...port, folders };
    };
    const read = (inbox: Inbox, signal: AbortSignal): Promise<boolean> => inbox.folders(signal).then(() => false);
    client.joins({ mailbox: { inbox: client.account.inbox, pollMs: hourMs, read }, tick: () => Promise.resolve() });
    const stop = new AbortController();
    const ended = client.run(handTicker().ticker, stop.signal, hand.watching);
    while (hand.inbox().length === 0) await turnOfEvents();
    while (calls.length === 0) await turnOfEvents();
    for (let turn = 0; turn < 20; turn++) await turnOfEvents();
    expect(calls).toEqual(['folders']);
    stop.abort();
    await ended;
  });
});

it('a running client that reads no mailbox brings notices all the same', async () => {
  const hand = handOf({ client: { receipts: false, notices: 'hide-recipient', floorBits: 64 } });
  const id = await hand.submit(await letterOf());
  const stop = new AbortController();
  const { ticker, tick } = handTicker();
  const ended = hand.network.client.run(ticker, stop.signal, hand.watching);
  hand.network.passMs(121 * hourMs);
  await tick();
  expect(hand.status(id).state).toBe('failed');
  await tick();
  while (hand.inbox().length === 0) await turnOfEvents();
  expect(hand.inbox()[0]).toContain('Your mail was not sent');
  stop.abort();
  await ended;
});
