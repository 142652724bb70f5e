import { Readable } from 'node:stream';
import type { NodemailerError } from 'nodemailer/lib/errors';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import XOAuth2 from 'nodemailer/lib/xoauth2';
import { secondMs } from '../base/units.js';
import type { OutgoingMail } from '../ports/mail.js';
import {
  credentialOf,
  defaultDeadlineMs,
  refuseClearText,
  tlsOptions,
  transferMs,
  type MailAccount,
} from './mail-account.js';
import { connectThroughProxy, parseProxy } from './proxy.js';
import type { SmtpFailure, SmtpPhase } from './smtp-outcome.js';

/** An SMTP submission account. */
export interface SmtpAccount extends MailAccount {
  /** Links kept open at once. Default 2: enough for a node, few enough for providers that count log-ins. */
  readonly maxLinks?: number | undefined;
}

// The machine's own name would tell the provider, and in Received headers the receiver, where the mail comes from.
const ehloName = '[127.0.0.1]';
/** A step that failed, with how far it had come. */
export class SmtpStepError extends Error {
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
export class SmtpLink {
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
 * @throws SmtpStepError, MailError `mail/insecure`, `mail/login` (no credential), `mail/closed` (the signal aborted before there was
 *   one) or `mail/connect` (proxy)
 */
export const openLink = async (
  account: SmtpAccount,
  signal: AbortSignal,
): Promise<{ link: SmtpLink; ehlo: string }> => {
  refuseClearText(account);
  const deadlineMs = account.deadlineMs ?? defaultDeadlineMs;
  const credential = await credentialOf(account, signal);
  const tunnel =
    account.proxy === undefined
      ? undefined
      : await connectThroughProxy(parseProxy(account.proxy), account, { deadlineMs, signal });
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

/** Hands one mail over. @returns the code of the server's reply. @throws SmtpStepError */
export const transmit = async (
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
    // The library leaves it out where the server doesn't offer DSN.
    ...(mail.envelopeId === undefined ? {} : { dsn: { ret: 'HDRS', envid: mail.envelopeId, notify: 'FAILURE' } }),
  };
  const deadlineMs = (account.deadlineMs ?? defaultDeadlineMs) + transferMs(mail.raw.length);
  const info = await link.step<{ readonly response: string }>({ deadlineMs, signal, phase: () => phase }, (done) =>
    link.connection.send(envelope, body, done),
  );
  return Number(info?.response.slice(0, 3)) || 250;
};
