import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  largestFormBytes,
  largestRequestHeadBytes,
  longestPageSessionMs,
  longestRequestMs,
  mostPageConnections,
  mostPageStreams,
  mostRequestFields,
  mostUnreadBytes,
  mostWrongTokens,
} from '../base/bounds.js';
import { ConfigError } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { secondMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { StatusSite } from '../ports/status.js';
import { answerHeaders, bearerOf, cookieOf, refusalOf } from './status-guard.js';
import { type Session, Sessions } from './status-sessions.js';
import { sameSecret } from './token-file.js';

export interface StatusServerOptions {
  /** A loopback address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
  readonly site: StatusSite;
  readonly log: Log;
  readonly rng: Rng;
  readonly clock: Clock;
  /** Waits before a wrong token is answered; the machine's clock, if nothing is said. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

export interface StatusServer {
  readonly port: number;
  /** The site may show something else now. */
  readonly publish: () => void;
  readonly close: () => Promise<void>;
}

const cookieName = 'mixmailer';
const sessionPath = /^\/([0-9a-f]{32})\/(|events|log-out)$/;

/** Somebody who sees what changes. */
interface Stream {
  readonly session: Session;
  readonly response: ServerResponse;
  /** What was sent last. */
  sent: string;
}

/** What comes of a request. */
type Answer =
  | {
      readonly kind: 'text';
      readonly code: number;
      readonly text: string;
      readonly fields: Readonly<Record<string, string>>;
    }
  /** The page's main part now, and whenever it has changed. */
  | { readonly kind: 'stream'; readonly session: Session };

const plain = { 'Content-Type': 'text/plain; charset=utf-8' } as const;
const html = { 'Content-Type': 'text/html; charset=utf-8' } as const;

const text = (code: number, body: string, fields: Readonly<Record<string, string>> = plain): Answer => ({
  kind: 'text',
  code,
  text: body,
  fields,
});

const tooManyWrong = text(429, 'Too many wrong tokens at once; try again in a second');
const nothing = text(404, 'Nothing is here');

const cookieFields = (session: Session, secret: string, seconds: number): Readonly<Record<string, string>> => ({
  'Set-Cookie': `${cookieName}=${secret}; Path=/${session.id}/; Max-Age=${seconds}; HttpOnly; SameSite=Strict`,
});

/** A form of few bytes; undefined if it is none, or too large. */
const formOf = async (request: IncomingMessage): Promise<URLSearchParams | undefined> => {
  if (request.headers['content-type']?.split(';')[0] !== 'application/x-www-form-urlencoded') return undefined;
  let form = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    form += chunk.toString('latin1');
    if (form.length > largestFormBytes) return undefined;
  }
  return new URLSearchParams(form);
};

const eventOf = (parts: string): string =>
  `${parts
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;

/**
 * The server of the status page, for browsers and a Prometheus of this machine.
 *
 * Loopback only and without TLS. Whatever it shows of the process needs the token: by a form, which gives a cookie for a path
 * of its own, or as `Authorization: Bearer` for `/metrics`. What browsers do for pages of others is refused before that. It
 * shows finished texts and asks nothing of the process.
 *
 * @throws ConfigError when the port can't be listened on, such as one that is taken
 */
export const statusServer = async (options: StatusServerOptions): Promise<StatusServer> => {
  const { host, port, token, site, log, rng, clock } = options;
  const { pause = (ms: number) => sleep(ms, undefined, { ref: false }) } = options;
  const sessions = new Sessions(rng, clock);
  const streams = new Set<Stream>();
  let guesses = 0;

  /** Whether it is the token. Wrong ones are answered late, and only so many at a time. */
  const judged = async (guess: string | undefined): Promise<'right' | 'wrong' | 'too-many'> => {
    if (guess === undefined) return 'wrong';
    if (sameSecret(guess, token)) return 'right';
    if (guesses >= mostWrongTokens) return 'too-many';
    guesses++;
    log.info('status/wrong-token');
    await pause(secondMs);
    guesses--;
    return 'wrong';
  };

  const logIn = async (request: IncomingMessage): Promise<Answer> => {
    const form = await formOf(request);
    if (form === undefined) return text(413, 'Expected a form with a token');
    const found = await judged(form.get('token')?.trim() ?? '');
    if (found === 'too-many') return tooManyWrong;
    if (found === 'wrong') return text(403, site.logIn('This is not the token.'), html);
    const session = sessions.begin();
    const cookie = cookieFields(session, session.secret, longestPageSessionMs / secondMs);
    return text(303, '', { ...cookie, Location: `/${session.id}/` });
  };

  const logOut = (session: Session): Answer => {
    sessions.end(session);
    for (const one of streams) if (one.session === session) one.response.end();
    return text(303, '', { ...cookieFields(session, '', 0), Location: '/' });
  };

  const inSession = (request: IncomingMessage, [id = '', what = '']: readonly string[]): Answer => {
    const isRight = what === 'log-out' ? request.method === 'POST' : request.method === 'GET';
    if (!isRight) return text(405, 'Not this way');
    const session = sessions.find(id, cookieOf(request, cookieName));
    if (session === undefined) return what === 'events' ? text(403, 'Log in again') : text(303, '', { Location: '/' });
    switch (what) {
      case 'log-out':
        return logOut(session);
      case 'events':
        return streams.size < mostPageStreams
          ? { kind: 'stream', session }
          : text(503, 'Too many pages are open', { ...plain, 'Retry-After': '60' });
      default:
        return text(200, site.page(`/${id}/`), html);
    }
  };

  const metrics = async (request: IncomingMessage): Promise<Answer> => {
    switch (await judged(bearerOf(request))) {
      case 'right':
        return text(200, site.metrics(), { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
      case 'wrong':
        return text(401, 'Needs the token as Authorization: Bearer', { ...plain, 'WWW-Authenticate': 'Bearer' });
      case 'too-many':
        return tooManyWrong;
    }
  };

  const answerTo = async (request: IncomingMessage): Promise<Answer> => {
    const refusal = refusalOf(request);
    if (refusal !== undefined) return text(refusal.code, refusal.text);
    const { method, url: path = '' } = request;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
      return text(405, 'GET, HEAD and POST only', { ...plain, Allow: 'GET, HEAD, POST' });
    const session = sessionPath.exec(path);
    if (session !== null) return inSession(request, session.slice(1));
    if (method === 'POST') return path === '/log-in' ? await logIn(request) : nothing;
    const file = site.files.get(path);
    if (file !== undefined) return text(200, file.text, { 'Content-Type': file.type });
    if (path === '/metrics') return metrics(request);
    return path === '/' ? text(200, site.logIn(undefined), html) : nothing;
  };

  const tell = (stream: Stream, parts: string): void => {
    if (stream.sent === parts) return;
    stream.sent = parts;
    stream.response.write(eventOf(parts));
    if (stream.response.writableLength > mostUnreadBytes) stream.response.destroy();
  };

  const write = (response: ServerResponse, answer: Answer): void => {
    if (answer.kind === 'stream') {
      const stream: Stream = { session: answer.session, response, sent: '' };
      streams.add(stream);
      response.on('close', () => streams.delete(stream));
      response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
      tell(stream, site.parts());
      return;
    }
    // What was sent along and is not read must not be taken for the next request.
    const closing = answer.code >= 400 ? { Connection: 'close' } : {};
    response.writeHead(answer.code, { ...closing, ...answer.fields });
    response.end(answer.text);
  };

  const limits = {
    maxHeaderSize: largestRequestHeadBytes,
    headersTimeout: longestRequestMs,
    requestTimeout: longestRequestMs,
    keepAliveTimeout: longestRequestMs,
    connectionsCheckingInterval: secondMs,
  };
  const server = createServer(limits, (request, response) => {
    // Who hangs up is no concern of ours; any other error is our mistake, and ends the process.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    for (const [name, value] of Object.entries(answerHeaders)) response.setHeader(name, value);
    answerTo(request).then(
      (answer) => write(response, answer),
      (error: unknown) => {
        if (!request.destroyed && !response.destroyed) throw error;
      },
    );
  });
  // One more than are taken, so that it is seen when there are more.
  server.maxHeadersCount = mostRequestFields + 1;
  server.maxConnections = mostPageConnections;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ConfigError(`status.port: expected a free port of ${host}, got ${port} (${code})`, { cause });
  }
  return {
    port: (server.address() as AddressInfo).port,
    publish: () => {
      for (const one of streams) if (!sessions.isOpen(one.session)) one.response.end();
      if (streams.size === 0) return;
      const parts = site.parts();
      for (const one of streams) if (!one.response.writableEnded) tell(one, parts);
    },
    close: () =>
      new Promise((resolve) => {
        for (const { response } of streams) response.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
