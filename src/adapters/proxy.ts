import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { SocksClient } from 'socks';
import { ConfigError, MailError } from '../base/errors.js';

/** A SOCKS5 proxy such as Tor's. Names are always resolved at the proxy, never here. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** Whether that host can only be this machine: 127.0.0.0/8, ::1 or `localhost`. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));

const defaultSocksPort = 1080;

/** What a part of a URL says in characters; undefined where %XX are no UTF-8. */
const unescaped = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/**
 * The proxy in a URL `socks5h://[user:password@]host[:port]` (`socks5://` means the same here); undefined for any other
 * scheme or a damaged URL.
 */
export const proxyIn = (url: string): Proxy | undefined => {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, username, password } = new URL(url);
  if ((protocol !== 'socks5h:' && protocol !== 'socks5:') || hostname === '') return undefined;
  const [user, secret] = [unescaped(username), unescaped(password)];
  if (user === undefined || secret === undefined) return undefined;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultSocksPort : Number(port),
    user: user === '' ? undefined : user,
    password: secret === '' ? undefined : secret,
  };
};

/** As `proxyIn`. @throws ConfigError where that gives nothing: there is no falling back to a direct connection */
export const parseProxy = (url: string): Proxy => {
  const proxy = proxyIn(url);
  if (proxy === undefined) throw new ConfigError('proxy expected socks5h://host:port');
  return proxy;
};

/**
 * A connection through the proxy; the host name goes to the proxy unresolved.
 *
 * @param bounds of the making; what is made outlives the signal
 * @throws MailError `mail/connect`, also at the deadline and when the signal aborts
 */
export const connectThroughProxy = async (
  proxy: Proxy,
  destination: { readonly host: string; readonly port: number },
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<Socket> => {
  const near = connect({ host: proxy.host, port: proxy.port, noDelay: true });
  // An error that comes when nobody listens any more would end the process.
  near.on('error', () => undefined);
  const giveUp = (): void => void near.destroy(new Error('given up'));
  const timer = setTimeout(giveUp, deadlineMs);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  try {
    await once(near, 'connect');
    const { socket } = await SocksClient.createConnection({
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: 5,
        ...(proxy.user === undefined ? {} : { userId: proxy.user }),
        ...(proxy.password === undefined ? {} : { password: proxy.password }),
      },
      command: 'connect',
      destination: { host: destination.host, port: destination.port },
      timeout: deadlineMs,
      existing_socket: near,
    });
    return socket;
  } catch {
    near.destroy();
    // The library's error carries the proxy's password: no cause.
    throw new MailError('mail/connect', `no connection through the proxy ${proxy.host}:${proxy.port}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
};
