import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpsSource } from '../../src/adapters/https-source.js';
import { openImap } from '../../src/adapters/imap-link.js';
import { connectThroughProxy, parseProxy } from '../../src/adapters/proxy.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { startSocks } from '../servers/socks.js';

const silentLog = { info: () => undefined, warn: () => undefined };
const mail = { from: 'a@a.test', to: 'b@b.test', raw: new Uint8Array(10) };

describe('a proxy that accepts and says nothing', () => {
  let server: Server;
  let url: string;
  beforeAll(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `socks5h://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const account = () => ({
    host: 'mail.test',
    port: 25,
    security: 'tls' as const,
    user: 'a',
    credential: () => Promise.resolve({ password: 'x' }),
    proxy: url,
  });

  /** Stops that work when the proxy has heard of it. @returns what it came to, when the proxy has seen the end of it */
  const stopped = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> => {
    const stop = new AbortController();
    const heard = once(server, 'connection') as Promise<[Socket]>;
    const ended = work(stop.signal).catch((error: unknown) => error);
    const [socket] = await heard;
    socket.on('error', () => undefined);
    const gone = once(socket, 'close');
    await once(socket, 'data');
    stop.abort();
    const outcome = await ended;
    await gone;
    return outcome;
  };

  it('is let go of at a stop by a connection, by mails that leave, and by lists that come', async () => {
    const bounds = (signal: AbortSignal) => ({ deadlineMs: 3_600_000, signal });
    const to = { host: 'mail.test', port: 25 };
    expect(await stopped((signal) => connectThroughProxy(parseProxy(url), to, bounds(signal)))).toMatchObject({
      code: 'mail/connect',
    });
    const outbox = smtpOutbox(account(), silentLog);
    expect(await stopped((signal) => outbox.send(mail, signal))).toMatchObject({ kind: 'later', why: 'connect' });
    await outbox.close();
    const fetchUrl = httpsSource({ proxy: url });
    expect(await stopped((signal) => fetchUrl('https://list.test/', 1000, signal))).toMatchObject({ kind: 'failed' });
  });

  it('is not asked after the stop', async () => {
    const now = AbortSignal.abort();
    const outbox = smtpOutbox(account(), silentLog);
    expect(await outbox.send(mail, new AbortController().signal, now)).toMatchObject({ kind: 'later' });
    await expect(openImap(account(), now)).rejects.toMatchObject({ code: 'mail/closed' });
  });
});

describe('a connection through a proxy', () => {
  it('outlives the signal that it was made under', async () => {
    const far = createServer((socket) => void socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
    await once(far, 'listening');
    const socks = await startSocks();
    const making = new AbortController();
    const to = { host: 'echo.test', port: (far.address() as AddressInfo).port };
    const proxy = parseProxy(`socks5h://127.0.0.1:${socks.port}`);
    const socket = await connectThroughProxy(proxy, to, { deadlineMs: 60_000, signal: making.signal });
    making.abort();
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    socket.destroy();
    await socks.stop();
    far.close();
  });
});
