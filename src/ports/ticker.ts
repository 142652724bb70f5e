/** Runs jobs on a schedule. A tick that comes while the job still runs is skipped. */
export interface Ticker {
  /**
   * @param schedule a cron expression of 5 fields, or 6 with seconds first
   * @param job its rejection is a bug of the job: jobs log their own failures
   */
  readonly every: (schedule: string, job: () => Promise<void>, options?: TickOptions) => Ticking;
}

export interface TickOptions {
  /**
   * How much later than its time a tick comes, as a part of the time to the next one: 0 to, not including, 1; at once, if
   * it is left out. Asked anew for each tick.
   */
  readonly phase?: () => number;
}

export interface Ticking {
  /** Ends the schedule and resolves when a running job has ended. */
  readonly stop: () => Promise<void>;
}
