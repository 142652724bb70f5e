import type { Message } from './scenario.js';
import type { EntryMail, Flush, Sighting } from './sighting.js';

/** A message whose link the observer tries to find: where it went in and where it came out. */
export interface Target {
  readonly message: Message;
  readonly entry: EntryMail;
  readonly exit: Flush;
}

/** All that was seen in a run, in the order of time, and the truth behind it. */
export class Recording {
  readonly sightings: Sighting[] = [];
  readonly #entries = new Map<Message, EntryMail>();
  readonly #exits = new Map<Message, Flush>();

  readonly see = (sighting: Sighting, messages: readonly Message[]): void => {
    this.sightings.push(sighting);
    for (const message of messages)
      if (sighting.kind === 'entry') this.#entries.set(message, sighting);
      else this.#exits.set(message, sighting);
  };

  /** Of the messages that came in between those times and were delivered, that many, evenly spread over the time. */
  targets(most: number, { from, until }: { readonly from: number; readonly until: number }): readonly Target[] {
    const all: Target[] = [];
    for (const [message, entry] of this.#entries) {
      const exit = this.#exits.get(message);
      if (exit !== undefined && entry.at >= from && entry.at < until) all.push({ message, entry, exit });
    }
    const count = Math.min(most, all.length);
    return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as Target);
  }
}
