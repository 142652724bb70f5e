/** What is still to happen, in the order of its time; what is due at one time comes in the order it was put in. */
export class EventQueue<T> {
  // A binary heap in three arrays: to compare times is most of its work, and numbers in an array of their own are quick.
  readonly #at: number[] = [];
  readonly #order: number[] = [];
  readonly #events: T[] = [];
  #added = 0;

  get size(): number {
    return this.#at.length;
  }

  /** Time of the next event; Infinity if there is none. */
  get nextAt(): number {
    return this.#at[0] ?? Infinity;
  }

  add(at: number, event: T): void {
    this.#place(this.#at.length, at, this.#added++, event);
  }

  /** Takes the next event out; undefined if there is none. */
  take(): T | undefined {
    const event = this.#events[0];
    const [at, order, last] = [this.#at.pop(), this.#order.pop(), this.#events.pop()];
    if (at !== undefined && order !== undefined && this.#at.length > 0) this.#sink(at, order, last as T);
    return event;
  }

  /** Puts it where that place is, or above. */
  #place(free: number, at: number, order: number, event: T): void {
    let place = free;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#isLater(above, at, order)) break;
      this.#move(above, place);
      place = above;
    }
    this.#put(place, at, order, event);
  }

  #sink(at: number, order: number, event: T): void {
    const size = this.#at.length;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= size) break;
      const other = below + 1;
      if (other < size && this.#isLater(below, this.#at[other] as number, this.#order[other] as number)) below = other;
      if (this.#isLater(below, at, order)) break;
      this.#move(below, place);
      place = below;
    }
    this.#put(place, at, order, event);
  }

  #isLater(place: number, at: number, order: number): boolean {
    const own = this.#at[place] as number;
    return own > at || (own === at && (this.#order[place] as number) > order);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#at[from] as number, this.#order[from] as number, this.#events[from] as T);
  }

  #put(place: number, at: number, order: number, event: T): void {
    this.#at[place] = at;
    this.#order[place] = order;
    this.#events[place] = event;
  }
}
