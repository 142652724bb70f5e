import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { letterOf } from '../node/packets.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import { handOf, nextSendingMs } from './hand.js';

/** A schedule whose ticks are given by hand. */
const handTicker = () => {
  const jobs: (() => Promise<void>)[] = [];
  const ticker: Ticker = {
    every: (_schedule, job) => {
      jobs.push(job);
      return { stop: () => Promise.resolve() };
    },
  };
  return { ticker, tick: () => Promise.all(jobs.map((job) => job())) };
};

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
