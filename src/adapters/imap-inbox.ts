import { MailError } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import type { Cursor, Fetched, FetchFilter, Inbox, InboxMail, Looked, MailLook, Quota } from '../ports/mail.js';
import { bounded, granted, leaveImap, openImap, whereOf, type ImapAccount } from './imap-link.js';
import { fetchThose, lookAtMails, quotaOf } from './imap-look.js';
import { fetchMails, holdsMail, inboxPath, removeMails, special, trashOf } from './imap-mails.js';
import { Numberings } from './imap-numbering.js';
import { ImapSession } from './imap-session.js';
import { Suspects } from './imap-suspects.js';
import { InboxWatch } from './imap-watch.js';
import { defaultDeadlineMs, transferMs } from './mail-account.js';

export type { ImapAccount } from './imap-link.js';

/** What a mailbox is like, for `mixmailer check`. */
export interface ImapProbe {
  readonly capabilities: readonly string[];
  readonly folders: readonly { readonly path: string; readonly specialUse: string | undefined }[];
  /** The folders that will be used. */
  readonly inbox: string;
  readonly junk: string | undefined;
  readonly trash: string | undefined;
  readonly sent: string | undefined;
  /** Without UIDPLUS mails can't be removed one by one, and nothing is removed. */
  readonly canRemove: boolean;
  /** Without IDLE new mail is found by polling. */
  readonly canIdle: boolean;
}

class ImapInbox implements Inbox {
  readonly #account: ImapAccount;
  readonly #log: Log;
  readonly #watch: InboxWatch;
  readonly #session: ImapSession;
  readonly #numberings = new Numberings();
  /** By folder. */
  readonly #suspects = new Map<string, Suspects>();

  constructor(account: ImapAccount, log: Log) {
    this.#account = account;
    this.#log = log;
    this.#watch = new InboxWatch(account.retryPauseMs);
    this.#session = new ImapSession(account, log, (client) => this.#watch.listen(client));
  }

  folders(signal: AbortSignal): Promise<readonly string[]> {
    return this.#session.exclusively(signal, async (client) => {
      const junk = special(await client.list(), '\\Junk');
      return junk === undefined ? [inboxPath] : [inboxPath, junk];
    });
  }

  sentFolder(signal: AbortSignal): Promise<string | undefined> {
    return this.#session.exclusively(signal, async (client) => special(await client.list(), '\\Sent'));
  }

  trashFolder(signal: AbortSignal): Promise<string | undefined> {
    return this.#session.exclusively(signal, trashOf);
  }

  fetch(folder: string, after: Cursor | undefined, signal: AbortSignal, filter: FetchFilter = {}): Promise<Fetched> {
    return this.#session.exclusively(signal, async (client, task) => {
      const isInbox = folder === inboxPath;
      const mailbox = isInbox ? await this.#watch.selectForFetch(client) : await client.mailboxOpen(folder);
      const uidValidity = this.#numberings.nameOf(mailbox, after);
      const reader = { client, task, suspects: this.#suspectsIn(folder, uidValidity) };
      const fetched = await fetchMails(reader, this.#account, { mailbox, uidValidity, after, filter });
      if (isInbox && fetched.more) this.#watch.hasNews();
      return fetched;
    });
  }

  look(folder: string, after: Cursor | undefined, signal: AbortSignal): Promise<Looked> {
    return this.#session.exclusively(signal, async (client, task) => {
      const isInbox = folder === inboxPath;
      const mailbox = isInbox ? await this.#watch.selectForFetch(client) : await client.mailboxOpen(folder);
      const uidValidity = this.#numberings.nameOf(mailbox, after);
      const reader = { client, task, suspects: this.#suspectsIn(folder, uidValidity) };
      const looked = await lookAtMails(reader, { mailbox, uidValidity, after });
      if (isInbox && looked.more) this.#watch.hasNews();
      return looked;
    });
  }

  fetchThose(
    folder: string,
    uidValidity: string,
    mails: readonly MailLook[],
    signal: AbortSignal,
  ): Promise<readonly InboxMail[]> {
    if (mails.length === 0) return Promise.resolve([]);
    return this.#session.exclusively(signal, async (client, task) => {
      const mailbox = await this.#watch.select(client, folder);
      if (this.#numberings.nameOf(mailbox) !== uidValidity) return [];
      return fetchThose({ client, task, suspects: this.#suspectsIn(folder, uidValidity) }, mails);
    });
  }

  #suspectsIn(folder: string, uidValidity: string): Suspects {
    const known = this.#suspects.get(folder);
    if (known?.uidValidity === uidValidity) return known;
    const none = new Suspects(uidValidity);
    this.#suspects.set(folder, none);
    return none;
  }

  quota(signal: AbortSignal): Promise<Quota | undefined> {
    return this.#session.exclusively(signal, (client) => quotaOf(client, inboxPath));
  }

  remove(folder: string, uidValidity: string, uids: readonly number[], signal: AbortSignal): Promise<void> {
    if (uids.length === 0) return Promise.resolve();
    return this.#session.exclusively(signal, async (client) => {
      // Plain EXPUNGE would take other people's deleted mail along.
      if (!client.capabilities.has('UIDPLUS'))
        throw new MailError('mail/protocol', `${whereOf(this.#account)}: no UIDPLUS, so nothing can be removed`);
      const mailbox = await this.#watch.select(client, folder);
      // Those uids name other mails now; the old ones are gone.
      if (this.#numberings.nameOf(mailbox) !== uidValidity) this.#log.warn('folder was rebuilt, nothing removed');
      else await removeMails(client, folder, uids);
    });
  }

  holds(folder: string, messageId: string, signal: AbortSignal): Promise<boolean> {
    return this.#session.exclusively(signal, async (client) => {
      await this.#watch.select(client, folder);
      return holdsMail(client, messageId);
    });
  }

  append(folder: string, raw: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#session.exclusively(signal, async (client, task) => {
      task.extend(transferMs(raw.length));
      granted(await client.append(folder, Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)), 'APPEND');
      // Some servers tell only the others.
      if (folder === inboxPath) this.#watch.hasNews();
    });
  }

  waitForMail(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#watch.wait(this.#session, timeoutMs, signal);
  }

  close(): Promise<void> {
    const closed = this.#session.close();
    this.#watch.closed();
    return closed;
  }
}
/** The mailbox of that account. It connects at the first call and keeps its one connection long. */
export const imapInbox = (account: ImapAccount, log: Log): Inbox => new ImapInbox(account, log);

/**
 * Logs in, looks around and logs out.
 *
 * @throws MailError `mail/insecure`, `mail/connect`, `mail/tls`, `mail/login`, `mail/timeout`, `mail/protocol`
 */
export const probeImap = async (account: ImapAccount, signal: AbortSignal): Promise<ImapProbe> => {
  const client = await openImap(account, signal);
  const link = {
    client,
    where: whereOf(account),
    deadlineMs: account.deadlineMs ?? defaultDeadlineMs,
    connecting: false,
  };
  try {
    const folders = await bounded(link, signal, () => client.list());
    const capabilities = [...client.capabilities.keys()];
    return {
      capabilities,
      folders: folders.map(({ path, specialUse }) => ({ path, specialUse })),
      inbox: inboxPath,
      junk: special(folders, '\\Junk'),
      trash: special(folders, '\\Trash'),
      sent: special(folders, '\\Sent'),
      canRemove: capabilities.includes('UIDPLUS'),
      canIdle: capabilities.includes('IDLE'),
    };
  } finally {
    await leaveImap(client, link.where);
  }
};
