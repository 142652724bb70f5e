import type { Network } from '../route/network.js';
import type { Role } from './health.js';

/** What a process counts by name: `mix/in`, `post/accepted`, `mix/packet/bad-mac` (event of the log, and word in it). */
export type Counts = Readonly<Record<string, number>>;

/** What a mail account may send. */
export interface AccountTold {
  /** Mails a day, now. */
  readonly perDay: number;
  readonly perHour: number | undefined;
  readonly perMinute: number | undefined;
  /** In its first month it sends a third. */
  readonly isYoung: boolean;
  /** Its provider has complained: it sends less. */
  readonly isWarned: boolean;
}

/** What a node knows by its loops. */
export interface HeartbeatTold {
  /** Too few come home: nothing leaves the pool. */
  readonly isHolding: boolean;
  /** Part of them that comes home, learned over about a day, 0 to 1. */
  readonly returned: number;
  /** How many are made in a mix interval, on average. */
  readonly perInterval: number;
}

/** What there is in a process just now, exactly. It stays inside the process: what is told of it is coarse. */
export interface Look {
  /** How many wait, by what: `pool`, `outgoing`, ... */
  readonly waiting: Counts;
  readonly account: AccountTold;
  /** Mails that the account has sent in all. */
  readonly spent: number;
  /** Of a node. */
  readonly heartbeat: HeartbeatTold | undefined;
  /** The list in force; undefined while there is none. */
  readonly network: Network | undefined;
}

/** Loops of a time; each undefined where they were too few to be told of. */
export interface LoopsTold {
  /** Part of those that were made that came home, in tenths, at most 1. */
  readonly partHome: number | undefined;
  /** How long they were on their way, to the next ten minutes: half of them no longer, */
  readonly medianMs: number | undefined;
  /** and nine in ten. */
  readonly p90Ms: number | undefined;
}

/** Sums of a time, each told by `coarseCount`; counts that are not told are not named either. */
export interface SumsTold {
  readonly counts: Counts;
  /** Mails that the account has sent; undefined where that is not known. */
  readonly mails: number | undefined;
  readonly loops: LoopsTold;
}

/** A full hour that is over. */
export interface HourTold extends SumsTold {
  /** When it began. */
  readonly at: number;
  /** What waited at its end. */
  readonly waiting: Counts;
  /** What the meter said at its end, in bits to a tenth; undefined where it can't tell. */
  readonly bits: number | undefined;
}

/**
 * What a process tells of itself to whoever looks after it. Nothing in it links a mail in to a mail out: counts are sums of
 * hours that are over, rounded down by `coarseCount`; what waits is looked at every ten minutes and rounded in the same way;
 * times are those of ten minutes. What is exact stands in the list, which everybody has.
 */
export interface Status {
  readonly role: Role;
  /** What the list calls it. */
  readonly name: string | undefined;
  readonly version: string;
  /** When this was told. */
  readonly at: number;
  /** To ten minutes. */
  readonly startedAt: number;
  readonly isLive: boolean;
  readonly isReady: boolean;
  readonly findings: readonly { readonly kind: 'good' | 'bad' | 'note'; readonly text: string }[];
  /** When it was last looked how much waits. */
  readonly lookedAt: number;
  readonly waiting: Counts;
  readonly account: AccountTold;
  readonly heartbeat: HeartbeatTold | undefined;
  /** Bits below which a client sends nothing; 0: it sends whatever the meter says; undefined of who is no client. */
  readonly floorBits: number | undefined;
  /** What the meter says now. */
  readonly bits: number | undefined;
  readonly network: Network | undefined;
  /** Since the start of the process, oldest first, at most a week of them. */
  readonly hours: readonly HourTold[];
  /** Of the last hours that are over, at most 24. */
  readonly day: SumsTold & { readonly hours: number };
}

/** What the server of the status page shows; finished texts. */
export interface StatusSite {
  /** @param way path of the session, which begins and ends with a slash */
  readonly page: (way: string) => string;
  /** What changes in the page: its main part. */
  readonly parts: () => string;
  /** @param hint why the last try failed */
  readonly logIn: (hint: string | undefined) => string;
  /** Of Prometheus. */
  readonly metrics: () => string;
  /** By their paths; the same for everybody. */
  readonly files: ReadonlyMap<string, { readonly type: string; readonly text: string }>;
}
