import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs, secondMs } from '../../src/base/units.js';
import { nextStep } from '../../src/post/retry.js';
import type { OutgoingKind } from '../../src/ports/stores.js';
import type { SendOutcome } from '../../src/ports/mail.js';

const now = 1_000_000_000_000;
const after = (outcome: SendOutcome, attempts = 1, ageMs = 0, kind: OutgoingKind = 'packets') =>
  nextStep(outcome, { kind, attempts, createdAt: now - ageMs, now });
const temporary: SendOutcome = { kind: 'later', code: 451, why: 'temporary' };
const cut: SendOutcome = { kind: 'later', code: undefined, why: 'connect' };

describe('what follows an attempt', () => {
  it('is nothing once the server has the mail', () => {
    expect(after({ kind: 'accepted', code: 250 })).toEqual({ kind: 'done' });
  });

  it('is patience with a server that says later: 15 minutes, doubling to 6 hours, two days in all', () => {
    const waits = [1, 2, 3, 4, 5, 6, 60].map((attempts) => {
      const step = after(temporary, attempts);
      return step.kind === 'retry' ? (step.at - now) / minuteMs : undefined;
    });
    expect(waits).toEqual([15, 30, 60, 120, 240, 360, 360]);
    expect(after(temporary, 9, 2 * dayMs)).toMatchObject({ kind: 'retry' });
    expect(after(temporary, 9, 2 * dayMs + 1)).toEqual({ kind: 'give-up' });
  });

  it('is a rest of the whole account when our own way is cut, for as long as the packets can live', () => {
    expect(after(cut, 1)).toEqual({ kind: 'pause', until: now + 10 * secondMs, turn: 'first' });
    expect(after(cut, 50, 13 * dayMs)).toEqual({ kind: 'pause', until: now + 15 * minuteMs, turn: 'first' });
    expect(after(cut, 50, 15 * dayMs)).toEqual({ kind: 'give-up' });
    // A password that is wrong for one mail is wrong for all: no log-in per mail.
    expect(after({ kind: 'later', code: 535, why: 'login' })).toMatchObject({ kind: 'pause' });
  });

  it('is another try of that mail alone when the server fell silent over it', () => {
    expect(after({ kind: 'later', code: undefined, why: 'timeout' })).toEqual({
      kind: 'retry',
      at: now + 10 * secondMs,
    });
  });

  it('is another try when nobody knows whether the server took it, soon where packets fold', () => {
    expect(after({ kind: 'unknown' })).toEqual({ kind: 'retry', at: now + 10 * secondMs });
  });

  it('is a dozen copies at most for a recipient whose server never says whether it took the mail', () => {
    let copies = 0;
    for (let at = now; ; copies++) {
      const attempted = { kind: 'delivery', attempts: copies + 1, createdAt: now, now: at } as const;
      const step = nextStep({ kind: 'unknown' }, attempted);
      if (step.kind !== 'retry') break;
      at = step.at;
    }
    expect(copies).toBeGreaterThan(5);
    expect(copies).toBeLessThan(15);
  });

  it('is a pause of the whole account when it has reached a limit, but not for ever over one mail', () => {
    const limit: SendOutcome = { kind: 'later', code: 550, why: 'limit' };
    expect(after(limit)).toEqual({ kind: 'pause', until: now + 6 * hourMs, turn: 'last' });
    expect(after(limit, 60, 15 * dayMs)).toEqual({ kind: 'give-up' });
  });

  it("is the end when a recipient's server refuses, but not when a node's does", () => {
    const refused: SendOutcome = { kind: 'refused', code: 550 };
    expect(after(refused, 1, 0, 'delivery')).toEqual({ kind: 'give-up' });
    expect(after(refused, 1, 0, 'notice')).toEqual({ kind: 'give-up' });
    for (const kind of ['packets', 'directory'] as const)
      expect(after(refused, 1, 0, kind)).toEqual({ kind: 'retry', at: now + 15 * minuteMs });
  });
});
