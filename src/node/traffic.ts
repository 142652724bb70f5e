import { toOneDigit } from '../base/coarse.js';
import { dayMs, hourMs } from '../base/units.js';
import type { NoteStore } from '../ports/stores.js';
import type { Allowance } from '../post/account.js';
import type { Capacity, Descriptor, Load } from '../route/descriptor.js';

// What a node tells the directory of its traffic: sums of days, never of a mail.

/** Counts of one flush. */
export interface Flushed {
  /** Packets that left the pool. */
  readonly packets: number;
  /** Mails for recipients. */
  readonly deliveries: number;
}

interface Day extends Flushed {
  /** Days since 1970. */
  readonly day: number;
  readonly flushes: number;
  /** Mails of all kinds that the account has sent. */
  readonly mails: number;
}

/** Plain data, kept as JSON. */
interface Traffic {
  readonly since: number;
  /** What `Allowance.spent` was last. */
  readonly spent: number;
  /** In order, the last seven at most. */
  readonly days: readonly Day[];
}

const noteName = 'traffic';
const mostDays = 7;
/** Before that nothing is said: a few flushes are no mean. */
const leastMs = hourMs;

const keptIn = (store: NoteStore): Traffic | undefined => {
  const text = store.note(noteName);
  // Only this program writes it.
  return text === undefined ? undefined : (JSON.parse(text) as Traffic);
};

/** Adds a flush to the sums. */
export const countFlush = (
  store: NoteStore,
  budget: Allowance | undefined,
  { packets, deliveries }: Flushed,
  now: number,
): void => {
  const spent = budget?.spent() ?? 0;
  const kept = keptIn(store) ?? { since: now, spent, days: [] };
  const today = Math.floor(now / dayMs);
  const last = kept.days.at(-1);
  // A clock that was set back adds to the last day there is.
  const isNew = last === undefined || last.day < today;
  const old = isNew ? { day: today, flushes: 0, packets: 0, deliveries: 0, mails: 0 } : last;
  const day: Day = {
    day: old.day,
    flushes: old.flushes + 1,
    packets: old.packets + packets,
    deliveries: old.deliveries + deliveries,
    mails: old.mails + Math.max(0, spent - kept.spent),
  };
  const days = [...(isNew ? kept.days : kept.days.slice(0, -1)), day].slice(-mostDays);
  store.setNote(noteName, JSON.stringify({ since: kept.since, spent, days } satisfies Traffic));
};

/** What a descriptor says of a node's account and its traffic. */
export type Figures = Pick<Descriptor, 'capacity' | 'load'>;

/**
 * What this node has to say now; undefined of what it does not know. To one digit: enough to choose paths by, and too little
 * to see a message in.
 */
export const figuresOf = (store: NoteStore, budget: Allowance | undefined, now: number): Figures => {
  const kept = keptIn(store);
  const [first] = kept?.days ?? [];
  const sum = (of: (day: Day) => number): number => (kept?.days ?? []).reduce((total, day) => total + of(day), 0);
  const spanMs = kept === undefined || first === undefined ? 0 : now - Math.max(kept.since, first.day * dayMs);
  const isKnown = spanMs >= leastMs;
  const perDay = budget?.perDay(now);
  const mailsADay = isKnown ? (sum(({ mails }) => mails) * dayMs) / spanMs : 0;
  return {
    capacity: perDay === undefined ? undefined : capacityOf(perDay, mailsADay),
    load: isKnown
      ? {
          packets: toOneDigit(sum(({ packets }) => packets) / sum(({ flushes }) => flushes), Math.round),
          deliveries: toOneDigit((sum(({ deliveries }) => deliveries) * dayMs) / spanMs, Math.round),
        }
      : undefined,
  };
};

// Downwards: no more is promised than there is.
const capacityOf = (perDay: number, mailsADay: number): Capacity => ({
  perDay: toOneDigit(perDay, Math.floor),
  free: toOneDigit(Math.max(0, perDay - mailsADay), Math.floor),
});

const isFar = (one: number, other: number): boolean =>
  one !== other && Math.max(one, other) >= 2 * Math.min(one, other);

const differ = <T extends Capacity | Load>(
  known: T | undefined,
  wanted: T | undefined,
  keys: readonly (keyof T)[],
): boolean =>
  wanted !== undefined && (known === undefined || keys.some((key) => isFar(Number(known[key]), Number(wanted[key]))));

/** Whether figures have changed so far that others ought to hear: one of them by a factor of two. */
export const haveMoved = (known: Figures, wanted: Figures): boolean =>
  differ(known.capacity, wanted.capacity, ['perDay', 'free']) ||
  differ(known.load, wanted.load, ['packets', 'deliveries']);
