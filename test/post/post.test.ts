import { describe, expect, it } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { ascii } from '../../src/base/bytes.js';
import { StoreError } from '../../src/base/errors.js';
import { seededRng } from '../../src/base/random.js';
import { messageIdOf } from '../../src/base/ids.js';
import { deliveryToken } from '../../src/message/delivery.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import type { Limits } from '../../src/provider/provider.js';
import type { Outbox, OutgoingMail, SendOutcome } from '../../src/ports/mail.js';
import type { MixStore } from '../../src/ports/mix-store.js';
import type { OutgoingKind } from '../../src/ports/stores.js';
import { accountBudget } from '../../src/post/account.js';
import { postDue } from '../../src/post/post.js';
import type { PostDeps, PostEnd } from '../../src/post/post.js';
import { handlings } from '../fakes/outbox.js';

const never = new AbortController().signal;
const accepted = handlings.accepted.outcome;
const messageId = messageIdOf(new Uint8Array(16).fill(9));

/** An account with a store, and a server that answers as told. @param limits none: it may send whatever it wants to */
const account = (
  answer: (mail: OutgoingMail, nth: number) => SendOutcome | Promise<SendOutcome> = () => accepted,
  limits?: Limits,
) => {
  const store = sqliteMixStore(':memory:');
  const tried: string[] = [];
  const envelopes: (string | undefined)[] = [];
  const logged: [string, unknown][] = [];
  const rng = seededRng(new Uint8Array(32));
  const ended: [to: string, end: PostEnd, left: number][] = [];
  let now = Date.UTC(2026, 0, 1);
  let unstored: PostDeps['unstored'] = new Map();
  // At each use anew, as after a restart.
  const budget = () => limits && accountBudget(store, { limits, since: now - 90 * dayMs, now });
  const outbox: Outbox = {
    send: async (mail) => {
      tried.push(mail.to);
      envelopes.push(mail.envelopeId);
      return answer(mail, tried.length);
    },
    close: () => Promise.resolve(),
  };
  const log = {
    info: (event: string, counts: unknown) => void logged.push([event, counts]),
    warn: (event: string, counts?: unknown) => void logged.push([event, counts]),
  };
  return {
    store,
    budget,
    tried,
    envelopes,
    logged,
    ended,
    add: (to: string, kind: OutgoingKind = 'packets') =>
      store.addOutgoing({ kind, to, raw: ascii('x'), messageId }, now),
    post: (with_: MixStore = store, signal = never) =>
      postDue(
        {
          store: with_,
          unstored,
          outbox,
          budget: budget(),
          clock: { now: () => now },
          rng,
          log,
          from: 'me@a.test',
          ended: ({ to }, end) => {
            // In the transaction that removes the mail: it is still there.
            ended.push([to, end, with_.outgoingCount()]);
          },
        },
        signal,
      ),
    passMs: (ms: number) => (now += ms),
    restart: () => (unstored = new Map()),
  };
};

describe('handing mails over', () => {
  it('says what became of them by counts alone', async () => {
    const { add, post, logged, store } = account((_mail, nth) =>
      nth < 3 ? accepted : { kind: 'later', code: 451, why: 'temporary' },
    );
    for (const to of ['a@x.test', 'b@x.test', 'c@x.test']) add(to);
    await post();
    expect(store.outgoingCount()).toBe(1);
    expect(logged).toEqual([['post', { accepted: 2, 'later-temporary': 1 }]]);
  });

  it('stops for the whole account at a limit, and after it lets the others go first', async () => {
    const { add, post, tried, passMs, store } = account(({ to }) =>
      to === 'flooded@x.test' ? handlings.limit.outcome : accepted,
    );
    add('flooded@x.test');
    for (let i = 0; i < 20; i++) add(`${i}@x.test`);
    await post();
    expect(tried).toEqual(['flooded@x.test']);
    const before = tried.length;
    passMs(hourMs);
    await post();
    expect(tried).toHaveLength(before);
    passMs(6 * hourMs);
    await post();
    expect(store.outgoingCount()).toBe(1);
    expect(tried.indexOf('flooded@x.test', 1)).toBeGreaterThan(20);
    for (let day = 0; day < 16; day++) {
      passMs(dayMs);
      await post();
    }
    expect(store.outgoingCount()).toBe(0);
  });

  it('tries one log-in, not one a mail, while the password is wrong', async () => {
    const { add, post, tried, passMs } = account(() => handlings.noLogin.outcome);
    for (let i = 0; i < 200; i++) add(`${i}@x.test`);
    for (let minute = 0; minute < 60; minute++) {
      await post();
      passMs(minuteMs);
    }
    expect(tried.length).toBeLessThan(12);
  });

  it('drops a delivery its recipient refuses, says so without a name, and never tries it again', async () => {
    const { add, post, tried, logged, store } = account(() => handlings.refused.outcome);
    add('bob@friend.test', 'delivery');
    await post();
    await post();
    expect(tried).toHaveLength(1);
    expect(store.outgoingCount()).toBe(0);
    expect(JSON.stringify(logged)).toContain('post/gave-up-delivery');
    expect(JSON.stringify(logged)).not.toContain('bob');
  });

  it('gives a delivery, and nothing else, an envelope id that names it only to who knows its Message-ID', async () => {
    const { add, post, envelopes } = account();
    for (const kind of ['delivery', 'packets', 'notice'] as const) add('bob@friend.test', kind);
    await post();
    expect(envelopes).toEqual([deliveryToken(messageId), undefined, undefined]);
  });

  it('tells how each ended, once, while the mail is still there', async () => {
    const { add, post, passMs, ended } = account(({ to }) => {
      if (to === 'taken@x.test') return { kind: 'accepted', code: 252 };
      return to === 'refused@x.test' ? { kind: 'refused', code: 554 } : handlings.later.outcome;
    });
    for (const to of ['taken', 'refused', 'never']) add(`${to}@x.test`, 'delivery');
    for (let day = 0; day < 4; day++) {
      await post();
      passMs(dayMs);
    }
    expect(ended).toEqual([
      ['taken@x.test', { kind: 'accepted', code: 252 }, 3],
      ['refused@x.test', { kind: 'refused', code: 554 }, 2],
      ['never@x.test', { kind: 'gave-up' }, 1],
    ]);
  });

  it('keeps a mail whose end nobody could be told, and tells it, and not the server again, until the process ends', async () => {
    const { add, post, passMs, ended, store, tried, restart } = account();
    add('bob@friend.test', 'delivery');
    const full: MixStore = {
      ...store,
      removeOutgoing: () => {
        throw new StoreError('store/write', 'disk full');
      },
    };
    for (let minute = 0; minute < 60; minute++) {
      await expect(post(full)).rejects.toThrow(StoreError);
      passMs(minuteMs);
      // Nor is another one begun.
      if (minute === 30) add('carol@friend.test', 'delivery');
    }
    expect(tried).toEqual(['bob@friend.test']);
    expect(store.outgoingCount()).toBe(2);
    await post();
    expect(tried).toEqual(['bob@friend.test', 'carol@friend.test']);
    expect(ended.slice(-2)).toEqual([
      ['bob@friend.test', accepted, 2],
      ['carol@friend.test', accepted, 1],
    ]);
    expect(store.outgoingCount()).toBe(0);
    add('dave@friend.test', 'delivery');
    await expect(post(full)).rejects.toThrow(StoreError);
    restart();
    passMs(hourMs);
    await post();
    expect(tried.slice(2)).toEqual(['dave@friend.test', 'dave@friend.test']);
    expect(store.outgoingCount()).toBe(0);
  });

  it('stores how the others ended while it can’t store the end of one', async () => {
    const { add, post, store, tried } = account();
    for (let i = 0; i < 5; i++) add(`${i}@x.test`);
    const narrow: MixStore = {
      ...store,
      removeOutgoing: (id) => {
        if (id === 2) throw new StoreError('store/write', 'disk full');
        store.removeOutgoing(id);
      },
    };
    await expect(post(narrow)).rejects.toThrow(StoreError);
    expect([tried.length, store.outgoingCount()]).toEqual([5, 1]);
    await post();
    expect([tried.length, store.outgoingCount()]).toEqual([5, 0]);
  });

  it('has all its hands free when it fails', async () => {
    let underWay = 0;
    const { add, post, store, tried } = account(async () => {
      underWay++;
      await new Promise((resolve) => setTimeout(resolve, 5 * underWay));
      underWay--;
      return accepted;
    });
    for (let i = 0; i < 20; i++) add(`${i}@x.test`);
    const broken: MixStore = {
      ...store,
      removeOutgoing: () => {
        throw new StoreError('store/write', 'disk full');
      },
    };
    await expect(post(broken)).rejects.toThrow(StoreError);
    expect(underWay).toBe(0);
    const before = tried.length;
    expect(before).toBeLessThan(9);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(tried).toHaveLength(before);
  });

  it('begins no further mail once the process is told to stop', async () => {
    const stop = new AbortController();
    const { add, post, tried, store } = account(() => {
      stop.abort();
      return accepted;
    });
    for (let i = 0; i < 20; i++) add(`${i}@x.test`);
    await post(store, stop.signal);
    expect(tried.length).toBeLessThan(9);
    expect(store.outgoingCount()).toBe(20 - tried.length);
  });
});

describe('an account with a budget', () => {
  it('sends no more than it may, keeps the rest, and sends all of it in time', async () => {
    const { add, post, tried, passMs, store } = account(undefined, { perDay: 80 });
    for (let i = 0; i < 100; i++) add(`${i}@x.test`);
    let day = 0;
    while (store.outgoingCount() > 0 && day < 10) {
      for (let hour = 0; hour < 24; hour++) {
        await post();
        passMs(hourMs);
      }
      day++;
      expect(tried.length).toBeLessThanOrEqual(80 * day);
    }
    expect([day, new Set(tried).size]).toEqual([2, 100]);
  });

  it('remembers what it has sent when it starts again', async () => {
    const { add, post, tried } = account(undefined, { perDay: 80 });
    for (let i = 0; i < 100; i++) add(`${i}@x.test`);
    for (let restart = 0; restart < 20; restart++) await post();
    // A seventh-sixteenth of an eighth of a day at once is for packets.
    expect(tried.length).toBe(5);
  });

  it('lets deliveries, packets and documents take turns, and counts what waits', async () => {
    const { add, post, tried, logged } = account(undefined, { perDay: 80 });
    for (let i = 0; i < 10; i++) {
      add(`list${i}@x.test`, 'directory');
      add(`packets${i}@x.test`, 'packets');
      add(`person${i}@x.test`, 'delivery');
      add(`notice${i}@x.test`, 'notice');
    }
    await post();
    // Of the first two kinds only packets go in the order they came in.
    expect(tried.slice(0, 3)).toEqual([expect.stringMatching(/^person|^notice/), 'packets0@x.test', 'list0@x.test']);
    expect(tried).toHaveLength(10);
    expect(logged).toEqual([['post', { accepted: 10, 'waits-for-budget': 30 }]]);
  });

  it('draws mails to people at random, so that who comes last waits no longer than all others', async () => {
    const { add, post, tried, passMs } = account(undefined, { perDay: 80 });
    for (let i = 0; i < 60; i++) add(`flood${i}@x.test`, 'delivery');
    for (let i = 0; i < 60; i++) add(`late${i}@x.test`, 'delivery');
    for (let hour = 0; hour < 24; hour++) {
      await post();
      passMs(hourMs);
    }
    const late = tried.filter((to) => to.startsWith('late')).length;
    expect(tried.length).toBeGreaterThan(60);
    expect(late / tried.length).toBeGreaterThan(0.35);
    expect(late / tried.length).toBeLessThan(0.65);
  });

  it('does not look at what waits while nothing may leave', async () => {
    const { add, post, store } = account(undefined, { perDay: 80 });
    for (let i = 0; i < 60; i++) add(`${i}@x.test`, 'delivery');
    await post();
    const looked: unknown[] = [];
    await post({
      ...store,
      dueOutgoing: (at, kinds) => {
        looked.push(kinds);
        return store.dueOutgoing(at, kinds);
      },
    });
    expect(looked).toEqual([['packets'], ['directory']]);
  });

  it('tries a log-in that fails again and again with the same mail, so that it waits longer each time', async () => {
    const { add, post, tried, passMs } = account(() => handlings.noLogin.outcome, { perDay: 80 });
    for (let i = 0; i < 60; i++) add(`${i}@x.test`, 'delivery');
    for (let minute = 0; minute < 60; minute++) {
      await post();
      passMs(minuteMs);
    }
    expect(new Set(tried).size).toBe(1);
    expect(tried.length).toBeLessThan(12);
  });

  it('gives up what has waited for it for more than two days, and only mails to people', async () => {
    const { add, post, tried, passMs, store, ended, logged } = account(undefined, { perDay: 8 });
    for (let i = 0; i < 40; i++) add(`${i}@x.test`, 'delivery');
    for (let i = 0; i < 40; i++) add(`${i}@y.test`, 'packets');
    for (let hour = 0; hour <= 54; hour++) {
      await post();
      passMs(hourMs);
    }
    const before = tried.length;
    const gaveUp = (): readonly string[] => ended.flatMap(([to, { kind }]) => (kind === 'gave-up' ? [to] : []));
    expect(gaveUp()).toEqual([]);
    await post();
    const people = tried.filter((to) => to.endsWith('@x.test'));
    expect(people.length).toBeGreaterThan(3);
    expect(gaveUp().toSorted()).toEqual(
      Array.from({ length: 40 }, (_, i) => `${i}@x.test`)
        .filter((to) => !people.includes(to))
        .toSorted(),
    );
    expect(logged).toContainEqual(['post', expect.objectContaining({ 'waited-too-long': 40 - people.length })]);
    expect(store.outgoingCount()).toBe(80 - tried.length - gaveUp().length);
    expect(tried.length).toBeLessThanOrEqual(before + 1);
  });

  it('gives nothing up because a machine without a clock of its own began years ago, and was set right', async () => {
    const { add, post, passMs, store, ended, logged, tried } = account(
      (_mail, nth) => (nth === 1 ? handlings.later.outcome : accepted),
      { perDay: 80 },
    );
    await post();
    add('bob@x.test', 'delivery');
    await post();
    passMs(-56 * 365 * dayMs);
    await post();
    passMs(56 * 365 * dayMs + hourMs);
    await post();
    expect(ended.map(([to, end]) => [to, end.kind])).toEqual([['bob@x.test', 'accepted']]);
    expect([tried.length, store.outgoingCount()]).toEqual([2, 0]);
    expect(logged.map(([event]) => event)).toContain('clock/set-back');
  });

  it('has nothing in the pool grow older meanwhile, nor wait longer, also when it begins years ago twice', async () => {
    const { post, passMs, store } = account();
    const at = Date.UTC(2026, 0, 1);
    const readyAt = [at, at + hourMs];
    for (const one of readyAt) store.addToPool({ kind: 'exit', readyAt: one, bytes: ascii('x') });
    const times = (): readonly number[] => store.waiting(Infinity).map((one) => one.readyAt);
    await post();
    for (const wrongMs of [56 * 365 * dayMs, 23 * dayMs]) {
      passMs(-wrongMs);
      await post();
      passMs(2 * hourMs);
      await post();
      passMs(-2 * hourMs);
      await post();
      passMs(wrongMs + 2 * hourMs);
      await post();
      expect(times().toSorted()).toEqual(readyAt);
      // A sleep is not taken for a clock that is set right.
      passMs(3 * dayMs);
      await post();
      expect(times().toSorted()).toEqual(readyAt);
    }
  });

  it('takes no sleep for a clock that is set right while it is not where it had been', async () => {
    const { add, post, passMs, store, tried } = account((_mail, nth) =>
      nth === 1 ? handlings.limit.outcome : accepted,
    );
    passMs(27 * hourMs);
    await post();
    passMs(-27 * hourMs);
    add('a@x.test');
    await post();
    store.addToPool({ kind: 'exit', readyAt: Date.UTC(2026, 0, 1, 6), bytes: ascii('x') });
    // The account pauses for six hours.
    passMs(5 * hourMs);
    await post();
    expect([tried.length, store.waiting(Date.UTC(2026, 0, 1, 5)).length]).toEqual([1, 0]);
    passMs(2 * hourMs);
    await post();
    expect([tried.length, store.waiting(Date.UTC(2026, 0, 1, 7)).length]).toEqual([2, 1]);
  });

  it('counts what a server has refused, and not what never reached it', async () => {
    for (const [handling, spent] of [
      [handlings.accepted, 1],
      [handlings.refused, 1],
      [handlings.later, 1],
      [handlings.unknownLost, 1],
      [handlings.noConnection, 0],
      [handlings.noLogin, 0],
    ] as const) {
      const { add, post, budget } = account(() => handling.outcome, { perDay: 80 });
      add('a@x.test');
      await post();
      expect(budget()?.spent()).toBe(spent);
    }
  });

  it('expects half of its provider once that speaks of a limit, and says so', async () => {
    const { add, post, budget, logged, passMs, store } = account(
      (_mail, nth) => (nth === 1 ? handlings.limit.outcome : accepted),
      { perDay: 80 },
    );
    add('a@x.test');
    await post();
    expect(logged[0]).toEqual(['post/limit', { perDay: 40 }]);
    passMs(6 * hourMs + 2);
    await post();
    expect([store.outgoingCount(), budget()?.spent()]).toEqual([0, 2]);
  });
});
