import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createClear, type Server as ClearServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpsSource } from '../../src/adapters/https-source.js';
import { latin1 } from '../../src/base/bytes.js';
import { fetchContract } from '../contracts/fetch-url.js';
import { makeCertificates, removeFolder, runs, shortFolder } from '../servers/child.js';
import { startSocks, type SocksProxy } from '../servers/socks.js';

const never = new AbortController().signal;

const portOf = (server: Server | ClearServer): number => (server.address() as AddressInfo).port;

describe.skipIf(!runs('openssl', 'version'))('lists over HTTPS', () => {
  let folder: string;
  let ca: string;
  let server: Server;
  let clear: ClearServer;
  let socks: SocksProxy;
  let asked: IncomingMessage[];
  let serve: (request: IncomingMessage, response: ServerResponse) => void;
  const files = new Map<string, string>();

  const base = (host = 'localhost'): string => `https://${host}:${portOf(server)}`;

  beforeAll(async () => {
    folder = shortFolder();
    makeCertificates(folder);
    ca = readFileSync(`${folder}/ca.pem`, 'utf8');
    asked = [];
    serve = (request, response) => {
      const text = files.get(request.url ?? '');
      response.writeHead(text === undefined ? 404 : 200).end(text);
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      asked.push(request);
      serve(request, response);
    };
    server = createServer(
      { cert: readFileSync(`${folder}/cert.pem`), key: readFileSync(`${folder}/key.pem`) },
      listener,
    ).listen(0, '127.0.0.1');
    clear = createClear(listener).listen(0, '127.0.0.1');
    await Promise.all([once(server, 'listening'), once(clear, 'listening')]);
    socks = await startSocks();
  });
  afterAll(async () => {
    await socks.stop();
    server.closeAllConnections();
    server.close();
    clear.close();
    removeFolder(folder);
  });

  fetchContract('https', () =>
    Promise.resolve({
      url: base(),
      fetchUrl: httpsSource({ ca, deadlineMs: 10_000 }),
      put: (name, text) => void files.set(`/${name}`, text),
      stop: () => Promise.resolve(),
    }),
  );

  const answering = async (
    how: (request: IncomingMessage, response: ServerResponse) => void,
    options: Parameters<typeof httpsSource>[0] = {},
  ) => {
    const usual = serve;
    serve = how;
    asked.length = 0;
    try {
      return await httpsSource({ ca, deadlineMs: 10_000, ...options })(`${base()}/list`, 100_000, never);
    } finally {
      serve = usual;
    }
  };

  it('say nothing of the program that asks', async () => {
    await answering((_request, response) => response.end('ok'));
    expect(asked[0]?.rawHeaders.filter((_value, at) => at % 2 === 0).map((name) => name.toLowerCase())).toEqual([
      'accept',
      'host',
      'connection',
    ]);
  });

  it('are not looked for where a server points to', async () => {
    const outcome = await answering((request, response) => {
      const to = request.url === '/list' ? `http://127.0.0.1:${portOf(clear)}/other` : '/x';
      response.writeHead(302, { location: to }).end();
    });
    expect(outcome).toEqual({ kind: 'failed', why: 'status' });
    expect(asked).toHaveLength(1);
  });

  it('are given up when the server is away, silent, slow, breaks off or sends no end', async () => {
    const silent = await answering(() => undefined, { deadlineMs: 200 });
    expect(silent).toEqual({ kind: 'failed', why: 'timeout' });
    const drop = await answering((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });
    expect(drop).toEqual({ kind: 'failed', why: 'connect' });
    let dripping: NodeJS.Timeout | undefined;
    const drip = await answering(
      (_request, response) => {
        response.writeHead(200);
        dripping = setInterval(() => response.write('x'), 20);
      },
      { deadlineMs: 300 },
    );
    clearInterval(dripping);
    expect(drip).toEqual({ kind: 'failed', why: 'timeout' });
    const endless = await answering((_request, response) => {
      response.writeHead(200);
      let isOpen = true;
      response.on('close', () => (isOpen = false));
      // In a turn of its own each: Node 26 calls back at once when nobody reads any more.
      const more = (): void => {
        if (isOpen) response.write('x'.repeat(50_000), () => setImmediate(more));
      };
      more();
    });
    expect(endless).toEqual({ kind: 'failed', why: 'too-large' });
    expect(await httpsSource()('https://127.0.0.1:1/list', 1000, never)).toEqual({ kind: 'failed', why: 'connect' });
  });

  it('are not taken from a server whose certificate does not fit', async () => {
    const port = portOf(server);
    const unknown = await httpsSource()(`${base()}/small.txt`, 1000, never);
    expect(unknown).toEqual({ kind: 'failed', why: 'tls' });
    const otherName = httpsSource({ ca, proxy: `socks5h://127.0.0.1:${socks.port}` });
    expect(await otherName(`https://other.example:${port}/small.txt`, 1000, never)).toEqual({
      kind: 'failed',
      why: 'tls',
    });
  });

  it('come through the proxy, which is given the name and nothing else', async () => {
    const outcome = await httpsSource({ ca, proxy: `socks5h://127.0.0.1:${socks.port}` })(
      `${base()}/small.txt`,
      1000,
      never,
    );
    expect(outcome.kind === 'found' && latin1(outcome.bytes)).toBe('mixmailer-request 1\n');
    expect(socks.asked.at(-1)).toBe(`localhost:${portOf(server)}`);
    const before = asked.length;
    const away = httpsSource({ ca, proxy: 'socks5h://127.0.0.1:1' });
    expect(await away(`${base()}/small.txt`, 1000, never)).toEqual({ kind: 'failed', why: 'connect' });
    expect(asked).toHaveLength(before);
    expect(() => httpsSource({ proxy: 'http://127.0.0.1:1' })).toThrow(/proxy expected/);
  });
});
