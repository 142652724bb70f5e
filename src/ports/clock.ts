/** The time, as everything outside the pure rooms asks for it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number;
}
