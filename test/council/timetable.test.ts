import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, secondMs } from '../../src/base/units.js';
import { isOnTimetable, numberAt, timesOf, wantedNumber } from '../../src/council/timetable.js';
import { now } from '../route/nodes.js';

describe('the timetable', () => {
  it('of a day is vote at noon, reveal at 3, echo at 6, sign at 9 in the evening', () => {
    const times = timesOf(dayMs, now / dayMs);
    expect(times).toEqual({
      voteAt: now - 12 * hourMs,
      revealAt: now - 9 * hourMs,
      echoAt: now - 6 * hourMs,
      signAt: now - 3 * hourMs,
      validFrom: now,
      freshUntil: now + dayMs,
      validUntil: now + 3 * dayMs,
    });
  });

  it('is the same for a period of seconds', () => {
    expect(timesOf(8 * secondMs, 10)).toMatchObject({ voteAt: 76_000, signAt: 79_000, validFrom: 80_000 });
  });

  it('has a list for every moment, and the next one is wanted as soon as it is signed', () => {
    const number = now / dayMs;
    expect([numberAt(dayMs, now - 1), numberAt(dayMs, now)]).toEqual([number - 1, number]);
    const { signAt } = timesOf(dayMs, number);
    expect([wantedNumber(dayMs, signAt - 1), wantedNumber(dayMs, signAt)]).toEqual([number - 1, number]);
  });

  it('ends with the year 9999', () => {
    expect(isOnTimetable(dayMs, 2_932_893)).toBe(true);
    expect(isOnTimetable(dayMs, 2_932_894)).toBe(false);
    expect(isOnTimetable(90 * dayMs, 999_999_999)).toBe(false);
  });
});
