import { setTimeout as sleep } from 'node:timers/promises';
import { handIn } from '../demo/hand-in.js';
import type { Actor } from './actor.js';
import type { Ledger } from './ledger.js';
import type { Letter } from './letters.js';

const againMs = 2000;

const codeOf = (error: unknown): number | undefined => (error as { readonly responseCode?: number }).responseCode;

/** What mail programs did with letters. */
export interface Handed {
  accepted: number;
  /** For good. */
  refused: number;
  /** Tries that failed: the client was away, or said later. */
  again: number;
}

/** Hands letters in as a mail program does that doesn't give up before its user does. */
export class PostOffice {
  readonly #ledger: Ledger;
  readonly #stop = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  readonly counts: Handed = { accepted: 0, refused: 0, again: 0 };

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async #insist(letter: Letter, client: Actor): Promise<void> {
    this.#ledger.offer(letter);
    while (!this.#stop.signal.aborted) {
      const { door } = client;
      try {
        if (door !== undefined) {
          await handIn(door, letter);
          this.#ledger.accept(letter);
          this.counts.accepted++;
          return;
        }
      } catch (error) {
        if ((codeOf(error) ?? 400) >= 500) {
          this.counts.refused++;
          return;
        }
        this.counts.again++;
      }
      await sleep(againMs);
    }
  }

  post(letter: Letter, client: Actor): void {
    const promise = this.#insist(letter, client).finally(() => this.#pending.delete(promise));
    this.#pending.add(promise);
  }

  /** Resolves when all have been taken, or the time is over: then nobody hands the rest in. */
  async close(patienceMs: number): Promise<void> {
    const all = Promise.all(this.#pending);
    await Promise.race([all, sleep(patienceMs)]);
    this.#stop.abort();
    await all;
  }
}
