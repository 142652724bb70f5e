import { coarseAt } from '../base/coarse.js';
import { StoreError } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { HealthKeeper, HealthRecord, Role } from '../ports/health.js';
import type { Log } from '../ports/log.js';
import type { Inbox, Outbox } from '../ports/mail.js';

/** So many beats after each other the room on the disk is looked at: at the start, and every hour. */
const beatsARoom = 60;
/** With less room than this on the disk something has to be done. */
export const leastFreeBytes = 200 * 1024 * 1024;

/** Warns, at the start and every hour, while the disk is nearly full. @param freeBytes undefined: that can't be known */
export const roomWatch = (log: Log, freeBytes: () => number | undefined): HealthKeeper => {
  let beats = 0;
  return () => {
    if (beats++ % beatsARoom !== 0) return;
    const free = freeBytes() ?? Infinity;
    if (free < leastFreeBytes) log.warn('store/nearly-full', { freeMegabytes: Math.floor(free / 1024 / 1024) });
  };
};

/** How often a process tells of itself. */
export const beatSchedule = '* * * * *';
/** A read that failed is tried again after 15 minutes at most (post/jobs), and each of its steps has a deadline below this. */
const stepBeats = 20;
const firstMailbox = '';
/** So many beats without the end of any hand-over, while there are some: each has a deadline of some minutes. */
const handOverBeats = 30;

/** What `Vitals` needs to know of the process that it watches. */
export interface Watched {
  readonly clock: Clock;
  /** Addresses of a node's further mailboxes. */
  readonly further?: readonly string[];
  /** How often the mailbox is read at least; undefined: there is none. */
  readonly pollMs: number | undefined;
  /** Until when the list in force is valid; undefined: there is none. */
  readonly listUntil: (now: number) => number | undefined;
}

/** What a process does at the moment. */
export interface UnderWay {
  /** Mails that are being handed over. */
  readonly handOvers: number;
  /** Whether something is being fetched from the mailbox, removed from it or put there. */
  readonly isReading: boolean;
}

/**
 * How a process is: what it did last, what is under way, and whether its loops turn. One for the life of the process.
 *
 * Loops are measured in beats, not by the clock: a machine that slept has missed none.
 */
export class Vitals {
  readonly #role: Role;
  readonly #keepers: HealthKeeper[];
  #watched: Watched | undefined;
  #startedAt = 0;
  /** By mailbox. */
  readonly #readAt = new Map<string, number>();
  readonly #beatsSinceMailbox = new Map<string, number>();
  #sentAt: number | undefined;
  #flushedAt: number | undefined;
  #isStopping = false;
  #handOvers = 0;
  #readings = 0;
  #beatsSinceHandOver = 0;

  /** @param keepers hear of it at each beat */
  constructor(role: Role, keepers: readonly HealthKeeper[] = []) {
    this.#role = role;
    this.#keepers = [...keepers];
  }

  get underWay(): UnderWay {
    return { handOvers: this.#handOvers, isReading: this.#readings > 0 };
  }

  /** The process begins; told at once. @throws StoreError */
  start(watched: Watched): void {
    this.#watched = watched;
    this.#startedAt = watched.clock.now();
    this.#tell();
  }

  /** A minute has passed. @throws StoreError */
  beat(): void {
    for (const mailbox of this.#mailboxes()) this.#beatsSinceMailbox.set(mailbox, this.#beatsOf(mailbox) + 1);
    this.#beatsSinceHandOver = this.#handOvers === 0 ? 0 : this.#beatsSinceHandOver + 1;
    this.#tell();
  }

  /**
   * The mailbox was read to its end; the first time is told at once.
   *
   * @param mailbox address of a further one
   * @throws StoreError
   */
  read(mailbox = firstMailbox): void {
    const isFirst = !this.#readAt.has(mailbox);
    this.#readAt.set(mailbox, this.#now());
    this.turned(mailbox);
    if (isFirst) this.#tell();
  }

  /** The loop over the mailbox came around, whatever came of it. @param mailbox as for `read` */
  turned(mailbox = firstMailbox): void {
    this.#beatsSinceMailbox.set(mailbox, 0);
  }

  flushed(): void {
    this.#flushedAt = this.#now();
  }

  /** The process comes to its end; told as far as the disk lets it. */
  stopping(): void {
    this.#isStopping = true;
    try {
      this.#tell();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** @returns undefined before the start */
  record(): HealthRecord | undefined {
    if (this.#watched === undefined) return undefined;
    const { clock, pollMs, listUntil } = this.#watched;
    const now = clock.now();
    const mostBeats = (pollMs ?? 0) / minuteMs + stepBeats;
    const isReading = pollMs === undefined || this.#mailboxes().every((mailbox) => this.#beatsOf(mailbox) <= mostBeats);
    const readAtOf = (mailbox: string): number | undefined => {
      const at = this.#readAt.get(mailbox);
      return at && coarseAt(at);
    };
    const [, ...others] = this.#mailboxes();
    return {
      role: this.#role,
      startedAt: this.#startedAt,
      at: now,
      isStopping: this.#isStopping,
      isTurning: isReading && this.#beatsSinceHandOver <= handOverBeats,
      pollMs,
      readAt: readAtOf(firstMailbox),
      ...(others.length === 0 ? {} : { further: others.map((address) => ({ address, readAt: readAtOf(address) })) }),
      sentAt: this.#sentAt && coarseAt(this.#sentAt),
      flushedAt: this.#flushedAt && coarseAt(this.#flushedAt),
      listUntil: listUntil(now),
    };
  }

  /** The same way out, watched. */
  outbox(outbox: Outbox): Outbox {
    return {
      send: async (mail, signal, cut) => {
        this.#handOvers++;
        try {
          const outcome = await outbox.send(mail, signal, cut);
          if (outcome.kind === 'accepted') this.#sentAt = this.#now();
          return outcome;
        } finally {
          this.#handOvers--;
          this.#beatsSinceHandOver = 0;
        }
      },
      close: () => outbox.close(),
    };
  }

  /**
   * The same mailbox, watched. What has begun there comes to its end although the process stops: mails whose packets are
   * kept are removed too, before `cut`. To look for folders and to wait for mail end at once.
   *
   * @param mailbox as for `read`
   */
  inbox(inbox: Inbox, cut: AbortSignal, mailbox = firstMailbox): Inbox {
    const whole = async <T>(work: () => Promise<T>): Promise<T> => {
      this.#readings++;
      try {
        return await work();
      } finally {
        this.#readings--;
        this.turned(mailbox);
      }
    };
    return {
      folders: (signal) => inbox.folders(signal),
      sentFolder: (signal) => inbox.sentFolder(signal),
      trashFolder: (signal) => inbox.trashFolder(signal),
      fetch: (folder, after, _signal, filter) => whole(() => inbox.fetch(folder, after, cut, filter)),
      look: (folder, after) => whole(() => inbox.look(folder, after, cut)),
      fetchThose: (folder, uidValidity, mails) => whole(() => inbox.fetchThose(folder, uidValidity, mails, cut)),
      quota: () => whole(() => inbox.quota(cut)),
      remove: (folder, uidValidity, uids) => whole(() => inbox.remove(folder, uidValidity, uids, cut)),
      holds: (folder, messageId) => whole(() => inbox.holds(folder, messageId, cut)),
      append: (folder, raw) => whole(() => inbox.append(folder, raw, cut)),
      waitForMail: (timeoutMs, signal) => inbox.waitForMail(timeoutMs, signal),
      close: () => inbox.close(),
    };
  }

  #mailboxes(): readonly string[] {
    return [firstMailbox, ...(this.#watched?.further ?? [])];
  }

  #beatsOf(mailbox: string): number {
    return this.#beatsSinceMailbox.get(mailbox) ?? 0;
  }

  #now(): number {
    return this.#watched?.clock.now() ?? 0;
  }

  #tell(): void {
    const record = this.record();
    if (record !== undefined) for (const keep of this.#keepers) keep(record);
  }
}
