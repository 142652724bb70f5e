import type { NoteStore } from '../ports/stores.js';
import { roundAt } from './hear.js';

const noteName = 'restored-at';

/** What this authority has signed before `at`, it does not know any more: its store is that of a backup. */
export const noteRestored = (store: NoteStore, at: number): void => store.setNote(noteName, String(Math.floor(at)));

/** The process before may have had another clock, and begun the next round by it. */
const clocksDifferPart = 1 / 8;

/**
 * Whether this authority may have signed something for that number which it does not know of: every round that had begun
 * when it was restored. It signs nothing for those, since a second document for a number is a contradiction for good.
 */
export const abstainsFrom = (store: Pick<NoteStore, 'note'>, periodMs: number, number: number): boolean => {
  const restoredAt = store.note(noteName);
  return restoredAt !== undefined && number <= roundAt(periodMs, Number(restoredAt) + clocksDifferPart * periodMs);
};
