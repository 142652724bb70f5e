import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import {
  type Account,
  available,
  giveBack,
  learn,
  nextAt,
  openAccount,
  perDayAt,
  purposes,
  spend,
  type Purpose,
  whoseTurn,
} from '../../src/carrier/budget.js';
import { limitsOf } from '../../src/provider/limits.js';
import type { Limits } from '../../src/provider/provider.js';

const start = Date.UTC(2026, 10, 22);
const longAgo = start - 90 * dayMs;

const allPurposes: readonly Purpose[] = purposes;

/** Spends whatever may leave whenever `stepMs` have passed. */
const greedy = (
  limits: Limits,
  { since = longAgo, stepMs = 5 * minuteMs, days = 3, uses = allPurposes } = {},
): { readonly sent: readonly { readonly at: number; readonly purpose: Purpose }[]; readonly account: Account } => {
  const sent: { at: number; purpose: Purpose }[] = [];
  let account = openAccount(limits, start, since);
  for (let now = start; now <= start + days * dayMs; now += stepMs)
    for (;;) {
      const purpose = whoseTurn(account, limits, now, uses);
      if (purpose === undefined) break;
      account = spend(account, limits, now, purpose);
      sent.push({ at: now, purpose });
    }
  return { sent, account };
};

/** The most mails in any span of that length, both ends included. */
const mostIn = (times: readonly number[], spanMs: number): number => {
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[to] ?? 0) - (times[from] ?? 0) > spanMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
};

describe('limits', () => {
  it('follow the company whatever name of it the address has', () => {
    expect(limitsOf('gmail.com')).toEqual({ perDay: 350 });
    expect(limitsOf('googlemail.com')).toEqual({ perDay: 350 });
    expect(limitsOf('hotmail.co.uk')).toEqual({ perDay: 120 });
    expect(limitsOf('zoho.eu')).toEqual({ perDay: 300, perHour: 40 });
    expect(limitsOf('mailbox.org')).toEqual({ perDay: 200 });
    expect(limitsOf('example.org')).toEqual({ perDay: 100 });
  });

  it('are higher for a domain of its own at Google and Microsoft', () => {
    expect(limitsOf('google.com', 'example.org')).toEqual({ perDay: 1200 });
    expect(limitsOf('outlook.com', 'example.org')).toEqual({ perDay: 1500, perMinute: 15 });
    expect(limitsOf('google.com', 'gmail.com')).toEqual({ perDay: 350 });
    expect(limitsOf('fastmail.com', 'example.org')).toEqual({ perDay: 1000 });
  });
});

describe('an account', () => {
  it('sends no more than its limits in any day, hour or minute, wherever they begin', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 7, max: 1800 }),
        (perDay, perHour, perMinute, stepSeconds) => {
          const { sent } = greedy({ perDay, perHour, perMinute }, { stepMs: stepSeconds * 1000, days: 2 });
          const times = sent.map(({ at }) => at);
          expect(mostIn(times, dayMs)).toBeLessThanOrEqual(perDay);
          expect(mostIn(times, hourMs)).toBeLessThanOrEqual(perHour);
          expect(mostIn(times, minuteMs)).toBeLessThanOrEqual(perMinute);
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });

  it('of 350 a day sends at least 300 of them on every day', () => {
    const { sent } = greedy({ perDay: 350 }, { days: 10 });
    expect(sent.length).toBeGreaterThan(10 * 306);
    expect(
      mostIn(
        sent.map(({ at }) => at),
        dayMs,
      ),
    ).toBeLessThanOrEqual(350);
  });

  it('of one mail a day sends it, and the next one', () => {
    expect(greedy({ perDay: 1 }, { days: 10 }).sent.length).toBeGreaterThanOrEqual(5);
  });

  it('may send a third in its first thirty days', () => {
    const limits = { perDay: 300 };
    const account = openAccount(limits, start);
    expect(perDayAt(account, limits, start + 30 * dayMs - 1)).toBe(100);
    expect(perDayAt(account, limits, start + 30 * dayMs)).toBe(300);
    expect(
      mostIn(
        greedy(limits, { since: start, days: 5 }).sent.map(({ at }) => at),
        dayMs,
      ),
    ).toBeLessThanOrEqual(100);
  });

  it('gives a purpose that is alone everything, and others that want it their share', () => {
    const count = (uses: readonly Purpose[], purpose: Purpose): number =>
      greedy({ perDay: 350 }, { days: 10, uses }).sent.filter((mail) => mail.purpose === purpose).length;
    expect(count(['packets'], 'packets')).toBeGreaterThan(10 * 300);
    expect(count(['directory'], 'directory')).toBeGreaterThan(10 * 300);
    // Whoever is asked first takes no more than its part.
    expect(count(['people', 'packets'], 'packets') / 3070).toBeCloseTo(0.5, 1);
    expect(count(['packets', 'people'], 'people') / 3070).toBeCloseTo(0.5, 1);
    expect(count(purposes, 'directory') / 3070).toBeCloseTo(1 / 8, 1);
  });

  it('serves every purpose however small it is', () => {
    const { sent } = greedy({ perDay: 3 }, { days: 40 });
    for (const purpose of purposes) expect(sent.some((mail) => mail.purpose === purpose)).toBe(true);
  });

  it('halves its budget when the server speaks of a limit, once for one complaint', () => {
    const limits = { perDay: 320 };
    const once = learn(openAccount(limits, start, longAgo), limits, start);
    expect(perDayAt(once, limits, start)).toBe(160);
    expect(available(once, limits, start, 'packets')).toBe(0);
    expect(perDayAt(learn(once, limits, start + minuteMs), limits, start + minuteMs)).toBe(160);
    expect(perDayAt(learn(once, limits, start + 6 * hourMs), limits, start + 6 * hourMs)).toBe(80);
  });

  it('never learns to send nothing', () => {
    const limits = { perDay: 320 };
    let account = openAccount(limits, start, longAgo);
    for (let day = 0; day < 20; day++) account = learn(account, limits, start + day * dayMs);
    expect(perDayAt(account, limits, start + 19 * dayMs)).toBe(20);
  });

  it('takes a tenth more a day after a quiet week, and never more than its limit', () => {
    const limits = { perDay: 1000 };
    const account = learn(openAccount(limits, start, longAgo), limits, start);
    expect(perDayAt(account, limits, start + 7 * dayMs)).toBe(500);
    expect(perDayAt(account, limits, start + 8 * dayMs)).toBe(550);
    expect(perDayAt(account, limits, start + 9 * dayMs)).toBe(605);
    expect(perDayAt(account, limits, start + 60 * dayMs)).toBe(1000);
  });

  it('gets nothing from a clock that is set back, and nothing when it is set right again', () => {
    const limits = { perDay: 350 };
    for (const backMs of [minuteMs, 59 * minuteMs, 2 * dayMs]) {
      let account = openAccount(limits, start, longAgo);
      while (available(account, limits, start, 'packets') > 0) account = spend(account, limits, start, 'packets');
      expect(available(account, limits, start - backMs, 'packets')).toBe(0);
      account = spend(account, limits, start - backMs, 'people');
      if (backMs < hourMs) expect(available(account, limits, start, 'packets')).toBe(0);
    }
  });

  it('goes on after a clock that was a year ahead', () => {
    const limits = { perDay: 350 };
    const ahead = spend(openAccount(limits, start + 365 * dayMs, longAgo), limits, start + 365 * dayMs, 'packets');
    const later = spend(ahead, limits, start, 'packets');
    expect(available(later, limits, start + hourMs, 'packets')).toBeGreaterThan(0);
  });

  it('gets back what did not reach the server', () => {
    const limits = { perDay: 8 };
    const full = openAccount(limits, start, longAgo);
    const spent = spend(full, limits, start, 'packets');
    expect([available(spent, limits, start, 'packets'), spent.spent]).toEqual([0, 1]);
    const back = giveBack(spent, limits, start, 'packets');
    expect([available(back, limits, start, 'packets'), back.spent]).toEqual([1, 0]);
  });

  it('says when the next mail may leave', () => {
    const limits = { perDay: 100, perHour: 10, perMinute: 2 };
    let account = openAccount(limits, start, longAgo);
    expect(nextAt(account, limits, start, 'packets')).toBe(start);
    while (available(account, limits, start, 'packets') > 0) account = spend(account, limits, start, 'packets');
    const at = nextAt(account, limits, start, 'packets');
    expect(available(account, limits, at - 1, 'packets')).toBe(0);
    expect(available(account, limits, at, 'packets')).toBe(1);
  });

  it('survives being written down', () => {
    const limits = { perDay: 100, perHour: 10 };
    const account = learn(spend(openAccount(limits, start), limits, start, 'people'), limits, start + hourMs);
    expect(JSON.parse(JSON.stringify(account))).toEqual(account);
  });
});
