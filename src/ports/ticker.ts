/** Runs jobs on a schedule. A tick that comes while the job still runs is skipped. */
export interface Ticker {
  /**
   * @param schedule a cron expression of 5 fields, or 6 with seconds first
   * @param job its rejection is a bug of the job: jobs log their own failures
   */
  readonly every: (schedule: string, job: () => Promise<void>) => Ticking;
}

export interface Ticking {
  /** Ends the schedule and resolves when a running job has ended. */
  readonly stop: () => Promise<void>;
}
