import { describe, expect, it } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { countFlush, type Figures, figuresOf, haveMoved } from '../../src/node/traffic.js';
import { accountBudget } from '../../src/post/account.js';

const startAt = Date.UTC(2026, 0, 15);
const intervalMs = 12 * minuteMs;

/** A node's books. */
const node = (perDay = 350) => {
  const store = sqliteMixStore(':memory:');
  const budget = accountBudget(store, { limits: { perDay }, since: startAt - 90 * dayMs, now: startAt });
  let now = startAt;
  return {
    /** That many days, each flush of which is like this. */
    live: (days: number, flush: { readonly packets: number; readonly deliveries: number; readonly mails: number }) => {
      for (const end = now + days * dayMs; now < end; now += intervalMs) {
        for (let i = 0; i < flush.mails; i++) budget.spend(now, 'packets');
        countFlush(store, budget, flush, now);
      }
    },
    figures: () => figuresOf(store, budget, now),
    limited: () => budget.limited(now),
    setBack: (ms: number) => (now -= ms),
  };
};

describe('what a node says of its traffic', () => {
  it('is at first what its account may send, and no load', () => {
    const { figures, live } = node();
    expect(figures()).toEqual({ capacity: { perDay: 300, free: 300 }, load: undefined });
    live((hourMs - intervalMs) / dayMs, { packets: 9, deliveries: 9, mails: 1 });
    expect(figures().load).toBeUndefined();
  });

  it('is the mean, to one digit', () => {
    const { figures, live } = node();
    live(2, { packets: 153, deliveries: 2, mails: 1 });
    expect(figures()).toEqual({ capacity: { perDay: 300, free: 200 }, load: { packets: 200, deliveries: 200 } });
  });

  it('forgets what is older than a week', () => {
    const { figures, live } = node();
    live(3, { packets: 1000, deliveries: 50, mails: 1 });
    live(8, { packets: 4, deliveries: 0, mails: 0 });
    expect(figures()).toEqual({ capacity: { perDay: 300, free: 300 }, load: { packets: 4, deliveries: 0 } });
  });

  it('says that there is nothing free rather than less than nothing', () => {
    const { figures, live } = node(40);
    live(1, { packets: 1, deliveries: 0, mails: 1 });
    expect(figures().capacity).toEqual({ perDay: 40, free: 0 });
  });

  it('follows what the provider has taught it', () => {
    const { figures, limited } = node();
    limited();
    expect(figures().capacity).toEqual({ perDay: 100, free: 100 });
  });

  it('survives a clock that is set back', () => {
    const { figures, live, setBack } = node();
    live(2, { packets: 10, deliveries: 1, mails: 1 });
    setBack(1.5 * dayMs);
    live(0.5, { packets: 10, deliveries: 1, mails: 1 });
    expect(figures().load?.packets).toBe(10);
  });
});

describe('figures', () => {
  const figures = (perDay: number, free: number, packets: number, deliveries: number): Figures => ({
    capacity: { perDay, free },
    load: { packets, deliveries },
  });

  it.each<[string, boolean, Figures, Figures]>([
    ['are the same', false, figures(300, 100, 40, 0), figures(300, 100, 40, 0)],
    ['are near', false, figures(300, 100, 40, 5), figures(400, 190, 70, 9)],
    ['have doubled', true, figures(300, 100, 40, 5), figures(300, 200, 40, 5)],
    ['have halved', true, figures(300, 100, 40, 6), figures(300, 100, 40, 3)],
    ['begin', true, figures(300, 100, 40, 0), figures(300, 100, 40, 1)],
    ['are there', true, {}, figures(300, 100, 40, 1)],
    ['are known only in part', false, figures(300, 100, 40, 1), { capacity: { perDay: 300, free: 100 } }],
  ])('that %s: worth a mail? %s', (_, expected, known, wanted) => {
    expect(haveMoved(known, wanted)).toBe(expected);
  });
});
