import { expect, it } from 'vitest';
import { cronTicker } from '../../src/adapters/cron-ticker.js';
import { ConfigError } from '../../src/base/errors.js';
import { dayMs, hourMs, minuteMs, secondMs } from '../../src/base/units.js';
import { meanIntervalMs } from '../../src/route/schedule.js';

it.each<[string, number]>([
  ['*/12 * * * *', 12 * minuteMs],
  ['* * * * *', minuteMs],
  ['0 * * * *', hourMs],
  ['0,30 * * * *', 30 * minuteMs],
  ['5-54/7 * * * *', hourMs / 8],
  ['0 0 * * *', dayMs],
  ['0 0 * * 1-5', (7 / 5) * dayMs],
  ['0 0 1 * *', 31 * dayMs],
  ['0 0 1 1 *', 372 * dayMs],
  ['*/4 * * * * *', 4 * secondMs],
  ['30 */12 * * * *', 12 * minuteMs],
  ['*/7 * * * *', hourMs / 9],
])('%s ticks every so often', async (schedule, intervalMs) => {
  expect(meanIntervalMs(schedule)).toBeCloseTo(intervalMs, 3);
  await cronTicker.every(schedule, () => Promise.resolve()).stop();
});

it.each([
  '',
  '* * * *',
  '* * * * * * *',
  '*/0 * * * *',
  'a * * * *',
  '1- * * * *',
  ',* * * * *',
  '99 * * * *',
  '10/20 * * * *',
])('%j is no schedule', (schedule) => {
  expect(meanIntervalMs(schedule)).toBeUndefined();
  expect(() => cronTicker.every(schedule, () => Promise.resolve())).toThrow(ConfigError);
});
