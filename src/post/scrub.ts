import { dayMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { NoteStore, ScrubStore, Store } from '../ports/stores.js';

/** How often that is done. */
export const scrubSchedule = '4,14,24,34,44,54 * * * *';

export interface ScrubDeps {
  readonly store: Store & NoteStore & ScrubStore;
  readonly clock: Clock;
}

const noteName = 'scrubbed-at';

/** The whole file is due at the next turn: what was deleted just now is worth it. */
export const scrubSoon = ({ store }: ScrubDeps): void => store.setNote(noteName, '0');

/**
 * Destroys what remains in the files of what was deleted: packets that have left, tags of dead keys, recipients that were
 * forgotten. At each turn the log of the last changes, once a day the whole file.
 *
 * @throws StoreError
 */
export const scrubOnce = (deps: ScrubDeps): void => {
  const { store, clock } = deps;
  const now = clock.now();
  // Also after a clock that was set back.
  const isDue = Math.abs(now - Number(store.note(noteName) ?? 0)) >= dayMs;
  if (isDue) store.setNote(noteName, String(now));
  if (!store.scrub(isDue ? 'file' : 'log') && isDue) scrubSoon(deps);
};
