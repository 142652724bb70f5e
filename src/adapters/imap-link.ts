import { largestMailBytes, longestImapLineBytes } from '../base/bounds.js';
import { ImapFlow, type ImapFlowError } from 'imapflow';
import { MailError } from '../base/errors.js';
import { mib, minuteMs, secondMs } from '../base/units.js';
import {
  credentialOf,
  defaultDeadlineMs,
  isTlsFailure,
  refuseClearText,
  tlsOptions,
  type MailAccount,
} from './mail-account.js';
import { parseProxy } from './proxy.js';

/** An IMAP mailbox and how much of it may be taken at once. */
export interface ImapAccount extends MailAccount {
  /** Larger mails are named but not fetched. Default 8 MiB: three full bundles of 64 packets. */
  readonly maxMailBytes?: number | undefined;
  /** Bytes of one `fetch`, a single mail excepted. Default 32 MiB. */
  readonly maxFetchBytes?: number | undefined;
  /** Mails of one `fetch`. Default 256. */
  readonly maxFetchCount?: number | undefined;
  /** Least time between two tries of `waitForMail` to reach a server that is away. Default 30 s. */
  readonly retryPauseMs?: number | undefined;
}

// NAT boxes forget silent connections; most keep them for 5 minutes.
const idleMs = 4 * minuteMs;

// imapflow reports a NO to SEARCH, STORE, MOVE and EXPUNGE as `false`.
export const granted = <T>(result: T | false | undefined, command: string): T => {
  if (result === false || result === undefined) throw new MailError('mail/protocol', `the server refused ${command}`);
  return result;
};

const closedCodes = new Set(['NoConnection', 'EConnectionClosed', 'ECONNRESET', 'EPIPE', 'StateLogout']);
const timeoutCodes = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT', 'ETIMEOUT', 'ETIMEDOUT']);

/** The library's error as ours. Its texts quote the server, and with it addresses: they stay behind. */
const mailErrorOf = (thrown: unknown, where: string, connecting: boolean): MailError => {
  if (thrown instanceof MailError) return thrown;
  const { code, authenticationFailed, tlsFailed, responseStatus } = thrown as ImapFlowError;
  const detail = code === undefined ? '' : ` (${code})`;
  if (authenticationFailed === true) return new MailError('mail/login', `${where}: log-in refused`);
  if (tlsFailed === true || isTlsFailure(code))
    return new MailError('mail/tls', `${where}: no secure channel${detail}`);
  if (code !== undefined && timeoutCodes.has(code))
    return new MailError('mail/timeout', `${where}: no answer${detail}`);
  if (responseStatus !== undefined)
    return new MailError('mail/protocol', `${where}: the server said ${responseStatus}`);
  if (connecting) return new MailError('mail/connect', `${where}: no connection${detail}`);
  if (code !== undefined && closedCodes.has(code)) return new MailError('mail/closed', `${where}: connection lost`);
  return new MailError('mail/protocol', `${where}: unexpected answer${detail}`);
};

/** Whatever is under way on a link: more time can be asked for when bytes are known to come. */
export interface Task {
  readonly extend: (byMs: number) => void;
  /** Whether it was given up here, and the link closed for it. */
  readonly isGivenUp: () => boolean;
}

/** Runs work on that client until it ends, the deadline is over or the signal aborts; the last two close the link. */
export const bounded = <T>(
  link: {
    readonly client: ImapFlow;
    readonly where: string;
    readonly deadlineMs: number;
    readonly connecting: boolean;
  },
  signal: AbortSignal,
  work: (task: Task) => Promise<T>,
): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout;
    let isGivenUp = false;
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const give = (code: MailError['code'], text: string): void => {
      end();
      isGivenUp = true;
      reject(new MailError(code, `${link.where}: ${text}`));
      link.client.close();
    };
    const abort = (): void => give('mail/closed', 'given up');
    const extend = (byMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => give('mail/timeout', 'no answer in time'), link.deadlineMs + byMs);
    };
    extend(0);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort);
    work({ extend, isGivenUp: () => isGivenUp }).then(
      (result) => {
        end();
        resolve(result);
      },
      (error: unknown) => {
        end();
        const mailError = mailErrorOf(error, link.where, link.connecting);
        // A command whose link ended under it also comes back as `false`.
        const lost = mailError.code === 'mail/protocol' && link.client.isClosed;
        reject(lost ? new MailError('mail/closed', `${link.where}: connection lost`) : mailError);
      },
    );
  });

/** What may come of mails of which the server has told that size: some reckon it without what they put into a mail when they give it. */
export const mostGivenBytes = (toldBytes: number): number => 2 * toldBytes + mib;

/** Says goodbye, and waits a second at most for the answer. Never rejects. */
export const leaveImap = async (client: ImapFlow, where: string): Promise<void> => {
  const link = { client, where, deadlineMs: secondMs, connecting: false };
  await bounded(link, AbortSignal.timeout(secondMs), () => client.logout()).catch(() => undefined);
  client.close();
};

export const whereOf = (account: ImapAccount): string => `${account.host}:${account.port}`;

/**
 * A logged-in client.
 *
 * @throws MailError `mail/insecure`, `mail/connect`, `mail/tls`, `mail/login`, `mail/timeout`, `mail/closed` when the signal
 *   aborts
 */
export const openImap = async (account: ImapAccount, signal: AbortSignal): Promise<ImapFlow> => {
  refuseClearText(account);
  const deadlineMs = account.deadlineMs ?? defaultDeadlineMs;
  const credential = await credentialOf(account, signal);
  const maxMailBytes = account.maxMailBytes ?? largestMailBytes;
  const client = new ImapFlow({
    host: account.host,
    port: account.port,
    secure: account.security === 'tls',
    // Left undefined it falls back to clear text when the server offers no STARTTLS.
    ...(account.security === 'tls' ? {} : { doSTARTTLS: account.security === 'starttls' }),
    auth:
      'password' in credential
        ? { user: account.user, pass: credential.password }
        : { user: account.user, accessToken: credential.accessToken },
    tls: tlsOptions(account),
    ...(account.proxy === undefined ? {} : { proxy: libraryProxy(account.proxy) }),
    // The defaults print to stdout, name the library to the server, compress (sizes leak), and take literals of 1 GB.
    logger: false,
    clientInfo: { name: false, version: false, vendor: false, 'support-url': false },
    disableCompression: true,
    disableAutoEnable: true,
    disableIMAP4rev2: true,
    maxLineLength: longestImapLineBytes,
    maxLiteralSize: mostGivenBytes(maxMailBytes),
    maxResponseSize: mostGivenBytes(maxMailBytes) + longestImapLineBytes,
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    maxIdleTime: idleMs,
    autoIdleDelay: secondMs,
  });
  // Without a listener a late socket error ends the process; the library closes itself, and the next call reconnects.
  client.on('error', () => undefined);
  try {
    await bounded({ client, where: whereOf(account), deadlineMs, connecting: true }, signal, () => client.connect());
  } catch (error) {
    // After a log-in that is refused the library leaves the link open, and a process that ends would wait for it.
    client.close();
    throw error;
  }
  return client;
};

/** imapflow knows `socks5:` only, and resolves names at the proxy with it. */
const libraryProxy = (url: string): string => {
  parseProxy(url);
  return url.replace(/^socks5h:/, 'socks5:');
};
