import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { NodemailerError } from 'nodemailer/lib/errors';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import XOAuth2 from 'nodemailer/lib/xoauth2';
import { MailError } from '../base/errors.js';
import { secondMs } from '../base/units.js';
import type { Log } from '../ports/log.js';
import type { Outbox, OutgoingMail, SendOutcome } from '../ports/mail.js';
import {
  credentialOf,
  defaultDeadlineMs,
  refuseClearText,
  tlsOptions,
  transferMs,
  type MailAccount,
} from './mail-account.js';
import { connectThroughProxy, parseProxy } from './proxy.js';
import { outcomeOf, type SmtpFailure, type SmtpPhase } from './smtp-outcome.js';

/** An SMTP submission account. */
export interface SmtpAccount extends MailAccount {
  /** Links kept open at once. Default 2: enough for a node, few enough for providers that count log-ins. */
  readonly maxLinks?: number | undefined;
}

/** What a submission server is like, for `mixmailer check`. */
export interface SmtpProbe {
  /** Lines of its EHLO reply, such as `SIZE 10240000`. */
  readonly extensions: readonly string[];
  /** Undefined where the server names no bound. */
  readonly maxMailBytes: number | undefined;
  readonly secure: boolean;
}

// The machine's own name would tell the provider, and in Received headers the receiver, where the mail comes from.
const ehloName = '[127.0.0.1]';
// Several servers end a session after 100 mails with a 421; leaving first is politer than being told.
const mailsPerLink = 100;

/** A step that failed, with how far it had come. */
class SmtpStepError extends Error {
  readonly failure: SmtpFailure;
  readonly phase: SmtpPhase;
  constructor(failure: SmtpFailure, phase: SmtpPhase) {
    super(`SMTP failed in phase ${phase}`);
    this.name = 'SmtpStepError';
    this.failure = failure;
    this.phase = phase;
  }
}

const failureOf = (error: NodemailerError): SmtpFailure => ({
  code: error.code,
  originalCode: error.originalCode,
  responseCode: error.responseCode,
  response: error.response,
});

const silence = (code: string): SmtpFailure => ({
  code,
  originalCode: undefined,
  responseCode: undefined,
  response: undefined,
});

/** One session with the server: connected, logged in, used for one mail at a time. */
class SmtpLink {
  readonly connection: SMTPConnection;
  mails = 0;
  #ended: SmtpFailure | undefined;
  readonly #onEnd = new Set<(failure: SmtpFailure) => void>();

  constructor(connection: SMTPConnection) {
    this.connection = connection;
    // The library reports a lost link by event only; `connect` and `login` would wait for ever.
    connection.on('error', (error: NodemailerError) => this.#end(failureOf(error)));
    connection.on('end', () => this.#end(silence('ECONNECTION')));
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  #end(failure: SmtpFailure): void {
    this.#ended ??= failure;
    for (const tell of [...this.#onEnd]) tell(failure);
  }

  /** Runs one callback-style step until it ends, the link does, the deadline is over or the signal aborts. */
  step<T>(
    bounds: { readonly deadlineMs: number; readonly signal: AbortSignal; readonly phase: () => SmtpPhase },
    start: (done: (error: NodemailerError | null | undefined, result?: T) => void) => void,
  ): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const { signal, phase } = bounds;
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.#onEnd.delete(fail);
      };
      const fail = (failure: SmtpFailure): void => {
        end();
        reject(new SmtpStepError(failure, phase()));
      };
      const giveUp = (): void => {
        fail(silence('ETIMEDOUT'));
        this.connection.close();
      };
      const abort = (): void => giveUp();
      const timer = setTimeout(giveUp, bounds.deadlineMs);
      this.#onEnd.add(fail);
      signal.addEventListener('abort', abort);
      if (this.#ended !== undefined) fail(this.#ended);
      else if (signal.aborted) abort();
      else
        start((error, result) => {
          if (error) fail(failureOf(error));
          else {
            end();
            resolve(result);
          }
        });
    });
  }

  quit(): void {
    if (!this.alive) return;
    this.connection.quit();
    // A server that never answers QUIT must not keep the process.
    setTimeout(() => this.connection.close(), secondMs).unref();
  }
}

/**
 * Connects and logs in.
 *
 * @throws SmtpStepError, MailError `mail/insecure`, `mail/login` (no credential) or `mail/connect` (proxy)
 */
const openLink = async (account: SmtpAccount, signal: AbortSignal): Promise<{ link: SmtpLink; ehlo: string }> => {
  refuseClearText(account);
  const deadlineMs = account.deadlineMs ?? defaultDeadlineMs;
  const credential = await credentialOf(account);
  const tunnel =
    account.proxy === undefined
      ? undefined
      : await connectThroughProxy(parseProxy(account.proxy), account.host, account.port, deadlineMs);
  const connection = new SMTPConnection({
    host: account.host,
    port: account.port,
    secure: account.security === 'tls',
    // Without it STARTTLS is an offer that a man in the middle can strike out.
    requireTLS: account.security === 'starttls',
    ignoreTLS: account.security === 'none',
    tls: tlsOptions(account),
    name: ehloName,
    logger: false,
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    dnsTimeout: deadlineMs,
    socketCloseTimeout: secondMs,
    ...(tunnel === undefined ? {} : { connection: tunnel }),
  });
  const link = new SmtpLink(connection);
  try {
    await link.step({ deadlineMs, signal, phase: () => 'connect' }, (done) => connection.connect(done));
    const ehlo = connection.lastServerResponse === false ? '' : connection.lastServerResponse;
    const { user } = account;
    if (connection.allowsAuth)
      await link.step({ deadlineMs, signal, phase: () => 'login' }, (done) =>
        connection.login(
          'password' in credential
            ? { user, pass: credential.password }
            : { user, oauth2: new XOAuth2({ user, accessToken: credential.accessToken }, false) },
          done,
        ),
      );
    return { link, ehlo };
  } catch (error) {
    connection.close();
    tunnel?.destroy();
    throw error;
  }
};

/** Hands one mail over. @throws SmtpStepError */
const transmit = async (
  link: SmtpLink,
  mail: OutgoingMail,
  account: SmtpAccount,
  signal: AbortSignal,
): Promise<number> => {
  let phase: SmtpPhase = 'envelope';
  // nodemailer reads the body only after the server's 354: the first read is the moment of no return.
  const body = new Readable({
    read() {
      phase = 'data';
      this.push(mail.raw);
      this.push(null);
    },
  });
  const envelope = {
    from: mail.from,
    to: [mail.to],
    size: mail.raw.length,
    use8BitMime: mail.raw.some((byte) => byte > 127),
  };
  const deadlineMs = (account.deadlineMs ?? defaultDeadlineMs) + transferMs(mail.raw.length);
  const info = await link.step<{ readonly response: string }>({ deadlineMs, signal, phase: () => phase }, (done) =>
    link.connection.send(envelope, body, done),
  );
  return Number(info?.response.slice(0, 3)) || 250;
};

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

  async send(mail: OutgoingMail, signal: AbortSignal): Promise<SendOutcome> {
    // A whole flush waits on one signal.
    setMaxListeners(0, signal);
    if (!(await this.#place(signal))) return { kind: 'later', code: undefined, why: 'timeout' };
    try {
      const old = this.#idleLink();
      const outcome = old === undefined ? undefined : await this.#sendOver(old, mail, signal);
      // A link that rested may have been closed by the server meanwhile; nothing of the mail went out over it.
      const wasStale = outcome?.kind === 'later' && outcome.code === undefined && !signal.aborted;
      if (outcome !== undefined && !wasStale) return outcome;
      const { link } = await openLink(this.#account, signal);
      this.#log.info('connected to submission server');
      return await this.#sendOver(link, mail, signal);
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
    throw new MailError(probeCode[outcome.why], `${where}: failed at ${outcome.why}`);
  }
};
