import cron from 'node-cron';
import { ConfigError } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { Ticker } from '../ports/ticker.js';

/** When the schedule comes next, and how to let go of it. */
interface Schedule {
  /** Epoch ms of the first match after now. */
  readonly next: () => number;
  readonly end: () => Promise<void>;
}

/** @throws ConfigError if it is no cron expression, or one of a day that never comes, such as February 30 */
const scheduleOf = (expression: string): Schedule => {
  try {
    const task = cron.createTask(expression, () => undefined, { timezone: 'UTC' });
    const next = (): number => task.getNextRuns(1)[0]?.getTime() ?? Infinity;
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
  every: (expression, job) => {
    const schedule = scheduleOf(expression);
    let running: Promise<void> | undefined;
    let next = schedule.next();
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      timer = setTimeout(beat, Math.min(Math.max(0, next - Date.now()), minuteMs));
    };
    const beat = (): void => {
      if (Date.now() >= next && running === undefined) running = job().finally(() => (running = undefined));
      next = schedule.next();
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
