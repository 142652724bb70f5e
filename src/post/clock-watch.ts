import { hourMs, minuteMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { ClockStore, NoteStore, Store } from '../ports/stores.js';
import type { Allowance } from './account.js';

export interface ClockWatchDeps {
  readonly store: Store & NoteStore & ClockStore;
  readonly budget?: Allowance | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** The note that says what time it was when somebody looked last. */
const noteName = 'clock';
/** The note that says what a clock has lost; empty, or none: nothing, or it is where it had been. */
const lostName = 'clock-lost';
const keepEveryMs = 10 * minuteMs;
/** A clock that is set back by less is waited for. */
const waitedForMs = hourMs;

/** What a clock has lost that is not yet where it had been. */
interface Lost {
  /** By how much what waits was set back. */
  readonly byMs: number;
  /** What time it had been. */
  readonly from: number;
}

// Only this program writes it.
const lostIn = (text: string | undefined): Lost | undefined =>
  text === undefined || text === '' ? undefined : (JSON.parse(text) as Lost);

/**
 * Looks whether the clock was set back: it had been ahead, or is wrong now. What was to wait until a moment that is far
 * away again, mails, pauses, packets in the pool, waits as long as it still had to, and not as much longer as the clock lost. How
 * much the account has sent in the last day nobody knows then: the worst is assumed.
 *
 * A clock that was wrong then jumps to where it had been, and what waits goes with it: packets that have waited for minutes
 * must not be years old. A sleep may look the same. So nothing is set forward by more than the jump: what was due stays due.
 *
 * Who gives up by age what waits looks here first.
 *
 * @throws StoreError
 */
export const heedClock = ({ store, budget, clock, log }: ClockWatchDeps): void => {
  const now = clock.now();
  const seen = Number(store.note(noteName) ?? NaN);
  const backMs = seen - now;
  // Also when none is kept.
  if (!(Math.abs(backMs) < keepEveryMs)) {
    const isSetBack = backMs > waitedForMs;
    const lost = lostIn(store.note(lostName));
    store.atomically(() => {
      store.setNote(noteName, `${now}`);
      if (isSetBack) {
        store.setBack(backMs);
        const all: Lost = { byMs: backMs + (lost?.byMs ?? 0), from: Math.max(seen, lost?.from ?? seen) };
        store.setNote(lostName, JSON.stringify(all));
        budget?.drain(now);
      } else if (lost !== undefined && now > lost.from - waitedForMs) {
        if (backMs < -waitedForMs) store.setBack(Math.max(backMs, -lost.byMs));
        store.setNote(lostName, '');
      }
    });
    if (isSetBack) log.warn('clock/set-back', { minutes: Math.round(backMs / minuteMs) });
  }
};
