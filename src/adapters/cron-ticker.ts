import cron from 'node-cron';
import { ConfigError } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { Ticker } from '../ports/ticker.js';

/** A tick of a schedule, and the one after it: epoch ms. */
interface Tick {
  readonly at: number;
  readonly nextAt: number;
}

/** When the schedule comes next, and how to let go of it. */
interface Schedule {
  /** The first match after now, and the second one. */
  readonly next: () => readonly [Tick, Tick];
  readonly end: () => Promise<void>;
}

/** @throws ConfigError if it is no cron expression, or one of a day that never comes, such as February 30 */
const scheduleOf = (expression: string): Schedule => {
  try {
    const task = cron.createTask(expression, () => undefined, { timezone: 'UTC' });
    const next = (): readonly [Tick, Tick] => {
      const [first = Infinity, second = Infinity, third = Infinity] = task.getNextRuns(3).map((date) => date.getTime());
      return [
        { at: first, nextAt: second },
        { at: second, nextAt: third },
      ];
    };
    next();
    return { next, end: async () => task.destroy() };
  } catch (cause) {
    throw new ConfigError(`schedule: expected a cron expression such as "*/12 * * * *", got "${expression}"`, {
      cause,
    });
  }
};

/**
 * The ticker: node-cron says when, in UTC; the waiting is done here, because node-cron leaves a tick out when the
 * process was busy for a second, goes through every tick of a week one by one after a week of sleep, and waits a year
 * when the clock was a year ahead. Here a tick that is late comes late, ticks that were slept through are one, and a
 * clock that jumps is noticed within a minute.
 *
 * @throws ConfigError if the schedule is no cron expression
 */
export const cronTicker: Ticker = {
  every: (expression, job, { phase } = {}) => {
    const schedule = scheduleOf(expression);
    const dueAt = ({ at, nextAt }: Tick): number => (phase === undefined ? at : at + phase() * (nextAt - at));
    let running: Promise<void> | undefined;
    let askedAt = Date.now();
    let [tick, after] = schedule.next();
    const askAgain = (now: number): void => {
      askedAt = now;
      [tick, after] = schedule.next();
    };
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      timer = setTimeout(beat, Math.min(Math.max(0, dueAt(tick) - Date.now()), minuteMs));
    };
    const beat = (): void => {
      const now = Date.now();
      if (now >= dueAt(tick)) {
        if (running === undefined) running = job().finally(() => (running = undefined));
        const late = after;
        askAgain(now);
        // The schedule has come already, its phase has not.
        if (late.at <= now && now < late.nextAt && now < dueAt(late)) [tick, after] = [late, tick];
      } else if (now < askedAt) {
        // The clock was set back. Not at every beat: the answer takes milliseconds.
        askAgain(now);
      }
      wait();
    };
    wait();
    return {
      stop: async () => {
        clearTimeout(timer);
        await schedule.end();
        await running;
      },
    };
  },
};
