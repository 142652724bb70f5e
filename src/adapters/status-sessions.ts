import { longestPageSessionMs, mostPageSessions } from '../base/bounds.js';
import { toHex } from '../base/bytes.js';
import type { Rng } from '../base/random.js';
import type { Clock } from '../ports/clock.js';
import { sameSecret } from './token-file.js';

const idBytes = 16;

/** Somebody who has shown the token. */
export interface Session {
  /** In the path of everything that it may see, 32 hex digits. */
  readonly id: string;
  /** In its cookie, 32 hex digits. */
  readonly secret: string;
  readonly until: number;
}

/**
 * Who is logged in, in memory alone.
 *
 * A browser sends a cookie to every port of a host, and another user of this machine may listen on one. So each session has a
 * path of its own that nobody can guess, and its cookie is sent there only: a page on another port, even one that the user
 * opens, does not get it.
 */
export class Sessions {
  readonly #rng: Rng;
  readonly #clock: Clock;
  #open: readonly Session[] = [];

  constructor(rng: Rng, clock: Clock) {
    this.#rng = rng;
    this.#clock = clock;
  }

  /** Begins one, and ends the oldest where there are too many. */
  begin(): Session {
    const draw = (): string => toHex(this.#rng(idBytes));
    const session = { id: draw(), secret: draw(), until: this.#clock.now() + longestPageSessionMs };
    this.#open = [...this.#living(), session].slice(-mostPageSessions);
    return session;
  }

  /** The session of that path, if the cookie is its. */
  find(id: string, secret: string | undefined): Session | undefined {
    const session = this.#living().find((one) => one.id === id);
    return session !== undefined && secret !== undefined && sameSecret(session.secret, secret) ? session : undefined;
  }

  isOpen(session: Session): boolean {
    return this.#living().includes(session);
  }

  end(session: Session): void {
    this.#open = this.#open.filter((one) => one !== session);
  }

  #living(): readonly Session[] {
    const now = this.#clock.now();
    this.#open = this.#open.filter(({ until }) => now < until && now > until - 2 * longestPageSessionMs);
    return this.#open;
  }
}
