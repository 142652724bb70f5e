import { coarseAt, coarseCount, coarseMs, leastTold } from '../base/coarse.js';
import { hourMs, minuteMs } from '../base/units.js';
import { meterOf } from '../mix/meter.js';
import type { Clock } from '../ports/clock.js';
import type { HealthRecord } from '../ports/health.js';
import type { Log } from '../ports/log.js';
import type { Counts, HeartbeatTold, HourTold, Look, LoopsTold, Status, SumsTold } from '../ports/status.js';
import type { Network } from '../route/network.js';
import { judgeHealth } from './health.js';

/** Events of the log that count something. */
const counted: ReadonlySet<string> = new Set(['mix', 'post', 'collect', 'directory', 'gather', 'probes']);
/** What is no number of something that happened: the same ones again and again, or no count at all. */
const notSummed: ReadonlySet<string> = new Set(['mix/held', 'mix/hopBits', 'post/waits-for-budget']);

/** Hours that are told of one by one. */
const mostHours = 7 * 24;
/** Hours of which the exact sums are still at hand: those of the day that is told as one. */
const hoursADay = 24;
/** The sums of an hour are told to the log when it is over, within some seconds. */
const settleMs = minuteMs;

/** An hour as it was; in memory only. */
interface Hour {
  readonly at: number;
  readonly counts: Map<string, number>;
  /** Loops that came home, by how many times ten minutes they took. */
  readonly took: Map<number, number>;
  /** Loops that were made, on average. */
  made: number;
  mails: number | undefined;
}

const emptyHour = (at: number): Hour => ({ at, counts: new Map(), took: new Map(), made: 0, mails: undefined });

const hourOf = (now: number): number => Math.floor((now - settleMs) / hourMs) * hourMs;

const add = <K>(sums: Map<K, number>, name: K, count: number): void => {
  sums.set(name, (sums.get(name) ?? 0) + count);
};

const sumOf = (hours: readonly Hour[]): Hour => {
  const sum = emptyHour(hours[0]?.at ?? 0);
  for (const { counts, took, made, mails } of hours) {
    for (const [name, count] of counts) add(sum.counts, name, count);
    for (const [tens, count] of took) add(sum.took, tens, count);
    sum.made += made;
    if (mails !== undefined) sum.mails = (sum.mails ?? 0) + mails;
  }
  return sum;
};

const coarseCounts = (counts: Iterable<readonly [string, number]>): Counts =>
  Object.fromEntries([...counts].map(([name, count]) => [name, coarseCount(count)]));

/** The end of the ten minutes within which that part of them was home. */
const quantileMs = (took: ReadonlyMap<number, number>, part: number): number | undefined => {
  const total = [...took.values()].reduce((a, b) => a + b, 0);
  if (total < leastTold) return undefined;
  let home = 0;
  for (const [tens, count] of [...took].toSorted(([a], [b]) => a - b)) {
    home += count;
    if (home >= part * total) return (tens + 1) * coarseMs;
  }
  return undefined;
};

const loopsTold = ({ counts, took, made }: Hour): LoopsTold => ({
  partHome: made < leastTold ? undefined : Math.min(1, Math.round((10 * (counts.get('mix/loop') ?? 0)) / made) / 10),
  medianMs: quantileMs(took, 0.5),
  p90Ms: quantileMs(took, 0.9),
});

const sumsTold = (hour: Hour): SumsTold => ({
  // That a name is there would tell that there was one.
  counts: coarseCounts(
    [...hour.counts].filter(([, count]) => count >= leastTold).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ),
  mails: hour.mails === undefined ? undefined : coarseCount(hour.mails),
  loops: loopsTold(hour),
});

const coarseHeartbeat = (heartbeat: HeartbeatTold): HeartbeatTold => ({
  ...heartbeat,
  returned: Math.round(20 * heartbeat.returned) / 20,
});

/** Of whom the book is. */
export interface Keeping {
  readonly name: string | undefined;
  readonly version: string;
  readonly floorBits: number | undefined;
  /** Looks at what there is now. @throws StoreError */
  readonly look: (now: number) => Look;
}

/**
 * What a process remembers of its last week for the status page. One for the life of the process, and in memory alone: a
 * history on the disk would be there for whoever takes the disk.
 *
 * It hears what the log hears, looks every ten minutes how much waits, and closes an hour a minute after its end.
 */
export class Book {
  readonly #clock: Clock;
  #keeping: Keeping | undefined;
  #record: HealthRecord | undefined;
  #hour: Hour;
  #day: readonly Hour[] = [];
  #hours: readonly HourTold[] = [];
  #looked: { readonly at: number; readonly look: Look; readonly bits: number | undefined } | undefined;
  #metered: { readonly network: Network; readonly bits: number | undefined } | undefined;
  /** `Look.spent` when the running hour began; undefined: the process began in it. */
  #spent: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#hour = emptyHour(hourOf(clock.now()));
  }

  /** The same log, of which the book keeps the counts. */
  log(log: Log): Log {
    return {
      info: (event, counts = {}) => {
        this.#count(event, counts);
        log.info(event, counts);
      },
      warn: (event, counts) => log.warn(event, counts),
    };
  }

  /** A loop of this node came home. */
  loopCameHome(tookMs: number): void {
    add(this.#hour.took, Math.max(0, Math.floor(tookMs / coarseMs)), 1);
  }

  /** What is looked at is there. */
  begin(keeping: Keeping): void {
    this.#keeping = keeping;
  }

  /** A minute has passed, and that is what the process tells of itself. @throws StoreError */
  beat(record: HealthRecord): void {
    this.#record = record;
    if (this.#keeping === undefined) return;
    const now = this.#clock.now();
    const hour = hourOf(now);
    const isOver = hour !== this.#hour.at;
    if (!isOver && this.#looked !== undefined && this.#looked.at === coarseAt(now)) return;
    const look = this.#keeping.look(now);
    this.#looked = { at: coarseAt(now), look, bits: this.#bits(look.network) };
    if (isOver) this.#turn(hour);
  }

  /** @returns undefined before the process has told of itself */
  status(): Status | undefined {
    if (this.#keeping === undefined || this.#record === undefined || this.#looked === undefined) return undefined;
    const { name, version, floorBits } = this.#keeping;
    const { at: lookedAt, look, bits } = this.#looked;
    const { role, at, startedAt } = this.#record;
    return {
      ...judgeHealth(this.#record, true, at),
      role,
      name,
      version,
      at,
      startedAt: coarseAt(startedAt),
      lookedAt,
      waiting: coarseCounts(Object.entries(look.waiting)),
      account: look.account,
      heartbeat: look.heartbeat && coarseHeartbeat(look.heartbeat),
      floorBits,
      bits,
      network: look.network,
      hours: this.#hours,
      day: { ...sumsTold(sumOf(this.#day)), hours: this.#day.length },
    };
  }

  #count(event: string, counts: Readonly<Record<string, number | string>>): void {
    if (!counted.has(event)) return;
    if (event === 'mix') this.#hour.made += this.#looked?.look.heartbeat?.perInterval ?? 0;
    for (const [word, count] of Object.entries(counts)) {
      const name = `${event}/${word}`;
      if (typeof count === 'number' && !notSummed.has(name)) add(this.#hour.counts, name, count);
    }
  }

  /** What the meter says of a list, reckoned once for each: it takes some milliseconds. */
  #bits(network: Network | undefined): number | undefined {
    if (network !== this.#metered?.network) {
      const bits = network && meterOf(network);
      this.#metered = network && { network, bits: bits && Math.round(10 * bits) / 10 };
    }
    return this.#metered?.bits;
  }

  /** The running hour is over. */
  #turn(next: number): void {
    const { look, bits } = this.#looked ?? {};
    const spent = look?.spent;
    const over = this.#hour;
    if (spent !== undefined && this.#spent !== undefined) over.mails = Math.max(0, spent - this.#spent);
    this.#spent = spent;
    this.#hour = emptyHour(next);
    // Of a clock that was ahead and is set right, what it has said of hours to come goes.
    const isPast = ({ at }: { readonly at: number }): boolean => at < next;
    const told = { ...sumsTold(over), at: over.at, waiting: coarseCounts(Object.entries(look?.waiting ?? {})), bits };
    this.#day = [...this.#day, over].filter(isPast).filter(({ at }) => at >= next - hoursADay * hourMs);
    this.#hours = [...this.#hours, told].filter(isPast).slice(-mostHours);
  }
}
