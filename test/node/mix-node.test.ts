import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MailError } from '../../src/base/errors.js';
import { minuteMs } from '../../src/base/units.js';
import { fakeNetwork } from '../fakes/network.js';
import { addressOfBob, letterOf } from './packets.js';

it('a node of a network that it has joined reads its packets although the directory’s mails can’t be read', async () => {
  const { client, nodes } = fakeNetwork();
  await client.submit(await letterOf(), [addressOfBob]);
  await client.turn();
  const node = nodes.find(({ account }) => account.mailbox.raws().length > 0) ?? expect.fail('no mail');
  const read = (): Promise<boolean> => Promise.reject(new MailError('mail/protocol', 'NO'));
  const mailbox = { inbox: node.account.inbox, pollMs: minuteMs, read };
  const stop = new AbortController();
  const ticker = { every: () => ({ stop: () => Promise.resolve() }) };
  node.joins({ mailbox, tick: () => Promise.resolve() });
  const ended = node.run(ticker, stop.signal);
  while (node.store.poolSize() === 0 || node.account.mailbox.raws().length > 0) await turnOfEvents();
  while (node.counted()['mail/protocol'] === undefined) await turnOfEvents();
  stop.abort();
  await ended;
});
