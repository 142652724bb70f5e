import type { ImapFlow } from 'imapflow';
import { MailError } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import { bounded, leaveImap, openImap, whereOf, type ImapAccount, type Task } from './imap-link.js';
import { defaultDeadlineMs } from './mail-account.js';

/** One account's connection: made at its first use, kept long, made anew after it was lost. */
export class ImapSession {
  readonly #account: ImapAccount;
  readonly #log: Log;
  readonly #greet: (client: ImapFlow) => void;
  readonly #where: string;
  #client: ImapFlow | undefined;
  #connectedAt = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param greet is shown every new connection before its first use */
  constructor(account: ImapAccount, log: Log, greet: (client: ImapFlow) => void) {
    this.#account = account;
    this.#log = log;
    this.#greet = greet;
    this.#where = whereOf(account);
  }

  get connectedAt(): number {
    return this.#connectedAt;
  }

  // A method, because the answer changes behind an await.
  isClosed(): boolean {
    return this.#closed;
  }

  /** One command sequence at a time: they share the selected folder. */
  exclusively<T>(signal: AbortSignal, work: (client: ImapFlow, task: Task) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const client = await this.#connected(signal);
      const deadlineMs = this.#account.deadlineMs ?? defaultDeadlineMs;
      const link = { client, where: this.#where, deadlineMs, connecting: false };
      return bounded(link, signal, (task) => work(client, task));
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #connected(signal: AbortSignal): Promise<ImapFlow> {
    // Before a link that others go on with is closed for it.
    if (this.isClosed() || signal.aborted) throw new MailError('mail/closed', `${this.#where}: given up`);
    if (this.#client?.usable === true) return this.#client;
    // A client that lost its link can't be used again.
    const client = await openImap(this.#account, signal);
    this.#client = client;
    this.#connectedAt = Date.now();
    this.#greet(client);
    // Closed by us while connecting.
    if (this.isClosed()) {
      client.close();
      throw new MailError('mail/closed', `${this.#where}: given up`);
    }
    this.#log.info('connected to mailbox');
    return client;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await leaveImap(client, this.#where);
  }
}
