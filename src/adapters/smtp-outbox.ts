import { setMaxListeners } from 'node:events';
import { MailError } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import type { Outbox, OutgoingMail, SendOutcome } from '../ports/mail.js';
import { defaultDeadlineMs } from './mail-account.js';
import { openLink, SmtpStepError, transmit, type SmtpAccount, type SmtpLink } from './smtp-link.js';
import { outcomeOf, type SmtpFailure } from './smtp-outcome.js';

export type { SmtpAccount } from './smtp-link.js';

/** What a submission server is like, for `mixmailer check`. */
export interface SmtpProbe {
  /** Lines of its EHLO reply, such as `SIZE 10240000`. */
  readonly extensions: readonly string[];
  /** Undefined where the server names no bound. */
  readonly maxMailBytes: number | undefined;
  readonly secure: boolean;
}

// Several servers end a session after 100 mails with a 421; leaving first is politer than being told.
const mailsPerLink = 100;

class SmtpOutbox implements Outbox {
  readonly #account: SmtpAccount;
  readonly #log: Log;
  readonly #maxLinks: number;
  readonly #idle: SmtpLink[] = [];
  readonly #queue: (() => void)[] = [];
  #busy = 0;
  #closed = false;
  #onQuiet: (() => void) | undefined;

  constructor(account: SmtpAccount, log: Log) {
    this.#account = account;
    this.#log = log;
    this.#maxLinks = account.maxLinks ?? 2;
  }

  async send(mail: OutgoingMail, signal: AbortSignal, cut = signal): Promise<SendOutcome> {
    // A whole flush waits on one signal.
    setMaxListeners(0, signal, cut);
    if (!(await this.#place(cut))) return { kind: 'later', code: undefined, why: 'timeout' };
    try {
      const old = this.#idleLink();
      const outcome = old === undefined ? undefined : await this.#sendOver(old, mail, cut);
      // A link that rested may have been closed by the server meanwhile; nothing of the mail went out over it.
      const wasStale = outcome?.kind === 'later' && outcome.code === undefined && !cut.aborted;
      if (outcome !== undefined && !wasStale) return outcome;
      const { link } = await openLink(this.#account, signal);
      this.#log.info('connected to submission server');
      return await this.#sendOver(link, mail, cut);
    } catch (error) {
      if (error instanceof SmtpStepError) return outcomeOf(error.failure, error.phase);
      if (error instanceof MailError)
        return {
          kind: 'later',
          code: undefined,
          why: error.code === 'mail/login' ? 'login' : error.code === 'mail/insecure' ? 'tls' : 'connect',
        };
      throw error;
    } finally {
      this.#busy--;
      this.#queue.shift()?.();
      if (this.#busy === 0) this.#onQuiet?.();
    }
  }

  /** Waits for one of the `maxLinks` places. @returns false if the signal aborted first or the outbox is closed */
  #place(signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted) return Promise.resolve(false);
    if (this.#busy < this.#maxLinks) {
      this.#busy++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const abort = (): void => {
        this.#queue.splice(this.#queue.indexOf(take), 1);
        resolve(false);
      };
      const take = (): void => {
        signal.removeEventListener('abort', abort);
        if (!this.#closed) this.#busy++;
        resolve(!this.#closed);
      };
      this.#queue.push(take);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  #idleLink(): SmtpLink | undefined {
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop()) if (link.alive) return link;
    return undefined;
  }

  async #sendOver(link: SmtpLink, mail: OutgoingMail, signal: AbortSignal): Promise<SendOutcome> {
    link.mails++;
    try {
      const code = await transmit(link, mail, this.#account, signal);
      this.#release(link);
      return { kind: 'accepted', code };
    } catch (error) {
      if (!(error instanceof SmtpStepError)) throw error;
      await this.#recover(link, error.failure, signal);
      return outcomeOf(error.failure, error.phase);
    }
  }

  #release(link: SmtpLink): void {
    if (this.#closed || link.mails >= mailsPerLink) link.quit();
    else if (link.alive) this.#idle.push(link);
  }

  /** A refused mail leaves a transaction open; a link that can't be cleared is dropped. */
  async #recover(link: SmtpLink, failure: SmtpFailure, signal: AbortSignal): Promise<void> {
    const bounds = {
      deadlineMs: this.#account.deadlineMs ?? defaultDeadlineMs,
      signal,
      phase: () => 'envelope' as const,
    };
    try {
      if (failure.responseCode === undefined || failure.responseCode === 421)
        throw new SmtpStepError(failure, 'envelope');
      await link.step(bounds, (done) => link.connection.reset(done));
      this.#release(link);
    } catch {
      link.connection.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const link of this.#idle.splice(0)) link.quit();
    for (const refuse of this.#queue.splice(0)) refuse();
    if (this.#busy > 0) await new Promise<void>((resolve) => (this.#onQuiet = resolve));
  }
}

/** The way out of that account. It connects at the first mail and keeps its few links open. */
export const smtpOutbox = (account: SmtpAccount, log: Log): Outbox => new SmtpOutbox(account, log);

const probeCode = { connect: 'mail/connect', tls: 'mail/tls', login: 'mail/login', timeout: 'mail/timeout' } as const;

/**
 * Connects, logs in and leaves, without sending anything.
 *
 * @throws MailError `mail/insecure`, `mail/connect`, `mail/tls`, `mail/login`, `mail/timeout`, `mail/protocol`
 */
export const probeSmtp = async (account: SmtpAccount, signal: AbortSignal): Promise<SmtpProbe> => {
  try {
    const { link, ehlo } = await openLink(account, signal);
    const { secure } = link.connection;
    link.quit();
    const extensions = ehlo
      .split(/\r?\n/)
      .slice(1)
      .map((line) => line.slice(4).trim());
    const size = Number(extensions.find((line) => /^SIZE \d+$/i.test(line))?.slice(5));
    return { extensions, maxMailBytes: size > 0 ? size : undefined, secure };
  } catch (error) {
    if (!(error instanceof SmtpStepError)) throw error;
    const outcome = outcomeOf(error.failure, error.phase);
    const where = `${account.host}:${account.port}`;
    if (outcome.kind !== 'later' || outcome.why === 'temporary' || outcome.why === 'limit')
      throw new MailError('mail/protocol', `${where}: not now`);
    // Which of them says more depends on how far it came.
    const { code, originalCode } = error.failure;
    const detail = outcome.why === 'login' ? undefined : (originalCode ?? code);
    throw new MailError(
      probeCode[outcome.why],
      `${where}: failed at ${outcome.why}${detail === undefined ? '' : ` (${detail})`}`,
    );
  }
};
