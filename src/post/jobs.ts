import { ClientError, ConfigError, MailError, RouteError, StoreError } from '../base/errors.js';
import { minuteMs, secondMs } from '../base/units.js';
import type { Log } from '../ports/log.js';
import type { Ticker, Ticking, TickOptions } from '../ports/ticker.js';

/** How a process comes to its end, after it was told to stop. */
export interface Ending {
  /** Aborts when no server is to be waited for that nothing has been handed to yet. */
  readonly reach: AbortSignal;
  /** Aborts when what is under way is to be cut off. */
  readonly cut: AbortSignal;
}

/**
 * Work of a process.
 *
 * @param signal aborts when nothing new is to be begun
 */
export type Job = (signal: AbortSignal, ending: Ending) => Promise<void> | void;

/** So long after the stop a mail server may take to answer at all. */
export const reachMs = 3 * secondMs;
/** So long after the stop mails that are due are still begun. */
export const lastCallMs = 10 * secondMs;
/** So long after the stop what is under way is cut off: well within the 60 s of `TimeoutStopSec` in the systemd unit. */
export const cutMs = 25 * secondMs;

/** After a failure a loop rests this long, twice as long after each one more, and never longer than the second. */
const firstRestMs = 15 * secondMs;
const longestRestMs = 15 * minuteMs;

const notOurs = [MailError, StoreError, RouteError, ClientError] as const;
const isNotOurs = (error: unknown): error is InstanceType<(typeof notOurs)[number]> =>
  notOurs.some((kind) => error instanceof kind);

/** Resolves after that time, or when the signal aborts. */
export const rest = (forMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, forMs);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });

/**
 * The jobs of one process, which start together and end together.
 *
 * After the stop what is under way comes to its end, and what is due is handed over; for a while (`lastCallMs`, `cutMs`).
 *
 * When the world fails a job (mail server gone, disk full, network list expired, a program that takes no reply now), it is said in the log and the job's
 * next turn tries again. When the job itself is wrong, all jobs stop and `finished` rejects.
 */
export class Jobs {
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #endings: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #last: (() => void)[] = [];
  readonly #reach = new AbortController();
  readonly #lastCall = new AbortController();
  readonly #cut = new AbortController();
  #timers: readonly ReturnType<typeof setTimeout>[] = [];
  readonly signal: AbortSignal;

  constructor(log: Log, signal: AbortSignal) {
    this.#log = log;
    this.signal = AbortSignal.any([signal, this.#stop.signal]);
    const stopped = (): void => {
      this.#timers = [
        setTimeout(() => this.#reach.abort(), reachMs),
        setTimeout(() => this.#lastCall.abort(), lastCallMs),
        setTimeout(() => this.#cut.abort(), cutMs),
      ];
    };
    if (this.signal.aborted) stopped();
    else this.signal.addEventListener('abort', stopped, { once: true });
  }

  /** Aborts when what is under way is to be cut off. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Does the job once. @returns whether the world let it */
  async #once(job: Job, signal = this.signal): Promise<boolean> {
    try {
      await job(signal, { reach: this.#reach.signal, cut: this.cut });
      return true;
    } catch (error) {
      if (isNotOurs(error)) {
        // Whoever stops lets go of connections.
        const isLetGo = this.signal.aborted && error instanceof MailError;
        if (!isLetGo) this.#log.warn(error.code, { message: error.message });
      } else {
        this.#stop.abort(error);
      }
      return false;
    }
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Does the job now, once. */
  once(job: Job): void {
    this.#track(this.#once(job).then(() => undefined));
  }

  /** Does the job at every tick of the schedule. @param options how much later than the schedule each tick comes */
  every(ticker: Ticker, schedule: string, job: Job, options?: TickOptions): void {
    const ticking = this.#tick(ticker, schedule, job, options);
    this.#endings.push(() => ticking.stop());
  }

  #tick(ticker: Ticker, schedule: string, job: Job, options?: TickOptions): Ticking {
    const once = async (): Promise<void> => {
      await this.#once(job);
    };
    return ticker.every(schedule, once, options);
  }

  /**
   * Does the job at every tick of a schedule that may change, or not be known yet.
   *
   * @param schedule the one that holds now; undefined: none
   * @param options how much later than the schedule each tick comes
   * @returns asks for the schedule again, and goes by it from then on
   */
  everyNow(ticker: Ticker, schedule: () => string | undefined, job: Job, options?: TickOptions): () => void {
    let known: string | undefined;
    let ticking: Ticking | undefined;
    const look = (): void => {
      const wanted = schedule();
      if (wanted === known || this.signal.aborted) return;
      known = wanted;
      try {
        const next = wanted === undefined ? undefined : this.#tick(ticker, wanted, job, options);
        if (ticking !== undefined) this.#track(ticking.stop());
        ticking = next;
      } catch (error) {
        // Of a day that never comes: the one before still holds.
        if (!(error instanceof ConfigError)) throw error;
        this.#log.warn(error.code, { message: error.message });
      }
    };
    this.#endings.push(async () => ticking?.stop());
    look();
    return look;
  }

  /** Does the job again and again, resting after failures whatever happens meanwhile: servers lock out who hurries. */
  loop(job: Job): void {
    const turns = async (): Promise<void> => {
      for (let failures = 0; !this.signal.aborted;) {
        failures = (await this.#once(job)) ? 0 : failures + 1;
        if (failures > 0) await rest(Math.min(firstRestMs * 2 ** (failures - 1), longestRestMs), this.signal);
      }
    };
    this.#track(turns());
  }

  /** A job that runs when woken, never twice at once; woken while it runs, it runs once more. */
  waking(job: Job): () => void {
    return this.#waking(job, this.signal);
  }

  /** Like `waking`; it still runs when woken shortly after the stop, and runs once more when all other jobs have ended. */
  finishing(job: Job): () => void {
    const wake = this.#waking(job, this.#lastCall.signal);
    this.#last.push(wake);
    return wake;
  }

  #waking(job: Job, signal: AbortSignal): () => void {
    let wanted = false;
    let busy = false;
    const turns = async (): Promise<void> => {
      busy = true;
      while (wanted && !signal.aborted) {
        wanted = false;
        await this.#once(job, signal);
      }
      busy = false;
    };
    return () => {
      wanted = true;
      if (!busy) this.#track(turns());
    };
  }

  /** Resolves when the signal has aborted and every job has come to its end. */
  async finished(): Promise<void> {
    if (!this.signal.aborted) {
      await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await Promise.all(this.#endings.map((end) => end()));
    await Promise.all(this.#running);
    // A process that is wrong doesn't go on.
    if (!this.#stop.signal.aborted) for (const wake of this.#last) wake();
    await Promise.all(this.#running);
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
  }
}
