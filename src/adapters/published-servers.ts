import { Resolver } from 'node:dns/promises';
import { get } from 'node:https';
import { Parser } from 'htmlparser2';
import { mostPublishedBytes, mostPublishedRedirects } from '../base/bounds.js';
import { secondMs } from '../base/units.js';
import {
  type ConfiguredServer,
  mailServices,
  type Published,
  publishedInConfig,
  publishedInDns,
  type SrvRecord,
} from '../provider/published.js';

/** The answers of the DNS about a service. Rejects as `resolveSrv` of node:dns does. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;
/** The text at that address; undefined: there is none, or none that can be had safely. */
export type FetchText = (url: string, signal: AbortSignal) => Promise<string | undefined>;

const placeMs = 10 * secondMs;
const resolveTimeout = { timeout: 3 * secondMs, tries: 2 };
const systemResolve: ResolveSrv = (name) => new Resolver(resolveTimeout).resolveSrv(name);

/**
 * The text at an https address, whose certificate is checked. Follows a redirection to https alone.
 *
 * @param ca authorities to trust in place of the usual ones
 */
export const fetchText =
  (ca?: string): FetchText =>
  (url, signal) => {
    const fetchFrom = (from: URL, redirects: number): Promise<string | undefined> =>
      new Promise((resolve) => {
        const nothing = (): void => resolve(undefined);
        if (from.protocol !== 'https:') {
          nothing();
          return;
        }
        const asked = get(from, { signal, ca, agent: false }, (response) => {
          const { statusCode = 0, headers } = response;
          if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
            response.destroy();
            const next = URL.canParse(headers.location, from.href) ? new URL(headers.location, from.href) : undefined;
            if (next === undefined || redirects === 0) nothing();
            else resolve(fetchFrom(next, redirects - 1));
            return;
          }
          const parts: Buffer[] = [];
          let size = 0;
          response.on('data', (part: Buffer) => {
            size += part.length;
            parts.push(part);
            if (size > mostPublishedBytes) asked.destroy();
          });
          response.on('error', nothing);
          response.on('close', nothing);
          response.on('end', () => resolve(statusCode === 200 ? Buffer.concat(parts).toString() : undefined));
        });
        asked.on('error', nothing);
      });
    return fetchFrom(new URL(url), mostPublishedRedirects);
  };

const isServer = (element: string): boolean => element === 'incomingServer' || element === 'outgoingServer';

/** The servers in a text of Thunderbird's format, in their order; of what is no such text, none. */
export const serversInConfig = (text: string): readonly ConfiguredServer[] => {
  const servers: { readonly type: string; readonly texts: Map<string, string> }[] = [];
  let open: Map<string, string> | undefined;
  let element = '';
  const parser = new Parser(
    {
      onopentag: (name, { type = '' }) => {
        element = name;
        if (!isServer(name)) return;
        element = '';
        open = new Map();
        servers.push({ type, texts: open });
      },
      ontext: (part) => element !== '' && open?.set(element, `${open.get(element) ?? ''}${part}`.trim()),
      onclosetag: (name) => {
        element = '';
        if (isServer(name)) open = undefined;
      },
    },
    { xmlMode: true },
  );
  parser.end(text);
  return servers;
};

/** Where a domain's configuration lies in Thunderbird's format: at the domain itself, then in that program's database. */
const placesOf = (domain: string): readonly string[] => [
  `https://autoconfig.${domain}/mail/config-v1.1.xml`,
  `https://${domain}/.well-known/autoconfig/mail/config-v1.1.xml`,
  `https://autoconfig.thunderbird.net/v1.1/${domain}`,
];

/**
 * Asks for the mail servers of a domain: itself over https, then Thunderbird's database of providers, then the DNS. Each of
 * them, and who answers for the DNS, learns that somebody here wants to know; none learns an address.
 *
 * Not protected: what the DNS says is signed by nobody. `isVouched` is whether it came over https.
 *
 * Source: https://wiki.mozilla.org/Thunderbird:Autoconfiguration, RFC 6186, RFC 8314.
 *
 * @returns undefined where nobody says both
 */
export const publishedServers = async (
  domain: string,
  signal: AbortSignal,
  { fetch = fetchText(), resolve = systemResolve }: { readonly fetch?: FetchText; readonly resolve?: ResolveSrv } = {},
): Promise<(Published & { readonly isVouched: boolean }) | undefined> => {
  for (const place of placesOf(domain)) {
    const text = await fetch(place, AbortSignal.any([signal, AbortSignal.timeout(placeMs)]));
    const found = text === undefined ? undefined : publishedInConfig(serversInConfig(text), domain);
    if (found !== undefined) return { ...found, isVouched: true };
  }
  const answers = new Map<string, readonly SrvRecord[]>();
  for (const { service } of [...mailServices.imap, ...mailServices.smtp]) {
    const none = (): readonly SrvRecord[] => [];
    answers.set(service, await resolve(`${service}.${domain}`).catch(none));
  }
  const found = publishedInDns((service) => answers.get(service) ?? []);
  return found && { ...found, isVouched: false };
};
