import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StatusServer, statusServer } from '../../src/adapters/status-server.js';
import { mostPageConnections, mostRequestFields, mostWrongTokens } from '../../src/base/bounds.js';
import { seededRng } from '../../src/base/random.js';
import { secondMs } from '../../src/base/units.js';
import { siteOf } from '../../src/page/site.js';
import { storyOf } from '../page/story.js';

// A web page that the user of a node has open reaches the port of its status page; so does a program of another user of the machine.
// Neither has the token; the page, though, has the user's browser, which is logged in.

const token = 'f00dfeed'.repeat(4);
const secret = 'Packets in the pool';
const { status } = storyOf({ hours: 2 });
let server: StatusServer;
let pauses: number[];
let logged: string[];
let pausing: Promise<unknown> | undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  [pauses, logged, pausing] = [[], [], undefined];
  const note = (event: string): void => void logged.push(event);
  server = await statusServer({
    ...{ host: '127.0.0.1', port: 0, token, site: siteOf({ role: 'node', name: 'grove' }, status) },
    clock: { now: () => 0 },
    rng: seededRng(new Uint8Array(32).fill(1)),
    log: { info: note, warn: note },
    pause: (ms) => {
      pauses.push(ms);
      return pausing ?? Promise.resolve();
    },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

/** Sends bytes and reads until the server hangs up. */
const say = async (bytes: string): Promise<string> => {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return answer;
};

const own = (): string => `127.0.0.1:${server.port}`;

/** A request with these fields, which ends the connection. */
const ask = (line: string, fields: Readonly<Record<string, string>> = {}, body = ''): Promise<string> => {
  const all = { Host: own(), Connection: 'close', ...fields };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return say(`${line} HTTP/1.1\r\n${head.join('')}\r\n${body}`);
};

const codeOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const logIn = (guess: string, fields: Readonly<Record<string, string>> = {}): Promise<string> => {
  const body = `token=${guess}`;
  return ask('POST /log-in', { ...form, 'Content-Length': `${body.length}`, ...fields }, body);
};

/** The user's browser, logged in. */
const session = async (): Promise<{ readonly path: string; readonly cookie: string }> => {
  const answer = await logIn(token);
  const [, path = ''] = /^Location: (\S+)\r$/m.exec(answer) ?? [];
  const [, cookie = ''] = /^Set-Cookie: ([^;]+)/m.exec(answer) ?? [];
  expect(await ask(`GET ${path}`, { Cookie: cookie })).toContain(secret);
  return { path, cookie };
};

describe('a page of another origin, in a browser that is logged in', () => {
  it.each([
    { Origin: 'https://evil.test' },
    { Origin: 'null' },
    { Origin: 'http://127.0.0.1:8080' },
    { Origin: 'http://localhost' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
  ])('sees and does nothing: %j', async (fields) => {
    const { path, cookie } = await session();
    for (const line of [
      `GET ${path}`,
      `GET ${path}events`,
      `POST ${path}log-out`,
      'GET /',
      'GET /metrics',
      'GET /page.js',
    ]) {
      const answer = await ask(line, { Cookie: cookie, Authorization: `Bearer ${token}`, ...fields });
      expect([line, codeOf(answer)]).toEqual([line, 403]);
      expect(answer).not.toContain(secret);
      expect(answer).not.toMatch(/access-control/i);
    }
    expect(codeOf(await logIn(token, fields))).toBe(403);
    // It was not logged out either.
    expect(await ask(`GET ${path}`, { Cookie: cookie })).toContain(secret);
  });

  it('gets no cookie on another port: it is for a path that nobody can guess', async () => {
    const { path, cookie } = await session();
    expect(path).toMatch(/^\/[0-9a-f]{32}\/$/);
    const again = await logIn(token);
    const [, ownPath] = /^Location: (\S+)\r$/m.exec(again) ?? [];
    expect(/^Set-Cookie: .*; Path=([^;]+);/m.exec(again)?.[1]).toBe(ownPath);
    expect(codeOf(await ask('GET /', { Cookie: cookie }))).toBe(200);
    expect(await ask('GET /', { Cookie: cookie })).not.toContain(secret);
    const other = await session();
    expect(codeOf(await ask(`GET ${other.path}`, { Cookie: cookie }))).toBe(303);
    expect(codeOf(await ask(`GET ${path}`, { Cookie: `${cookie}; ${other.cookie}` }))).toBe(303);
  });

  it('asks a preflight in vain', async () => {
    expect(codeOf(await ask('OPTIONS /metrics', { 'Access-Control-Request-Method': 'GET' }))).toBe(405);
  });

  it('can put nothing of it into a frame, and nothing of its own into it', async () => {
    const { path, cookie } = await session();
    for (const answer of [
      await ask('GET /'),
      await ask(`GET ${path}`, { Cookie: cookie }),
      await ask('GET /nothing'),
    ]) {
      expect(answer).toMatch(/^Content-Security-Policy: default-src 'none'; script-src 'self'; /m);
      expect(answer).toMatch(/frame-ancestors 'none'\r$/m);
      expect(answer).not.toMatch(/unsafe|https:|\*/);
      for (const field of [
        'X-Content-Type-Options: nosniff',
        'Referrer-Policy: same-origin',
        'Cache-Control: no-store',
      ])
        expect(answer).toContain(`${field}\r\n`);
    }
  });
});

describe('a name that was made to mean this machine', () => {
  it.each([
    'evil.test',
    'evil.test:2526',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    'xlocalhost',
    '127.0.0.1@evil.test',
    '0.0.0.0',
    '192.0.2.1',
    '[::2]',
    '2130706433',
    '127.1',
    '',
  ])('is not answered: %j', async (host) => {
    const { path, cookie } = await session();
    const answer = await ask(`GET ${path}`, { Host: host, Cookie: cookie, Authorization: `Bearer ${token}` });
    expect(codeOf(answer)).toBe(421);
    expect(answer).not.toContain(secret);
  });

  it('is not answered when the right one stands beside it, or none', async () => {
    const { path, cookie } = await session();
    const two = `GET ${path} HTTP/1.1\r\nHost: ${own()}\r\nHost: evil.test\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`;
    expect(codeOf(await say(two))).toBeGreaterThanOrEqual(400);
    expect(codeOf(await say(`GET ${path} HTTP/1.0\r\nCookie: ${cookie}\r\n\r\n`))).toBe(421);
    const proxied = await ask(`GET http://evil.test${path}`, { Cookie: cookie });
    expect([codeOf(proxied), proxied.includes(secret)]).toEqual([404, false]);
  });

  it('is one of those that can mean no other machine', async () => {
    for (const host of ['127.0.0.1', 'localhost:9000', '127.9.9.9:1', '[::1]:2526', 'LOCALHOST'])
      expect([host, codeOf(await ask('GET /', { Host: host }))]).toEqual([host, 200]);
  });
});

describe('who guesses the token', () => {
  it('is answered late, each time, and the log tells', async () => {
    for (const guess of ['', 'a', token.slice(1), `${token}0`, token.toUpperCase()])
      expect(codeOf(await logIn(guess))).toBe(403);
    expect(codeOf(await ask('GET /metrics', { Authorization: 'Bearer guess' }))).toBe(401);
    expect(pauses).toEqual(Array(6).fill(secondMs));
    expect(logged).toEqual(Array(6).fill('status/wrong-token'));
  });

  it('can’t try many at once; who knows it is let in meanwhile', async () => {
    let release: () => void = () => undefined;
    pausing = new Promise<void>((resolve) => (release = resolve));
    const guesses = Array.from({ length: mostWrongTokens }, () => logIn('guess'));
    await expect.poll(() => pauses.length).toBe(mostWrongTokens);
    expect(codeOf(await logIn('guess'))).toBe(429);
    expect(codeOf(await ask('GET /metrics', { Authorization: 'Bearer guess' }))).toBe(429);
    expect(codeOf(await logIn(token))).toBe(303);
    release();
    expect((await Promise.all(guesses)).map(codeOf)).toEqual(Array(mostWrongTokens).fill(403));
  });
});

describe('who wants to fill it', () => {
  it('is hung up on with a long head, many fields, a large form, or a form of another kind', async () => {
    expect(codeOf(await ask('GET /', { X: 'x'.repeat(10_000) }))).toBe(431);
    const many = Object.fromEntries(Array.from({ length: mostRequestFields }, (_, i) => [`X-${i}`, 'x']));
    expect(codeOf(await ask('GET /', many))).toBe(431);
    // An Origin behind them counts, or the request does not.
    expect(codeOf(await ask('GET /', { ...many, Origin: 'https://evil.test' }))).toBe(431);
    expect(codeOf(await logIn('x'.repeat(2000)))).toBe(413);
    const chunks = `400\r\n${'x'.repeat(1024)}\r\n`.repeat(3);
    expect(codeOf(await ask('POST /log-in', { ...form, 'Transfer-Encoding': 'chunked' }, chunks))).toBe(413);
    const json = JSON.stringify({ token });
    const length = { 'Content-Length': `${json.length}` };
    expect(codeOf(await ask('POST /log-in', { 'Content-Type': 'application/json', ...length }, json))).toBe(413);
  });

  it('has so many connections and no more', async () => {
    const open = Array.from({ length: mostPageConnections }, () => connect(server.port, '127.0.0.1'));
    sockets.push(...open);
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    expect(await say('')).toBe('');
    for (const socket of open) socket.destroy();
    await expect.poll(async () => codeOf(await ask('GET /'))).toBe(200);
  });

  it('is not waited for: half a request ends after ten seconds', async () => {
    expect(codeOf(await say('GET / HTTP/1.1\r\nHost: 127.0.0.1'))).toBe(408);
  });

  it('can’t hide a second request behind a body', async () => {
    const { path, cookie } = await session();
    const hidden = `GET ${path} HTTP/1.1\r\nHost: ${own()}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`;
    const both = { ...form, 'Content-Length': `${hidden.length}`, 'Transfer-Encoding': 'chunked' };
    expect(await ask('POST /log-in', both, `0\r\n\r\n${hidden}`)).not.toContain(secret);
    expect(
      await ask('POST /nothing', { 'Content-Length': `${hidden.length}`, Connection: 'keep-alive' }, hidden),
    ).not.toContain(secret);
  });

  it('of another protocol is told so and hung up on', async () => {
    for (const bytes of [
      'EHLO x\r\n',
      'a1 LOGIN x y\r\n',
      '\u0016\u0003\u0001\u0000\u00ff\r\n\r\n',
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    ])
      expect(await say(bytes)).toMatch(/^HTTP\/1\.1 400 /);
  });
});
