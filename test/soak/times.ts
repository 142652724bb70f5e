/** Of the network in a run, on the clocks of its processes. */
export const mixIntervalMinutes = 12;

/** What the clocks of the network show, in epoch milliseconds, as test/soak/clock.ts has it; the real time outside of a run. */
export const networkNow = (): number => {
  const now = Date.now();
  const [begunAt = now, factor = 1, startAt = begunAt] = (process.env['MIXMAILER_SOAK_CLOCK'] ?? `${now}`)
    .split(':')
    .map(Number);
  return startAt + (now - begunAt) * factor;
};

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
