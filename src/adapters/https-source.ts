import { get, type RequestOptions } from 'node:https';
import { connect, rootCertificates } from 'node:tls';
import { concat } from '../base/bytes.js';
import { MailError } from '../base/errors.js';
import type { FetchOutcome, FetchUrl } from '../ports/follow.js';
import { defaultDeadlineMs, isTlsFailure, transferMs } from './mail-account.js';
import { connectThroughProxy, parseProxy, type Proxy } from './proxy.js';

/** How to come to web servers. */
export interface HttpsOptions {
  /** `socks5h://[user:password@]host:port`; names are resolved at the proxy. */
  readonly proxy?: string | undefined;
  /** PEM certificates trusted beside the system's. */
  readonly ca?: string | undefined;
  /** How long one file may take before it is given up, without the time its bytes need. Default 60 s. */
  readonly deadlineMs?: number | undefined;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** A connection to the server, through the proxy and secured, for Node's client to talk over. */
const tunnel = async (url: URL, proxy: Proxy, options: HttpsOptions, signal: AbortSignal): Promise<RequestOptions> => {
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  const port = url.port === '' ? 443 : Number(url.port);
  const socket = await connectThroughProxy(proxy, { host: url.hostname, port }, { deadlineMs, signal });
  const ca = options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca] };
  return {
    // With an agent this would be passed over, and the server reached directly.
    createConnection: () => connect({ socket, servername: url.hostname, minVersion: 'TLSv1.2', ...ca }),
  };
};

/**
 * Gets files over HTTPS, each on a connection of its own, with nothing in the request that tells one program from
 * another but what it asks for. Follows no redirects: a list is where its authorities said, or nowhere. What comes is
 * not trusted for coming from there: documents carry their own signatures.
 *
 * Not protected: without a proxy the server learns the machine's network address.
 *
 * @throws ConfigError for a damaged proxy setting: nothing falls back to a direct connection
 */
export const httpsSource = (options: HttpsOptions = {}): FetchUrl => {
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  return async (text, mostBytes, signal) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:') return { kind: 'failed', why: 'connect' };
    let way: RequestOptions = {
      agent: false,
      ...(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca] }),
    };
    try {
      if (proxy !== undefined) way = await tunnel(url, proxy, options, signal);
    } catch (error) {
      if (error instanceof MailError) return { kind: 'failed', why: 'connect' };
      throw error;
    }
    return new Promise<FetchOutcome>((resolve) => {
      const begunAt = performance.now();
      let bytes = 0;
      // A server that sends a byte a minute must not hold up what waits for the end of this.
      const left = (): number => begunAt + deadlineMs + transferMs(bytes) - performance.now();
      let timer = setTimeout(() => abort(), deadlineMs);
      const abort = (): void => end({ kind: 'failed', why: 'timeout' });
      const end = (outcome: FetchOutcome): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        resolve(outcome);
        request.destroy();
      };
      const request = get(url, { ...way, minVersion: 'TLSv1.2', headers: { accept: 'text/plain' } }, (response) => {
        const { statusCode = 0 } = response;
        if (statusCode !== 200) {
          end(statusCode === 404 || statusCode === 410 ? { kind: 'missing' } : { kind: 'failed', why: 'status' });
          return;
        }
        const chunks: Uint8Array[] = [];
        response.on('data', (chunk: Uint8Array) => {
          bytes += chunk.length;
          clearTimeout(timer);
          timer = setTimeout(abort, left());
          if (bytes > mostBytes) end({ kind: 'failed', why: 'too-large' });
          else chunks.push(chunk);
        });
        response.on('end', () =>
          end(response.complete ? { kind: 'found', bytes: concat(...chunks) } : { kind: 'failed', why: 'connect' }),
        );
        response.on('error', () => end({ kind: 'failed', why: 'connect' }));
      });
      request.on('error', (error) => end({ kind: 'failed', why: isTlsFailure(codeOf(error)) ? 'tls' : 'connect' }));
      signal.addEventListener('abort', abort);
      if (signal.aborted) abort();
    });
  };
};
