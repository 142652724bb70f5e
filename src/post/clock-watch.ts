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
const keepEveryMs = 10 * minuteMs;
/** A clock that is set back by less is waited for. */
const waitedForMs = hourMs;

/**
 * Looks whether the clock was set back: it had been ahead, or is wrong now. What was to wait until a moment that is far
 * away again, mails, pauses, packets in the pool, waits as long as it still had to, and not as much longer as the clock lost. How
 * much the account has sent in the last day nobody knows then: the worst is assumed.
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
    store.atomically(() => {
      store.setNote(noteName, `${now}`);
      if (!isSetBack) return;
      store.setBack(backMs);
      budget?.drain(now);
    });
    if (isSetBack) log.warn('clock/set-back', { minutes: Math.round(backMs / minuteMs) });
  }
};
