/**
 * Counts of what has happened since the last report. Reported once per mix interval, never per mail: a log with a line
 * a packet would link what comes in to what goes out by its times.
 */
export class Tally {
  #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    if (count > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** The counts so far, which begin anew. */
  take(): Readonly<Record<string, number>> {
    const counts = Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#counts = new Map();
    return counts;
  }
}
