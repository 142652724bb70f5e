import type { Account } from '../servers/mail-world.js';
import { openMail } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';
import { readMailbox } from './mailbox.js';

/** A mail in the inbox, and what its reader sees of it. */
export interface Opened {
  readonly raw: string;
  readonly text: string;
  /** The one inside the encryption. */
  readonly subject: string;
}

/** Somebody's mail program: plain IMAP and OpenPGP, and nothing of a mix network. */
export class MailProgram {
  readonly #account: Account;
  readonly #owner: Person;
  readonly #friend: Person;
  readonly #known = new Map<string, Opened | undefined>();

  constructor(account: Account, owner: Person, friend: Person) {
    this.#account = account;
    this.#owner = owner;
    this.#friend = friend;
  }

  /** The mails in the inbox that the friend has signed. */
  async read(): Promise<readonly Opened[]> {
    const mails = await readMailbox(this.#account);
    for (const raw of mails) if (!this.#known.has(raw)) this.#known.set(raw, await this.#open(raw));
    return mails.flatMap((raw) => this.#known.get(raw) ?? []);
  }

  async #open(raw: string): Promise<Opened | undefined> {
    try {
      const text = await openMail(raw, this.#owner, this.#friend);
      return { raw, text, subject: /^Subject: (.*)\r?$/m.exec(text)?.[1]?.trim() ?? '' };
    } catch {
      return undefined;
    }
  }
}
