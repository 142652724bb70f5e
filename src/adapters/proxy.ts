import { isIP, type Socket } from 'node:net';
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

/**
 * The proxy in a URL `socks5h://[user:password@]host[:port]` (`socks5://` means the same here).
 *
 * @throws ConfigError for any other scheme or a damaged URL: nothing falls back to a direct connection
 */
export const parseProxy = (url: string): Proxy => {
  if (!URL.canParse(url)) throw new ConfigError('proxy expected socks5h://host:port');
  const { protocol, hostname, port, username, password } = new URL(url);
  if ((protocol !== 'socks5h:' && protocol !== 'socks5:') || hostname === '')
    throw new ConfigError('proxy expected socks5h://host:port');
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultSocksPort : Number(port),
    user: username === '' ? undefined : decodeURIComponent(username),
    password: password === '' ? undefined : decodeURIComponent(password),
  };
};

/**
 * A connection through the proxy; the host name goes to the proxy unresolved.
 *
 * @throws MailError `mail/connect`
 */
export const connectThroughProxy = async (
  proxy: Proxy,
  host: string,
  port: number,
  deadlineMs: number,
): Promise<Socket> => {
  try {
    const { socket } = await SocksClient.createConnection({
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: 5,
        ...(proxy.user === undefined ? {} : { userId: proxy.user }),
        ...(proxy.password === undefined ? {} : { password: proxy.password }),
      },
      command: 'connect',
      destination: { host, port },
      timeout: deadlineMs,
      set_tcp_nodelay: true,
    });
    return socket;
  } catch {
    // The library's error carries the proxy's password: no cause.
    throw new MailError('mail/connect', `no connection through the proxy ${proxy.host}:${proxy.port}`);
  }
};
