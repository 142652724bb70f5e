import { createHash } from 'node:crypto';
import type { ImapFlow } from 'imapflow';
import type { Account } from '../servers/mail-world.js';
import { openedAt } from '../demo/mailbox.js';
import { type Arrivals, type Copies, type Excuses, judgeCopies } from './copies.js';
import { digestIn, type Letter } from './letters.js';

interface Entry {
  readonly letter: Letter;
  /** A client has said that it will see to it. */
  accepted: boolean;
  /** Message-IDs of the mails in which it came; of each such mail what all of its bytes hash to. */
  readonly arrived: Map<string, Set<string>>;
  notified: boolean;
}

const isOpen = ({ arrived, notified }: Entry): boolean => arrived.size === 0 && !notified;

export interface Balance extends Copies {
  readonly accepted: number;
  readonly arrived: number;
  /** Those that did not arrive and of which the sender was told so. */
  readonly notified: number;
  readonly lost: readonly string[];
  /** Arrived, and the sender was told that it may not have. */
  readonly falseAlarms: number;
  /** Delivered mails that nobody wrote. */
  readonly strangers: number;
}

/** Where reading stopped in a mailbox. */
interface Bookmark {
  uidValidity: string;
  next: number;
}

/** New mails of the folder since the bookmark. */
const newMails = async (client: ImapFlow, folder: string, bookmark: Bookmark): Promise<readonly Buffer[]> => {
  const mailbox = await client.mailboxOpen(folder);
  const uidValidity = mailbox.uidValidity.toString();
  // Numbers also begin anew under the same UIDVALIDITY, where Dovecot loses its index while somebody has it open.
  const isAnew = bookmark.uidValidity !== uidValidity || mailbox.uidNext < bookmark.next;
  if (isAnew) Object.assign(bookmark, { uidValidity, next: 1 });
  let next = bookmark.next;
  if (mailbox.exists === 0 || mailbox.uidNext <= bookmark.next) return [];
  const mails: Buffer[] = [];
  for await (const { uid, source } of client.fetch(`${bookmark.next}:*`, { uid: true, source: true }, { uid: true })) {
    if (uid < bookmark.next || source === undefined) continue;
    mails.push(source);
    next = Math.max(next, uid + 1);
  }
  // Only now: a link that ends in the middle brings all of them once more.
  bookmark.next = next;
  return mails;
};

/** Who was promised what, and what came of it. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #byMessageId = new Map<string, Entry>();
  readonly #bookmarks = new Map<string, Bookmark>();
  readonly #strangers = new Set<string>();

  /** A letter is about to be handed in. */
  offer(letter: Letter): void {
    const entry = { letter, accepted: false, arrived: new Map<string, Set<string>>(), notified: false };
    this.#entries.set(letter.digest, entry);
    this.#byMessageId.set(letter.messageId, entry);
  }

  /** A client has said that it will see to this letter. */
  accept({ digest }: Letter): void {
    const entry = this.#entries.get(digest);
    if (entry !== undefined) entry.accepted = true;
  }

  get #promised(): readonly Entry[] {
    return [...this.#entries.values()].filter(({ accepted }) => accepted);
  }

  /** Filters put mails into the junk folder too, where people find them. */
  async #read(account: Account, take: (raw: Buffer) => void): Promise<void> {
    await openedAt(account, async (client) => {
      for (const { path: folder } of await client.list()) {
        if (folder !== 'INBOX' && folder !== 'Junk') continue;
        const name = `${account.address} ${folder}`;
        const bookmark = this.#bookmarks.get(name) ?? { uidValidity: '', next: 1 };
        for (const raw of await newMails(client, folder, bookmark)) take(raw);
        this.#bookmarks.set(name, bookmark);
      }
    });
  }

  /**
   * All mailboxes are read once more from their beginnings: numbers that began anew under one UIDVALIDITY, and are as many as before
   * again, leave mails behind the place that was reached.
   */
  lookAgain(): void {
    this.#bookmarks.clear();
  }

  /** A mail of a mailbox. One that was seen before, to the byte, is the same: each way through a server leaves a trace of its own. */
  take(raw: Buffer): void {
    const entry = this.#entries.get(digestIn(raw) ?? '');
    const trace = createHash('sha256').update(raw).digest('hex');
    if (entry === undefined) {
      this.#strangers.add(trace);
      return;
    }
    const id = /^Message-ID:\s*(\S+)/im.exec(raw.toString('latin1'))?.[1] ?? 'none';
    entry.arrived.set(id, (entry.arrived.get(id) ?? new Set<string>()).add(trace));
  }

  /** Looks what has come to whom letters are written to. Rejects when their server can't be reached. */
  async readArrivals(reader: Account): Promise<void> {
    await this.#read(reader, (raw) => this.take(raw));
  }

  /** Looks what a sender has been told. */
  async readNotices(sender: Account): Promise<void> {
    await this.#read(sender, (raw) => {
      const text = raw.toString('latin1');
      if (!/^Content-Type: multipart\/report/im.test(text)) return;
      for (const [id] of text.matchAll(/<[0-9a-f]{32}@program\.test>/g)) {
        const entry = this.#byMessageId.get(id);
        if (entry !== undefined) entry.notified = true;
      }
    });
  }

  /** How many letters are neither there nor given up. */
  get open(): number {
    return this.#promised.filter(isOpen).length;
  }

  /** @param excuses for copies, once they are known */
  balance(excuses: Excuses = { exits: new Map(), doubts: Infinity }): Balance {
    const entries = this.#promised;
    const there = entries.filter(({ arrived }) => arrived.size > 0);
    const nameOf = ({ letter }: Entry): string => `${letter.from} to ${letter.to}, ${letter.messageId}`;
    const arrivalsOf = (entry: Entry): Arrivals => ({
      name: nameOf(entry),
      messageId: entry.letter.messageId,
      counts: [...entry.arrived.values()].map(({ size }) => size),
    });
    return {
      accepted: entries.length,
      arrived: there.length,
      notified: entries.filter(({ arrived, notified }) => notified && arrived.size === 0).length,
      lost: entries.filter(isOpen).map(nameOf),
      ...judgeCopies(there.map(arrivalsOf), excuses),
      falseAlarms: there.filter(({ notified }) => notified).length,
      strangers: this.#strangers.size,
    };
  }
}
