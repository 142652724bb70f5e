import { hourMs, minuteMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Cursor, Fetched } from '../ports/mail.js';
import type { CursorStore } from '../ports/stores.js';

/** Told once of a mail that the server refuses to give; whoever holds the mailbox can remove it. */
export const tellAside = 'mail/set-aside';

const firstAsideMs = minuteMs;
const longestAsideMs = hourMs;

/** How long a mail that the server does not give is not asked for. */
export interface Aside {
  readonly until: number;
  readonly forMs: number;
}

/** For a minute, in which a server mends itself; twice as long each time, up to an hour. */
export const asideFrom = (before: Aside | undefined, now: number): Aside => {
  const forMs = before === undefined ? firstAsideMs : Math.min(2 * before.forMs, longestAsideMs);
  return { until: now + forMs, forMs };
};

/** A folder in which reading has gone past mails that were refused. */
interface Passed {
  readonly uidValidity: string;
  /** The first of those. */
  readonly refusedUid: number;
  readonly reachedUid: number;
  readonly aside: Aside;
}

/**
 * The way of one reader through the folders of a mailbox. A mail that the server refuses to give holds up no other: the
 * reading goes past it, the cursor that is kept does not, and after a while all from there is read again. In
 * memory alone: a process that starts again reads from the kept cursor.
 */
export class Reading {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #passed = new Map<string, Passed>();
  /** How long it was last; as long as mails are refused. */
  readonly #last = new Map<string, Aside>();
  /** The last mail that the log was told of. */
  readonly #told = new Map<string, Cursor>();

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Where the reading goes on. @param name of the cursor in the store */
  from(store: CursorStore, name: string): Cursor | undefined {
    const passed = this.#passed.get(name);
    if (passed !== undefined && this.#clock.now() < passed.aside.until)
      return { uidValidity: passed.uidValidity, uid: passed.reachedUid };
    this.#passed.delete(name);
    return store.cursor(name);
  }

  /** All that was given of these has been dealt with: keeps the cursor. */
  dealtWith(store: CursorStore, name: string, { uidValidity, mails }: Fetched): void {
    const last = mails.at(-1);
    if (last === undefined) return;
    const refused = mails.filter(({ isRefused }) => isRefused).map(({ uid }) => uid);
    const known = this.#passed.get(name);
    const before = known?.uidValidity === uidValidity ? known : undefined;
    const refusedUid = before?.refusedUid ?? refused[0];
    if (refusedUid === undefined) {
      this.#passed.delete(name);
      this.#last.delete(name);
      store.setCursor(name, { uidValidity, uid: last.uid });
      return;
    }
    const aside = before?.aside ?? asideFrom(this.#last.get(name), this.#clock.now());
    this.#last.set(name, aside);
    this.#passed.set(name, { uidValidity, refusedUid, reachedUid: last.uid, aside });
    store.setCursor(name, { uidValidity, uid: refusedUid - 1 });
    this.#tell(name, uidValidity, refused);
  }

  #tell(name: string, uidValidity: string, refused: readonly number[]): void {
    const told = this.#told.get(name);
    const toldUid = told?.uidValidity === uidValidity ? told.uid : 0;
    const news = refused.filter((uid) => uid > toldUid);
    if (news.length === 0) return;
    this.#told.set(name, { uidValidity, uid: Math.max(...news) });
    this.#log.warn(tellAside, { mails: news.length });
  }
}
