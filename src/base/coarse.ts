import { minuteMs } from './units.js';

// How exactly a process tells of itself. Who sees what goes into a node and what comes out learns from exact counts and
// times which of these belong together; from these it does not.

/** No time of what a process does is told finer: it would say when mails came. */
export const coarseMs = 10 * minuteMs;

export const coarseAt = (at: number): number => Math.floor(at / coarseMs) * coarseMs;

/** Of fewer than these nothing is told, not even that there are any. */
export const leastTold = 10;

/** To one significant digit. @param value at least 0 */
export const toOneDigit = (value: number, round: (value: number) => number): number => {
  if (value < 1) return round(value);
  const unit = 10 ** Math.floor(Math.log10(value));
  return round(value / unit) * unit;
};

/** How many there are, or fewer: 0 below `leastTold`, then 10, 20, ... 90, 100, 200. */
export const coarseCount = (count: number): number => (count < leastTold ? 0 : toOneDigit(count, Math.floor));
