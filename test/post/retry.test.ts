import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs, secondMs } from '../../src/base/units.js';
import { nextStep } from '../../src/post/retry.js';
import type { SendOutcome } from '../../src/ports/mail.js';

const now = 1_000_000_000_000;
const after = (outcome: SendOutcome, attempts = 1, ageMs = 0, kind: 'packets' | 'delivery' = 'packets') =>
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

  it('is persistence when our own way is cut, for as long as the packets can live', () => {
    expect(after(cut, 1)).toEqual({ kind: 'retry', at: now + 10 * secondMs });
    expect(after(cut, 50, 13 * dayMs)).toEqual({ kind: 'retry', at: now + 15 * minuteMs });
    expect(after(cut, 50, 15 * dayMs)).toEqual({ kind: 'give-up' });
  });

  it('is another try when nobody knows whether the server took it', () => {
    expect(after({ kind: 'unknown' }, 1, 0, 'delivery')).toEqual({ kind: 'retry', at: now + 10 * secondMs });
  });

  it('is a pause of the whole account when it has reached a limit', () => {
    expect(after({ kind: 'later', code: 550, why: 'limit' })).toEqual({ kind: 'pause', until: now + 6 * hourMs });
  });

  it("is the end when a recipient's server refuses, but not when a node's does", () => {
    const refused: SendOutcome = { kind: 'refused', code: 550 };
    expect(after(refused, 1, 0, 'delivery')).toEqual({ kind: 'give-up' });
    expect(after(refused)).toEqual({ kind: 'retry', at: now + 15 * minuteMs });
  });
});
