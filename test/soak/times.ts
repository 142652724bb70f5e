/** Of the network in a run, on the clocks of its processes. */
export const mixIntervalMinutes = 12;

const leastAfterMs = 40_000;
/** A flush begins when its minute comes, and what leaves at it is handed over in some seconds. */
const intervals = 1.25;

/**
 * Real time to wait, when all is over, for a second copy of what has come: it would leave at the next flush.
 *
 * @param factor how much faster the clocks of the processes run
 */
export const afterMsAt = (factor: number): number =>
  Math.max(leastAfterMs, (intervals * mixIntervalMinutes * 60_000) / factor);
