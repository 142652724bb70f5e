import cron from 'node-cron';
import { ConfigError } from '../base/errors.js';
import type { Ticker } from '../ports/ticker.js';

/**
 * The ticker over node-cron, in UTC.
 *
 * @throws ConfigError if the schedule is no cron expression
 */
export const cronTicker: Ticker = {
  every: (schedule, job) => {
    if (!cron.validate(schedule)) {
      throw new ConfigError(`schedule: expected a cron expression such as "*/12 * * * *", got "${schedule}"`);
    }
    let running: Promise<void> = Promise.resolve();
    let busy = false;
    const task = cron.schedule(
      schedule,
      () => {
        if (busy) return;
        busy = true;
        running = job().finally(() => (busy = false));
        return running;
      },
      { timezone: 'UTC', suppressMissedWarning: true },
    );
    return {
      stop: async () => {
        await task.destroy();
        await running;
      },
    };
  },
};
