import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { Bug } from '../../src/base/errors.js';
import { secondMs } from '../../src/base/units.js';
import type { Inbox, Outbox } from '../../src/ports/mail.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { cutMs, lastCallMs } from '../../src/post/jobs.js';
import { bulk, mailNamed } from '../../src/testing/inbox.js';
import { silentLog } from '../contracts/server-rigs.js';
import { fakeNetwork, type FakeNode, type Wrap } from '../fakes/network.js';
import { startScriptedSmtp, type ScriptedSmtp } from '../servers/scripted-smtp.js';

/** A schedule whose ticks never come, or by hand. */
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

/** Words that come when they are wanted. */
const held = (text: string): { readonly text: Promise<string>; readonly say: () => void } => {
  let say: () => void = () => undefined;
  const words = new Promise<string>((resolve) => (say = () => resolve(text)));
  return { text: words, say };
};

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await turnOfEvents();
};

const flushedAt = fakeNetwork().now();
/** Mails that a flush has made. */
const flushed = (node: FakeNode, ...names: readonly string[]): void => {
  for (const name of names)
    node.store.addOutgoing({ kind: 'packets', to: 'node@mix2.test', raw: mailNamed(name, bulk(100)) }, flushedAt);
};

/** A node that runs, with another way out or in. */
const running = (node: FakeNode, replaced: Readonly<Record<string, object>>) => {
  const stop = new AbortController();
  const { ticker, tick } = handTicker();
  // An adapter is of a class, a change to a fake is some of its methods.
  const wrap: Wrap = (name, port) =>
    name === 'inbox' ? { ...port, ...replaced[name] } : ((replaced[name] as typeof port | undefined) ?? port);
  let isOver = false;
  const ended = node.run(ticker, stop.signal, wrap).then(() => (isOver = true));
  return { stop: () => stop.abort(), tick, ended, isOver: () => isOver };
};

describe('a node that is told to stop while its mail server takes a mail', () => {
  let server: ScriptedSmtp;
  let outbox: Outbox;
  const open = (): void => {
    const credential = () => Promise.resolve({ password: 'secret' });
    const account = { host: '127.0.0.1', port: server.port, security: 'none', user: 'a@mix.test', credential } as const;
    outbox = smtpOutbox({ ...account, maxLinks: 1 }, silentLog);
  };
  beforeEach(async () => {
    server = await startScriptedSmtp();
    open();
  });
  afterEach(async () => {
    await outbox.close();
    await server.stop();
  });
  const named = (name: string): number => server.mails.filter((mail) => mail.includes(name)).length;

  it('waits for its answer, hands over what else is due, and sends nothing again at its next start', async () => {
    const [node = expect.fail()] = fakeNetwork().nodes;
    flushed(node, 'first', 'second', 'third');
    const answer = held('250 2.0.0 queued');
    server.at('end', { kind: 'slow-reply', text: answer.text });
    const { stop, ended, isOver } = running(node, { outbox });
    await until(() => server.mails.length === 1);
    stop();
    for (let i = 0; i < 100; i++) await turnOfEvents();
    expect([isOver(), node.store.outgoingCount()]).toEqual([false, 3]);
    answer.say();
    await ended;
    await outbox.close();
    expect([named('first'), named('second'), named('third'), node.store.outgoingCount()]).toEqual([1, 1, 1, 0]);

    open();
    const again = running(node, { outbox });
    await again.tick();
    again.stop();
    await again.ended;
    expect(server.mails).toHaveLength(3);
  });

  it('and is ended at once by a second signal keeps the mail, and sends it again: its receiver folds it', async () => {
    const [node = expect.fail()] = fakeNetwork().nodes;
    flushed(node, 'first');
    server.at('end', { kind: 'silence' });
    const { stop } = running(node, { outbox });
    await until(() => server.mails.length === 1);
    stop();
    // What a process leaves that is no more: the server hears nothing, the store keeps what it had.
    expect(node.store.outgoingCount()).toBe(1);
    const next = smtpOutbox(
      {
        host: '127.0.0.1',
        port: server.port,
        security: 'none',
        user: 'a',
        credential: () => Promise.resolve({ password: 'x' }),
      },
      silentLog,
    );
    server.at('end', '250 2.0.0 queued');
    const again = running(node, { outbox: next });
    await until(() => node.store.outgoingCount() === 0);
    again.stop();
    await again.ended;
    await next.close();
    expect(named('first')).toBe(2);
    await server.stop();
    server = await startScriptedSmtp();
  });
});

describe('a node that is told to stop', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  /** A server that never answers. @param when its silence begins: before anything was handed to it, or behind a mail */
  const mute = (when: 'connect' | 'data'): Outbox => ({
    send: (_mail, signal, cut = signal) =>
      new Promise((resolve) => {
        if (when === 'data') cut.addEventListener('abort', () => resolve({ kind: 'unknown' }));
        else if (signal.aborted) resolve({ kind: 'later', code: undefined, why: 'timeout' });
        else signal.addEventListener('abort', () => resolve({ kind: 'later', code: undefined, why: 'timeout' }));
      }),
    close: () => Promise.resolve(),
  });

  it('cuts off a server that never answers, and has the mail still', async () => {
    const [node = expect.fail()] = fakeNetwork().nodes;
    flushed(node, 'first', 'second');
    const { stop, ended, isOver } = running(node, { outbox: mute('data') });
    stop();
    await vi.advanceTimersByTimeAsync(cutMs - 1);
    expect(isOver()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await ended;
    expect(node.store.outgoingCount()).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait for a server that can’t be reached, nor try one mail after the other', async () => {
    const [node = expect.fail()] = fakeNetwork().nodes;
    flushed(node, 'first', 'second', 'third');
    const { stop, ended } = running(node, { outbox: mute('connect') });
    stop();
    await vi.advanceTimersByTimeAsync(4 * secondMs);
    await ended;
    const attempts = [1, 2, 3].map((id) => node.store.beginAttempt(id, 0)?.attempts);
    expect(attempts).toEqual([1, 1, 0]);
  });

  it('begins no further mail when that has taken long', async () => {
    const [node = expect.fail()] = fakeNetwork().nodes;
    flushed(node, ...Array.from({ length: 40 }, (_, i) => `mail ${i}`));
    let begun = 0;
    const slow: Outbox = {
      send: () => {
        begun++;
        return new Promise((resolve) => setTimeout(() => resolve({ kind: 'accepted', code: 250 }), 3 * secondMs));
      },
      close: () => Promise.resolve(),
    };
    const { stop, ended } = running(node, { outbox: slow });
    stop();
    await vi.advanceTimersByTimeAsync(lastCallMs + 3 * secondMs);
    await ended;
    // One alone first, then four at a time, at 3, 6 and 9 s.
    expect([begun, node.store.outgoingCount()]).toEqual([13, 27]);
  });

  it('removes the mails whose packets it has kept, and reads no further', async () => {
    const world = fakeNetwork({ loopsPerInterval: 2 });
    const [node = expect.fail()] = world.nodes;
    for (let turns = 0; node.account.mailbox.raws().length === 0 && turns < 20; turns++) {
      for (const one of world.nodes.slice(1)) await one.turn();
      world.passMs(600 * secondMs);
    }
    const { mailbox, inbox } = node.account;
    const before = mailbox.raws().length;
    expect(before).toBeGreaterThan(0);
    const door = held('open');
    const remove: Inbox['remove'] = async (...args) => {
      await door.text;
      await inbox.remove(...args);
    };
    let fetches = 0;
    const fetchThose: Inbox['fetchThose'] = (...args) => {
      fetches++;
      return inbox.fetchThose(...args);
    };
    const { stop, ended } = running(node, { inbox: { remove, fetchThose } });
    await until(() => fetches > 0);
    for (let i = 0; i < 50; i++) await turnOfEvents();
    stop();
    door.say();
    await ended;
    expect([mailbox.raws().length, fetches]).toEqual([0, 1]);
    expect(node.store.cursor('INBOX')?.uid).toBe(before);
  });

  it('by its own mistake hands nothing over any more', async () => {
    const [node = expect.fail()] = fakeNetwork().nodes;
    flushed(node, 'first');
    let sent = 0;
    const outbox: Outbox = {
      send: () => {
        sent++;
        return Promise.reject(new Bug('a mail without an end'));
      },
      close: () => Promise.resolve(),
    };
    await expect(running(node, { outbox }).ended).rejects.toThrow('BUG: a mail without an end');
    expect(sent).toBe(1);
  });
});
