import type { IncomingMessage } from 'node:http';
import { mostRequestFields } from '../base/bounds.js';
import { isLoopback } from './proxy.js';

/** Why a request is not answered, and in which words. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): readonly string[] =>
  rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);

const hostForm = /^(\[[0-9a-f:]+\]|[^:[\]@/?#\s]+)(?::\d{1,5})?$/i;

/** Who asks must have called this machine by a name that can mean no other one: a page's own name can, after its DNS was changed. */
const isOwnName = (host: string): boolean => {
  const name = hostForm.exec(host)?.[1];
  return name !== undefined && isLoopback(name.toLowerCase());
};

/**
 * What a browser does for a page of another origin, and a request that no browser and no Prometheus makes; undefined: this one may be
 * looked at further. Another port of this machine is another origin: it may be another user's.
 */
export const refusalOf = (request: IncomingMessage): Refusal | undefined => {
  // Behind them Node leaves out what it got, an Origin too.
  if (request.rawHeaders.length > 2 * mostRequestFields) return { code: 431, text: 'Too many fields' };
  const [host, ...others] = valuesOf(request, 'host');
  if (host === undefined || others.length > 0 || !isOwnName(host))
    return { code: 421, text: 'This page is at 127.0.0.1, [::1] or localhost only' };
  const isForeign = valuesOf(request, 'origin').some(
    (origin) => origin.toLowerCase() !== `http://${host.toLowerCase()}`,
  );
  const isSent = valuesOf(request, 'sec-fetch-site').some((site) => site !== 'same-origin' && site !== 'none');
  if (isForeign || isSent)
    return { code: 403, text: 'Not for other pages, nor by a link of theirs: type the address, or paste it' };
  return undefined;
};

/** The one cookie of that name; undefined where there are several. */
export const cookieOf = (request: IncomingMessage, name: string): string | undefined => {
  const found = valuesOf(request, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`));
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined;
};

/** The token of `Authorization: Bearer`; undefined without one. */
export const bearerOf = (request: IncomingMessage): string | undefined => {
  const values = valuesOf(request, 'authorization');
  return values.length === 1 ? /^Bearer +(\S+)$/i.exec(values[0] ?? '')?.[1] : undefined;
};

/** Of every answer: nothing is kept, nothing else is loaded, nobody puts it into a frame or guesses what it is. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  // With no-referrer a browser would send "Origin: null" along with the forms.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
