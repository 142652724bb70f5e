import type { Log } from '../ports/log.js';

/** Counts of mails that came and went. A line whenever there were some would say when. */
const summed: ReadonlySet<string> = new Set(['post', 'collect', 'directory', 'gather', 'probes']);

/** Of these the largest is told: the same mails wait again and again. */
const largest: ReadonlySet<string> = new Set(['waits-for-budget']);

/** How often the sums are told. */
export const tellSchedule = '0 * * * *';

/** The same log, in which counts of mails are summed until they are told. */
export class SummedLog implements Log {
  readonly #log: Log;
  readonly #sums = new Map<string, Map<string, number>>();

  constructor(log: Log) {
    this.#log = log;
  }

  info(event: string, counts: Readonly<Record<string, number | string>> = {}): void {
    if (!summed.has(event)) {
      this.#log.info(event, counts);
      return;
    }
    const sums = this.#sums.get(event) ?? new Map<string, number>();
    for (const [name, count] of Object.entries(counts)) {
      const known = sums.get(name) ?? 0;
      sums.set(name, largest.has(name) ? Math.max(known, Number(count)) : known + Number(count));
    }
    this.#sums.set(event, sums);
  }

  warn(event: string, counts?: Readonly<Record<string, number | string>>): void {
    this.#log.warn(event, counts);
  }

  /** Tells what was counted since the last time, a line an event. */
  tell(): void {
    for (const [event, sums] of this.#sums) this.#log.info(event, Object.fromEntries(sums));
    this.#sums.clear();
  }
}
