import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { longestSilentLineMs, mostCommandsBeforeLogin, mostLines, mostWrongLogins } from '../base/bounds.js';
import { ConfigError, MailError, RouteError, StoreError, SubmissionError } from '../base/errors.js';
import { secondMs } from '../base/units.js';
import type { Log } from '../ports/log.js';
import { sameSecret } from './token-file.js';

/** A mail as the user's program handed it in. */
export interface Submitted {
  /** From the SMTP envelope, so Bcc recipients are here and nowhere else. */
  readonly recipients: readonly string[];
  readonly raw: Uint8Array;
}

export interface SubmissionOptions {
  /** A loopback address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly user: string;
  readonly token: string;
  readonly maxMailBytes: number;
  /** Resolves when the mail is on the disk; only then the program hears 250. */
  readonly accept: (mail: Submitted) => Promise<unknown>;
  readonly log: Log;
  /** Waits before a wrong log-in is answered; the machine's clock, if nothing is said. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

export interface SubmissionServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const reply = (responseCode: number, text: string): Error & { responseCode: number } =>
  Object.assign(new Error(text), { responseCode });

/** What the mail program is told; its user reads this text. */
const replyTo = (error: unknown): Error => {
  if (error instanceof SubmissionError) {
    return error.code === 'submission/too-large' ? reply(552, error.message) : reply(550, error.message);
  }
  if (error instanceof RouteError) return reply(451, `Not sent, nothing left this machine: ${error.message}`);
  if (error instanceof StoreError) return reply(452, `The mail could not be stored: ${error.message}`);
  // The program is gone in the middle of its mail: nobody hears this.
  if (error instanceof MailError) return reply(451, error.message);
  // Our own mistake: nobody handles it, and the process stops. What was answered with 250 is on the disk.
  throw error;
};

const readAll = async (stream: SMTPServerDataStream): Promise<Uint8Array> => {
  const chunks: Buffer[] = [];
  try {
    // Over the limit smtp-server goes on reading and sets sizeExceeded; what is over it needn't be kept.
    for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk);
  } catch (cause) {
    throw new MailError('mail/closed', 'The connection ended before the mail did', { cause });
  }
  const all = Buffer.concat(chunks);
  return new Uint8Array(all.buffer, all.byteOffset, all.length);
};

/**
 * The SMTP submission server that mail programs on this machine talk to.
 *
 * Loopback only and without TLS, so it asks for a log-in even there: any other user or web page of this machine could
 * reach the port. A line is closed at the third wrong log-in, each of which is answered late, at the first line of HTTP, at
 * anything that comes before the greeting (a TLS hello), and after ten words that are no commands; the last three are
 * smtp-server's own. A mail is answered with 250 only when it is durable, and otherwise with words for its user.
 *
 * @throws ConfigError when the port can't be listened on, such as one that is taken
 */
export const submissionServer = async (options: SubmissionOptions): Promise<SubmissionServer> => {
  const { host, port, user, token, maxMailBytes, accept, log } = options;
  const { pause = (ms: number) => sleep(ms, undefined, { ref: false }) } = options;
  const wrongLogins = new WeakMap<SMTPServerSession, number>();
  const server = new SMTPServer({
    name: 'localhost',
    banner: 'MixMailer',
    authOptional: false,
    hideSTARTTLS: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    authMethods: ['PLAIN', 'LOGIN'],
    size: maxMailBytes,
    maxAllowedUnauthenticatedCommands: mostCommandsBeforeLogin,
    maxClients: mostLines,
    socketTimeout: longestSilentLineMs,
    closeTimeout: 1000,
    logger: false,
    onAuth: (auth, session, done) => {
      const userMatches = sameSecret(auth.username ?? '', user);
      const tokenMatches = sameSecret(auth.password ?? '', token);
      if (userMatches && tokenMatches) {
        done(null, { user });
        return;
      }
      const wrong = (wrongLogins.get(session) ?? 0) + 1;
      wrongLogins.set(session, wrong);
      log.info('submission/wrong-login');
      const isLast = wrong >= mostWrongLogins;
      const answer = isLast
        ? reply(421, 'Too many wrong log-ins')
        : reply(535, 'Wrong user or token: they are printed by "mixmailer client" when it starts');
      void pause(secondMs).then(() => done(answer));
    },
    onData: (stream, session, done) => {
      const take = async (): Promise<void> => {
        const raw = await readAll(stream);
        if (stream.sizeExceeded) {
          throw new SubmissionError('submission/too-large', `Mails here may have at most ${maxMailBytes} bytes`);
        }
        await accept({ recipients: session.envelope.rcptTo.map(({ address }) => address), raw });
      };
      take().then(
        () => done(null, 'Queued for the mix network'),
        (error: unknown) => {
          const answer = replyTo(error);
          log.info('submission/refused');
          done(answer);
        },
      );
    },
  });
  const listening = server.listen(port, host);
  // A program that drops its connection is no concern of ours. Before it listens the error is thrown below.
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (listening.listening) log.warn('submission/connection', { code: error.code ?? 'unknown' });
  });
  try {
    await once(listening, 'listening');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ConfigError(`client.submission.port: expected a free port of ${host}, got ${port} (${code})`, { cause });
  }
  return {
    port: (listening.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
};
