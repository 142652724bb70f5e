import { describe, expect, it } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs, secondMs } from '../../src/base/units.js';
import type { OutgoingMail, SendOutcome } from '../../src/ports/mail.js';
import type { MixStore } from '../../src/ports/mix-store.js';
import type { OutgoingKind } from '../../src/ports/stores.js';
import { accountBudget } from '../../src/post/account.js';
import { lookAtPost } from '../../src/post/look.js';
import { postDue, type PostDeps, type PostEnd } from '../../src/post/post.js';
import { Sending } from '../../src/post/sending.js';
import { handlings } from '../fakes/outbox.js';

const never = new AbortController().signal;
const { accepted, limit, noConnection, noLogin, refused, later, unknownTaken } = handlings;
const [one, two] = ['mix@a.test', 'mix2@b.test'];

const messageId = messageIdOf(new Uint8Array(16).fill(9));

type Answers = Record<string, (mail: OutgoingMail) => SendOutcome | Promise<SendOutcome>>;

/** What a node is set up with. */
interface SetUp {
  readonly perDay?: number;
  readonly addresses?: readonly string[];
  /** As an earlier process has left it. */
  readonly store?: MixStore;
}

/** A node with two accounts of so many mails a day each, whose servers answer as told. */
const node = (
  answers: Answers = {},
  { perDay = 8000, addresses = [one, two], store = sqliteMixStore(':memory:') }: SetUp = {},
) => {
  const tried: string[] = [];
  const raws: string[] = [];
  const ended: [to: string, end: PostEnd['kind']][] = [];
  const warnings: string[] = [];
  let now = Date.UTC(2026, 0, 1);
  const limits = { perDay, perHour: undefined, perMinute: undefined };
  const accounts = addresses.map((from) => ({
    from,
    outbox: {
      send: async (mail: OutgoingMail) => {
        tried.push(`${mail.from} ${mail.to}`);
        raws.push(latin1(mail.raw));
        return (await answers[from]?.(mail)) ?? accepted.outcome;
      },
      close: () => Promise.resolve(),
    },
    budget: accountBudget(store, {
      limits,
      since: now - 90 * dayMs,
      now,
      further: from === addresses[0] ? undefined : from,
    }),
  }));
  const sending = new Sending(accounts);
  const [first = expect.fail()] = accounts;
  const unstored: PostDeps['unstored'] = new Map();
  const rng = seededRng(new Uint8Array(32));
  return {
    store,
    sending,
    tried,
    raws,
    ended,
    warnings,
    add: (to: string, kind: OutgoingKind = 'packets') =>
      store.addOutgoing({ kind, to, messageId, raw: ascii(`From: <${first.from}>\r\nTo: <${to}>\r\n\r\nx`) }, now),
    post: () =>
      postDue(
        {
          store,
          unstored,
          ...first,
          sending,
          clock: { now: () => now },
          rng,
          log: { info: () => undefined, warn: (event) => void warnings.push(event) },
          ended: ({ to }, { kind }) => void ended.push([to, kind]),
        },
        never,
      ),
    passMs: (ms: number) => (now += ms),
    now: () => now,
  };
};

const from = (tried: readonly string[], account: string): number =>
  tried.filter((line) => line.startsWith(`${account} `)).length;

describe('a node with two accounts', () => {
  it('sends from both as much as both may, each mail from the one it leaves from', async () => {
    const { add, post, tried, raws, store, sending, now } = node({}, { perDay: 80 });
    // Of 80 a day ten may leave at once, 7/16 of these and what others leave for packets.
    for (let i = 0; i < 30; i++) add(`n${i}@x.test`);
    const allowed = sending.available(now(), 'packets');
    await post();
    expect(tried).toHaveLength(allowed);
    expect(Math.abs(from(tried, one) - from(tried, two))).toBeLessThanOrEqual(1);
    expect(store.outgoingCount()).toBe(30 - allowed);
    raws.forEach((raw, i) =>
      expect(raw).toBe(`From: <${tried[i]?.split(' ')[0]}>\r\nTo: <${tried[i]?.split(' ')[1]}>\r\n\r\nx`),
    );
    expect(sending.allowance?.spent()).toBe(allowed);
  });

  it.each([
    // After 10 s, then twice as long each time, up to a quarter of an hour; of a limit after six hours.
    ['no log-in', noLogin.outcome, 10],
    ['no connection', noConnection.outcome, 10],
    ['silence', { kind: 'later', code: undefined, why: 'timeout' } as const, 10],
    ['a word of a limit', limit.outcome, 1],
  ])('sends all from the other where one has %s, at once, and asks that one seldom', async (_, outcome, asked) => {
    const { add, post, tried, store, ended, passMs, sending, now } = node({ [one]: () => outcome });
    for (let i = 0; i < 40; i++) add(`n${i}@x.test`);
    await post();
    expect(store.outgoingCount()).toBe(0);
    expect(ended.map(([, kind]) => kind)).toEqual(Array.from({ length: 40 }, () => 'accepted'));
    expect(from(tried, one)).toBe(1);
    expect(from(tried, two)).toBe(40);
    expect(sending.allowance?.perDay(now())).toBe(8000);
    for (let i = 0; i < 60; i++) {
      add(`later${i}@x.test`);
      passMs(minuteMs);
      await post();
    }
    expect(from(tried, one)).toBe(asked);
    expect(store.outgoingCount()).toBe(0);
  });

  it('sends from both again when the one that was locked is open', async () => {
    let isLocked = true;
    const { add, post, tried, passMs, sending, now } = node({
      [two]: () => (isLocked ? noLogin.outcome : accepted.outcome),
    });
    for (let i = 0; i < 20; i++) add(`n${i}@x.test`);
    await post();
    isLocked = false;
    passMs(10 * secondMs);
    tried.length = 0;
    for (let i = 0; i < 20; i++) add(`m${i}@x.test`);
    await post();
    expect(from(tried, two)).toBeGreaterThan(5);
    expect(sending.allowance?.perDay(now())).toBe(16_000);
  });

  it('lets one mail alone find out whether a server can be used again', async () => {
    const gate: { open?: (outcome: SendOutcome) => void } = {};
    let isFirst = true;
    const { add, post, tried, passMs } = node({
      [one]: () => {
        if (!isFirst) return new Promise<SendOutcome>((resolve) => (gate.open = resolve));
        isFirst = false;
        return noLogin.outcome;
      },
    });
    add('first@x.test');
    await post();
    passMs(10 * secondMs);
    for (let i = 0; i < 30; i++) add(`n${i}@x.test`);
    const posting = post();
    while (gate.open === undefined) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    // One is waited for, and it was the one that goes alone first.
    expect(from(tried, one)).toBe(2);
    gate.open(noLogin.outcome);
    await posting;
    expect(from(tried, one)).toBe(2);
    expect(from(tried, two)).toBe(31);
  });

  it('rests as a whole where no server can be used', async () => {
    const { add, post, tried, store, passMs, sending, now } = node({
      [one]: () => noLogin.outcome,
      [two]: () => noLogin.outcome,
    });
    for (let i = 0; i < 20; i++) add(`n${i}@x.test`);
    await post();
    await post();
    expect(tried).toHaveLength(2);
    // It is back soon: nobody is told that it may send nothing.
    expect(sending.allowance?.perDay(now())).toBe(16_000);
    expect(sending.allowance?.available(now(), 'packets')).toBe(0);
    expect(store.outgoingCount()).toBe(20);
    for (let i = 0; i < 24; i++) {
      passMs(hourMs);
      await post();
    }
    expect(tried.length).toBeLessThan(60);
    expect(store.outgoingCount()).toBe(20);
  });

  it('tries what one server refuses at the other, and says that it was refused when both have', async () => {
    const { add, post, tried, ended, store } = node({
      [one]: () => refused.outcome,
      [two]: ({ to }) => (to === 'nobody@x.test' ? refused.outcome : accepted.outcome),
    });
    for (const to of ['bob@x.test', 'nobody@x.test', 'carol@x.test']) add(to, 'delivery');
    await post();
    expect(ended.toSorted()).toEqual([
      ['bob@x.test', 'accepted'],
      ['carol@x.test', 'accepted'],
      ['nobody@x.test', 'refused'],
    ]);
    expect(tried.filter((line) => line.endsWith('nobody@x.test'))).toHaveLength(2);
    expect(store.outgoingCount()).toBe(0);
  });

  describe.each([
    ['no log-in', noLogin.outcome],
    ['a word of a limit', limit.outcome],
  ])('of which one has %s', (_, outcome) => {
    it('says that a mail to a person was refused when the other has refused it', async () => {
      const { add, post, tried, ended, warnings, store } = node({
        [one]: () => outcome,
        [two]: () => refused.outcome,
      });
      for (const to of ['bob@x.test', 'carol@x.test']) add(to, 'delivery');
      await post();
      expect(ended.toSorted()).toEqual([
        ['bob@x.test', 'refused'],
        ['carol@x.test', 'refused'],
      ]);
      expect([from(tried, one), from(tried, two)]).toEqual([1, 2]);
      expect(warnings.includes('post/limit')).toBe(outcome === limit.outcome);
      expect(store.outgoingCount()).toBe(0);
    });

    it('asks a node’s server that refuses packets for two days, less and less often, and then gives them up', async () => {
      // Whichever is asked first.
      for (const [locked, open] of [
        [one, two],
        [two, one],
      ] as const) {
        const { add, post, tried, ended, store, passMs } = node({
          [locked]: () => outcome,
          [open]: () => refused.outcome,
        });
        for (let i = 0; i < 3; i++) add(`n${i}@x.test`);
        for (let turn = 0; turn < 3 * 24 * 6; turn++) {
          await post();
          passMs(10 * minuteMs);
        }
        expect(store.outgoingCount()).toBe(0);
        expect(ended.map(([, kind]) => kind)).toEqual(['refused', 'refused', 'refused']);
        expect(from(tried, open)).toBeGreaterThan(3 * 5);
        expect(from(tried, open)).toBeLessThan(3 * 15);
      }
    });

    it('sends them from that one when it is open again', async () => {
      let isLocked = true;
      const { add, post, ended, passMs, raws } = node({
        [one]: () => refused.outcome,
        [two]: () => (isLocked ? outcome : accepted.outcome),
      });
      add('n@x.test');
      await post();
      isLocked = false;
      for (let hour = 0; hour < 24 && ended.length === 0; hour++) {
        passMs(hourMs);
        await post();
      }
      expect(ended).toEqual([['n@x.test', 'accepted']]);
      expect(raws.at(-1)).toContain(`From: <${two}>`);
    });
  });

  it('gives to no other server what one may have taken, or will take later', async () => {
    const { add, post, tried, store } = node({
      [one]: () => unknownTaken.outcome,
      [two]: () => later.outcome,
    });
    for (let i = 0; i < 10; i++) add(`n${i}@x.test`, 'delivery');
    await post();
    expect(tried).toHaveLength(10);
    expect(store.outgoingCount()).toBe(10);
  });

  it.each([
    ['the other account comes first', [two, one]],
    ['the other alone is left', [two]],
    ['others have come', ['mix3@c.test', two]],
  ])('sends what was written before %s, from whichever it leaves from', async (_, addresses) => {
    const before = node({ [one]: () => noLogin.outcome, [two]: () => noLogin.outcome });
    for (let i = 0; i < 20; i++) before.add(`n${i}@x.test`, i % 2 === 0 ? 'packets' : 'delivery');
    await before.post();
    const after = node(
      { [two]: ({ to }) => (to === 'n1@x.test' ? refused.outcome : accepted.outcome) },
      { addresses, store: before.store },
    );
    after.passMs(hourMs);
    await after.post();
    expect(after.store.outgoingCount()).toBe(0);
    expect(new Set(after.tried.map((line) => line.split(' ')[0]))).toEqual(new Set(addresses));
    after.raws.forEach((raw, i) => expect(raw).toContain(`From: <${after.tried[i]?.split(' ')[0]}>\r\n`));
  });

  it('mails the directory from the first account, and from the other while that one can’t be used', async () => {
    let isLocked = false;
    const { add, post, tried, passMs } = node({ [one]: () => (isLocked ? noLogin.outcome : accepted.outcome) });
    // The first one has less left now.
    for (let i = 0; i < 9; i++) add(`d${i}@x.test`, 'directory');
    await post();
    expect([from(tried, one), from(tried, two)]).toEqual([9, 0]);
    isLocked = true;
    add('last@x.test', 'directory');
    passMs(secondMs);
    await post();
    expect([from(tried, one), from(tried, two)]).toEqual([10, 1]);
  });

  it('is told of as one account that may send what both may', async () => {
    const { add, post, store, now } = node();
    add('n@x.test');
    await post();
    const limits = { perDay: 8000, perHour: 100, perMinute: undefined };
    const accounts = [undefined, two].map((further) => ({ limits, since: undefined, further }));
    expect(lookAtPost({ store, accounts, network: () => undefined }, now())).toMatchObject({
      ...{ waiting: { outgoing: 0 }, spent: 1 },
      account: { perDay: 16_000, perHour: 200, perMinute: undefined, isYoung: false, isWarned: false },
    });
  });
});
