import { hourMs } from '../base/units.js';
import type { Log } from '../ports/log.js';
import type { NoteStore } from '../ports/stores.js';

const noteName = 'published';
/** Mailboxes that are out of reach come back mostly: nobody is told another address before that, counted from when it is due. */
const patienceMs = 2 * hourMs;

export interface PublishedDeps {
  readonly store: NoteStore;
  /** Of all accounts of the node, the first one first. */
  readonly addresses: readonly string[];
  /** How often each mailbox is read at least. */
  readonly pollMs: number;
  readonly log: Log;
}

/**
 * The address that packets are sent to, of a node with several accounts: the first one's, until its mailbox can't be read
 * for hours while another can. Then it is that one's, and stays so: each change has to be proven to the authorities, and is in
 * the list of the day after. One for the life of the process.
 */
export class Published {
  readonly #deps: PublishedDeps;
  readonly #readAt = new Map<string, number>();
  #since: number | undefined;

  constructor(deps: PublishedDeps) {
    this.#deps = deps;
  }

  /** That account's mailbox was read to its end. */
  read(address: string, now: number): void {
    this.#readAt.set(address, now);
  }

  /** @throws StoreError */
  at(now: number): string {
    const { store, addresses, pollMs, log } = this.#deps;
    const mostMs = pollMs + patienceMs;
    const [first = ''] = addresses;
    const kept = store.note(noteName);
    const current = kept !== undefined && addresses.includes(kept) ? kept : first;
    this.#since ??= now;
    const since = Math.min(this.#since, now);
    const unreadMs = (address: string): number => now - Math.min(now, this.#readAt.get(address) ?? since);
    if (unreadMs(current) < mostMs) return current;
    const other = addresses.find((address) => this.#readAt.has(address) && unreadMs(address) < mostMs);
    if (other === undefined) return current;
    store.setNote(noteName, other);
    log.warn('announce/other-address');
    return other;
  }
}
