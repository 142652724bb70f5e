import { beat, newHeartbeat } from '../mix/heartbeat.js';
import type { Heartbeat } from '../mix/heartbeat.js';
import type { LoopStore, NoteStore } from '../ports/stores.js';

/** The heartbeat as it stood at the last flush, and what has happened since. */
interface Pulse {
  readonly heart: Heartbeat;
  readonly sent: number;
  readonly home: number;
}

const noteName = 'heartbeat';

const pulseOf = (store: Pick<NoteStore, 'note'>): Pulse => {
  const text = store.note(noteName);
  if (text === undefined) return { heart: newHeartbeat, sent: 0, home: 0 };
  const kept = JSON.parse(text) as Pulse;
  // An older version kept less.
  return { ...kept, heart: { ...newHeartbeat, ...kept.heart } };
};

const keep = (store: NoteStore, pulse: Pulse): void => store.setNote(noteName, JSON.stringify(pulse));

/** The heartbeat as it stood at the last flush. */
export const heartbeatIn = (store: Pick<NoteStore, 'note'>): Heartbeat => pulseOf(store).heart;

/**
 * A packet says that it is a loop of this node. Inside a transaction.
 *
 * @returns when it was sent; undefined if it is none: anybody can make a packet that ends here as a loop, but not one with an
 *   id that is under way
 */
export const comesHome = (store: NoteStore & LoopStore, loopId: Uint8Array): number | undefined => {
  const sentAt = store.takeLoop(loopId);
  if (sentAt === undefined) return undefined;
  const pulse = pulseOf(store);
  keep(store, { ...pulse, home: pulse.home + 1 });
  return sentAt;
};

/** An interval has passed: what the loops that came home in it tell. Inside the transaction of the flush. */
export const feelPulse = (store: NoteStore, now: number): { readonly before: Heartbeat; readonly heart: Heartbeat } => {
  const { heart: before, sent, home } = pulseOf(store);
  const heart = beat(before, { sent, home, now });
  keep(store, { heart, sent: 0, home: 0 });
  return { before, heart };
};

/** Loops have been sent at this flush. @param mean how many it would be on average */
export const countSent = (store: NoteStore, mean: number): void => keep(store, { ...pulseOf(store), sent: mean });
