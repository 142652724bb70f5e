import { describe, expect, it } from 'vitest';
import { exponential, seededRng, uniformInt } from '../../src/base/random.js';
import type { Rng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { crossValidate } from '../../src/sim/classifier.js';
import type { Sample, Separation } from '../../src/sim/classifier.js';
import { featuresOf } from '../../src/sim/traffic.js';
import type { AccountDay, AccountMail } from '../../src/sim/traffic.js';

const rng = seededRng(new Uint8Array(32).fill(3));
const startAt = Date.UTC(2026, 0, 15);
const bundleBytes = 180_000;

/** Mails at the times of a Poisson process, to one of ten nodes each. */
const steady = (meanMs: number, draw: Rng): AccountMail[] => {
  const mails: AccountMail[] = [];
  for (let at = startAt + exponential(draw, meanMs); at < startAt + dayMs; at += exponential(draw, meanMs))
    mails.push({ way: 'out', at, sizeBytes: bundleBytes, peer: uniformInt(draw, 10) });
  return mails;
};

const day = (mails: readonly AccountMail[]): AccountDay => ({ startAt, lengthMs: dayMs, mails });

const days = 300;

const apart = (first: () => readonly AccountMail[], second: () => readonly AccountMail[]): Separation => {
  const samples = [true, false].flatMap((isFirst): Sample[] =>
    Array.from({ length: days }, () => ({ isFirst, features: featuresOf(day((isFirst ? first : second)())) })),
  );
  return crossValidate(samples, rng);
};

const usual = (): AccountMail[] => steady(20 * minuteMs, rng);

describe('who watches an account', () => {
  it('guesses where there is nothing to see', () => {
    const trials = Array.from({ length: 6 }, () => apart(usual, usual));
    const mean = trials.reduce((sum, { auc }) => sum + auc, 0) / trials.length;
    // One trial errs by 0.036; six together by 0.015.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.045);
    expect(trials.filter(({ low, high }) => low <= 0.5 && high >= 0.5).length).toBeGreaterThanOrEqual(5);
  });

  it.each<[string, number, () => readonly AccountMail[]]>([
    ['sends a fifth more', 0.8, () => steady(16 * minuteMs, rng)],
    ['sends at regular times', 0.95, () => usual().map((mail, i) => ({ ...mail, at: startAt + i * 20 * minuteMs }))],
    [
      'sends larger mails now and then',
      0.95,
      () => usual().map((mail, i) => (i === 7 ? { ...mail, sizeBytes: 720_000 } : mail)),
    ],
    [
      'writes to one node more often',
      0.95,
      () => usual().map((mail, i) => (i % 4 === 0 ? { ...mail, peer: 0 } : mail)),
    ],
    ['sleeps at night', 0.95, () => usual().filter(({ at }) => at - startAt > 6 * hourMs)],
    [
      'is answered now and then',
      0.95,
      () => usual().flatMap((mail, i) => (i % 9 === 0 ? [mail, { ...mail, way: 'in', at: mail.at + hourMs }] : [mail])),
    ],
  ])('sees who %s', (_, least, differently) => {
    const { auc, low } = apart(differently, usual);
    expect(auc).toBeGreaterThan(least);
    expect(low).toBeGreaterThan(0.5);
  });

  it('sees who sends only when there is something to send', () => {
    expect(
      apart(
        () => steady(2.4 * hourMs, rng),
        () => [],
      ).auc,
    ).toBeGreaterThan(0.99);
  });
});
