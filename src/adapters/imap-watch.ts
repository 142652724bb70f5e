import type { ImapFlow, MailboxObject } from 'imapflow';
import { MailError } from '../base/errors.js';
import { minuteMs, secondMs } from '../base/units.js';
import { inboxPath } from './imap-mails.js';
import type { ImapSession } from './imap-session.js';

// A link that lived this long was cut by a restart, not by a server that refuses us: reconnecting at once is polite.
const steadyLinkMs = minuteMs;

/** State of the inbox at a SELECT: a mail that comes later changes it. */
const markOf = (mailbox: MailboxObject): string => `${mailbox.uidValidity}:${mailbox.uidNext}`;

type Stir = 'mail' | 'closed' | 'folder' | 'over';

/** Knows whether the inbox changed since it was last fetched from, and waits until it does. */
export class InboxWatch {
  readonly #retryPauseMs: number;
  /** The server told of mail since the last fetch from the inbox began. */
  #news = false;
  /** The inbox as the last fetch from it saw it. */
  #mark: string | undefined;
  readonly #waiting = new Set<(stir: Stir) => void>();

  /** @param retryPauseMs least time between two tries to reach a server that is away */
  constructor(retryPauseMs = 30 * secondMs) {
    this.#retryPauseMs = retryPauseMs;
  }

  /** Hears what a new connection tells by itself. */
  listen(client: ImapFlow): void {
    client.on('exists', ({ path, count, prevCount }) => {
      if (path === inboxPath && count > prevCount) this.hasNews();
    });
    client.on('mailboxClose', () => this.#tell(client.isClosed ? 'closed' : 'folder'));
    client.on('close', () => this.#tell('closed'));
  }

  /** Selects the inbox for a fetch: what comes from here on is news. */
  async selectForFetch(client: ImapFlow): Promise<MailboxObject> {
    this.#news = false;
    const mailbox = await client.mailboxOpen(inboxPath);
    this.#mark = markOf(mailbox);
    return mailbox;
  }

  /** Selects a folder for anything else. Of mail that came before a SELECT no server tells any more. */
  async select(client: ImapFlow, folder: string): Promise<MailboxObject> {
    const mailbox = await client.mailboxOpen(folder);
    if (folder === inboxPath && (this.#mark === undefined ? mailbox.exists > 0 : this.#mark !== markOf(mailbox)))
      this.hasNews();
    return mailbox;
  }

  /** The inbox has mail that was not fetched: nobody needs to wait for it. */
  hasNews(): void {
    this.#news = true;
    this.#tell('mail');
  }

  /** The session was closed: whoever waits looks at it again. */
  closed(): void {
    this.#tell('closed');
  }

  /** Resolves at news, when `timeoutMs` is over, when the signal aborts or the session is closed; never rejects. */
  async wait(session: ImapSession, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const until = Date.now() + timeoutMs;
    const leftMs = (): number => until - Date.now();
    const pauseMs = (): number => Math.min(leftMs(), this.#retryPauseMs);
    // Somebody who fetches from another folder takes the inbox away: then watch it anew.
    for (let stir: Stir = 'folder'; stir === 'folder' && leftMs() > 0 && !signal.aborted;) {
      try {
        const client = await session.exclusively(signal, (watched) => this.#watch(watched));
        if (this.#news) return;
        if (client.isClosed || session.isClosed()) stir = 'closed';
        else if (client.mailbox !== false && client.mailbox.path === inboxPath)
          stir = await this.#stir(leftMs(), signal);
        if (stir === 'closed' && Date.now() - session.connectedAt < steadyLinkMs)
          await this.#sleep(session, pauseMs(), signal);
      } catch (error) {
        // Log-ins that fail are counted by the provider: no hurry with the next one.
        const slow = error instanceof MailError && (error.code === 'mail/login' || error.code === 'mail/insecure');
        await this.#sleep(session, slow ? leftMs() : pauseMs(), signal);
        return;
      }
    }
  }

  /** Sees to it that the inbox is selected, and begins IDLE if there is no news. */
  async #watch(client: ImapFlow): Promise<ImapFlow> {
    if (client.mailbox === false || client.mailbox.path !== inboxPath) await this.select(client, inboxPath);
    // Ends by itself when the next command comes; a failure shows in that command.
    if (!this.#news) void client.idle().catch(() => undefined);
    return client;
  }

  /** What ends the quiet on a watched inbox. */
  #stir(forMs: number, signal: AbortSignal): Promise<Stir> {
    return new Promise((resolve) => {
      const end = (stir: Stir): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        this.#waiting.delete(end);
        resolve(stir);
      };
      const over = (): void => end('over');
      const timer = setTimeout(over, Math.max(0, forMs));
      this.#waiting.add(end);
      signal.addEventListener('abort', over);
      if (signal.aborted) over();
    });
  }

  #sleep(session: ImapSession, forMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#waiting.delete(stirred);
        resolve();
      };
      const stirred = (): void => {
        if (session.isClosed()) end();
      };
      const timer = setTimeout(end, Math.max(0, forMs));
      this.#waiting.add(stirred);
      signal.addEventListener('abort', end);
      if (signal.aborted || session.isClosed()) end();
    });
  }

  #tell(stir: Stir): void {
    for (const end of [...this.#waiting]) end(stir);
  }
}
