import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StatusServer, statusServer } from '../../src/adapters/status-server.js';
import { longestPageSessionMs, mostPageSessions, mostPageStreams } from '../../src/base/bounds.js';
import { ConfigError } from '../../src/base/errors.js';
import { seededRng } from '../../src/base/random.js';
import type { StatusSite } from '../../src/ports/status.js';

const token = 'f00dfeed'.repeat(4);

/** A page whose text is set by hand. */
const site = (text: () => string): StatusSite => ({
  page: (way) => `<p>${text()}</p><form action="${way}log-out">`,
  parts: () => `<main>\n${text()}</main>`,
  logIn: (hint) => `<form id="log-in">${hint ?? ''}`,
  metrics: () => 'up 1\n',
  files: new Map([['/page.css', { type: 'text/css', text: 'p {}' }]]),
});

let server: StatusServer;
let shown: string;
let now: number;
beforeEach(async () => {
  [shown, now] = ['first', Date.UTC(2026, 0, 15)];
  server = await statusServer({
    ...{ host: '127.0.0.1', port: 0, token, site: site(() => shown), clock: { now: () => now } },
    log: { info: () => undefined, warn: () => undefined },
    rng: seededRng(new Uint8Array(32)),
    pause: () => Promise.resolve(),
  });
});
afterEach(() => server.close());

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: 'manual', ...init });

const logIn = (guess: string): Promise<Response> =>
  ask('/log-in', { method: 'POST', body: new URLSearchParams({ token: guess }) });

interface Way {
  readonly path: string;
  readonly headers: { readonly cookie: string };
}

const wayIn = async (): Promise<Way> => {
  const { status, headers } = await logIn(token);
  expect(status).toBe(303);
  const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
  return { path: headers.get('location') ?? '', headers: { cookie } };
};

/** The events of a stream as they come. */
const follow = async ({ path, headers }: Way) => {
  const cut = new AbortController();
  const response = await ask(`${path}events`, { headers, signal: cut.signal });
  const reader = response.body?.getReader();
  let text = '';
  const next = async (): Promise<string> => {
    while (!text.includes('\n\n')) {
      const read = await reader?.read();
      if (read === undefined || read.done) return 'ended';
      text += new TextDecoder().decode(read.value as Uint8Array);
    }
    const [event = '', ...rest] = text.split('\n\n');
    text = rest.join('\n\n');
    return event;
  };
  return { response, next, hangUp: () => cut.abort() };
};

describe('the server of the status page', () => {
  it('shows nothing but a form without the token', async () => {
    const home = await ask('/');
    expect([home.status, await home.text()]).toEqual([200, '<form id="log-in">']);
    expect((await ask(`/${'0'.repeat(32)}/`)).headers.get('location')).toBe('/');
    expect((await ask(`/${'0'.repeat(32)}/events`)).status).toBe(403);
    expect((await ask('/metrics')).status).toBe(401);
    expect((await ask('/etc/passwd')).status).toBe(404);
    expect((await ask('/../page.css')).headers.get('content-type')).toBe('text/css');
  });

  it('lets in who has the token, to a path of their own, with a cookie for it alone', async () => {
    const response = await logIn(` ${token}\n`);
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/[0-9a-f]{32}\/$/),
    ]);
    const path = response.headers.get('location') ?? '';
    expect(response.headers.get('set-cookie')).toMatch(
      new RegExp(`^mixmailer=[0-9a-f]{32}; Path=${path}; Max-Age=43200; HttpOnly; SameSite=Strict$`),
    );
    const { headers } = await wayIn();
    expect((await ask(path, { headers })).headers.get('location')).toBe('/');
    const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';');
    const page = await ask(path, { headers: { cookie: `other=1; ${cookie}` } });
    expect([page.status, await page.text()]).toEqual([200, `<p>first</p><form action="${path}log-out">`]);
  });

  it('tells who has it wrong', async () => {
    const wrong = await logIn('guess');
    expect([wrong.status, await wrong.text()]).toEqual([403, '<form id="log-in">This is not the token.']);
    expect(wrong.headers.get('set-cookie')).toBeNull();
  });

  it('gives Prometheus its metrics for the token, and not for a cookie', async () => {
    const metrics = (headers: Record<string, string>) => ask('/metrics', { headers });
    const right = await metrics({ authorization: `Bearer ${token}` });
    expect([right.status, await right.text(), right.headers.get('content-type')]).toEqual([
      200,
      'up 1\n',
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    for (const authorization of ['Bearer guess', `Basic ${token}`, token])
      expect((await metrics({ authorization })).status).toBe(401);
    expect((await metrics((await wayIn()).headers)).status).toBe(401);
  });

  it('sends what has changed, once, to everybody who looks', async () => {
    const way = await wayIn();
    const [one, other] = [await follow(way), await follow(way)];
    expect(one.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect([await one.next(), await other.next()]).toEqual(Array(2).fill('data: <main>\ndata: first</main>'));
    server.publish();
    shown = 'second';
    server.publish();
    server.publish();
    shown = 'third';
    server.publish();
    expect([await one.next(), await one.next()]).toEqual([
      'data: <main>\ndata: second</main>',
      'data: <main>\ndata: third</main>',
    ]);
    one.hangUp();
    other.hangUp();
  });

  it('has room for some who look, and again when one is gone', async () => {
    const way = await wayIn();
    const all = await Promise.all(Array.from({ length: mostPageStreams }, () => follow(way)));
    for (const one of all) await one.next();
    const over = await follow(way);
    expect([over.response.status, over.response.headers.get('retry-after')]).toEqual([503, '60']);
    all[0]?.hangUp();
    await expect
      .poll(async () => {
        const next = await follow(way);
        next.hangUp();
        return next.response.status;
      })
      .toBe(200);
    for (const one of all) one.hangUp();
  });

  it('ends a session at the log-out, after a working day, and the oldest of many', async () => {
    const way = await wayIn();
    const stream = await follow(way);
    await stream.next();
    expect((await ask(`${way.path}log-out`, way)).status).toBe(405);
    const out = await ask(`${way.path}log-out`, { method: 'POST', headers: way.headers });
    expect([out.status, out.headers.get('location'), out.headers.get('set-cookie')]).toEqual([
      303,
      '/',
      expect.stringContaining('mixmailer=; '),
    ]);
    expect(await stream.next()).toBe('ended');
    expect((await ask(way.path, way)).status).toBe(303);

    const first = await wayIn();
    for (let more = 1; more < mostPageSessions; more++) await wayIn();
    expect((await ask(first.path, first)).status).toBe(200);
    const last = await wayIn();
    expect((await ask(first.path, first)).status).toBe(303);
    const open = await follow(last);
    await open.next();
    now += longestPageSessionMs;
    server.publish();
    expect(await open.next()).toBe('ended');
    expect((await ask(last.path, last)).status).toBe(303);
  });

  it('says which key is wrong when the port is taken', async () => {
    const { port } = server;
    const second = statusServer({
      ...{ host: '127.0.0.1', port, token, site: site(() => ''), clock: { now: () => now } },
      log: { info: () => undefined, warn: () => undefined },
      rng: seededRng(new Uint8Array(32)),
    });
    await expect(second).rejects.toThrow(ConfigError);
    await expect(second).rejects.toThrow(`status.port: expected a free port of 127.0.0.1, got ${port} (EADDRINUSE)`);
  });

  it('answers HEAD without a body, and ends although somebody looks', async () => {
    const way = await wayIn();
    await (await follow(way)).next();
    const length = await new Promise<number>((resolve, reject) => {
      request({ port: server.port, method: 'HEAD', path: '/page.css' }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('end', () => resolve(bytes));
      })
        .on('error', reject)
        .end();
    });
    expect(length).toBe(0);
    await server.close();
    await expect(ask('/')).rejects.toThrow();
  });
});
