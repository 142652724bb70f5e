import { rootCertificates, type ConnectionOptions } from 'node:tls';
import { MailError } from '../base/errors.js';
import { isLoopback, parseProxy } from './proxy.js';

/** What proves that the account is ours; asked for at every log-in, so that a token can be fresh. */
export type Credential = { readonly password: string } | { readonly accessToken: string };

/** One server of a mail account, IMAP or SMTP. */
export interface MailAccount {
  readonly host: string;
  readonly port: number;
  /** `none` is accepted towards loopback only. */
  readonly security: 'tls' | 'starttls' | 'none';
  /** PEM certificates trusted beside the system's. */
  readonly ca?: string | undefined;
  readonly user: string;
  /** It may end what it does for that when the signal aborts; it is not waited for then. */
  readonly credential: (signal?: AbortSignal) => Promise<Credential>;
  /** `socks5h://[user:password@]host:port`; names are resolved at the proxy. */
  readonly proxy?: string | undefined;
  /** How long one operation may take before the link is given up, without the time its bytes need. Default 60 s. */
  readonly deadlineMs?: number | undefined;
}

export const defaultDeadlineMs = 60_000;

/** The slowest link that is still waited for, in both directions. */
const slowestBytesPerSecond = 16 * 1024;

/** Time those bytes may need on the slowest link. */
export const transferMs = (bytes: number): number => (bytes / slowestBytesPerSecond) * 1000;

/**
 * Clear text is allowed only where no wire is crossed.
 *
 * @throws MailError `mail/insecure` for security `none` towards any other machine, the proxy's included
 */
export const refuseClearText = (account: MailAccount): void => {
  if (account.security !== 'none') return;
  if (!isLoopback(account.host) || (account.proxy !== undefined && !isLoopback(parseProxy(account.proxy).host)))
    throw new MailError('mail/insecure', 'clear text is allowed to loopback only; use tls or starttls');
};

/** Node's TLS options: the system's certificates stay trusted beside the account's own. */
export const tlsOptions = (account: MailAccount): ConnectionOptions => ({
  minVersion: 'TLSv1.2',
  ...(account.ca === undefined ? {} : { ca: [...rootCertificates, account.ca] }),
});

const unlessAborted = <T>(promised: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('given up'));
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    void promised.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });

/** The account's credential. @throws MailError `mail/login` when it can't be had, `mail/closed` when the signal aborts */
export const credentialOf = async (account: MailAccount, signal: AbortSignal): Promise<Credential> => {
  try {
    return await unlessAborted(account.credential(signal), signal);
  } catch (cause) {
    if (signal.aborted) throw new MailError('mail/closed', `${account.host}:${account.port}: given up`);
    throw new MailError('mail/login', `${account.host}:${account.port}: no credential`, { cause });
  }
};

const tlsFailures =
  /^(ETLS$|EPROTO$|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|ERR_TLS_|ERR_SSL_)/;

/** Whether an error code of Node, OpenSSL or nodemailer says that the secure channel failed. */
export const isTlsFailure = (code: string | undefined): boolean => code !== undefined && tlsFailures.test(code);
