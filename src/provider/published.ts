import { parseDomain } from '../base/address.js';
import type { MailServer, Provider } from './provider.js';

/** The servers that a domain says its mail programs use. */
export interface Published {
  readonly imap: MailServer;
  readonly smtp: MailServer;
  /** What stands for the user at log-in, where that is said. */
  readonly user?: Provider['user'];
}

/** One answer of the DNS about a service (RFC 2782). */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The services asked for, with TLS from the first byte before those with STARTTLS (RFC 8314 section 5.1). */
export const mailServices = {
  imap: [
    { service: '_imaps._tcp', security: 'tls' },
    { service: '_imap._tcp', security: 'starttls' },
  ],
  smtp: [
    { service: '_submissions._tcp', security: 'tls' },
    { service: '_submission._tcp', security: 'starttls' },
  ],
} as const;

/**
 * The first of a service's servers: lowest priority, then largest weight. Undefined where there is none, or the domain
 * says that it has none (a name that is `.`).
 */
const firstOf = (records: readonly SrvRecord[], security: MailServer['security']): MailServer | undefined => {
  const [first] = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
  const host = first && parseDomain(first.name.replace(/\.$/, ''));
  if (first === undefined || host === undefined || first.port < 1 || first.port > 65_535) return undefined;
  return { host, port: first.port, security };
};

/**
 * What the answers of the DNS come to (RFC 6186, RFC 8314).
 *
 * @param recordsOf answers about a service, such as `_imaps._tcp`
 * @returns undefined unless there is a server of both kinds
 */
export const publishedInDns = (recordsOf: (service: string) => readonly SrvRecord[]): Published | undefined => {
  const find = (protocol: 'imap' | 'smtp'): MailServer | undefined =>
    mailServices[protocol]
      .map(({ service, security }) => firstOf(recordsOf(service), security))
      .find((server) => server !== undefined);
  const [imap, smtp] = [find('imap'), find('smtp')];
  return imap && smtp && { imap, smtp };
};

/** An `incomingServer` or `outgoingServer` of Thunderbird's format: its type, and the texts of its elements. */
export interface ConfiguredServer {
  readonly type: string;
  readonly texts: ReadonlyMap<string, string>;
}

const securities: ReadonlyMap<string, MailServer['security']> = new Map([
  ['SSL', 'tls'],
  ['STARTTLS', 'starttls'],
]);
const users: ReadonlyMap<string, Provider['user']> = new Map([
  ['%EMAILADDRESS%', 'address'],
  ['%EMAILLOCALPART%', 'name before the @'],
]);

const serverOf = ({ texts }: ConfiguredServer, domain: string): MailServer | undefined => {
  const host = parseDomain((texts.get('hostname') ?? '').replaceAll('%EMAILDOMAIN%', domain));
  const port = Number(texts.get('port'));
  const security = securities.get(texts.get('socketType') ?? '');
  if (host === undefined || security === undefined || !Number.isInteger(port) || port < 1 || port > 65_535)
    return undefined;
  return { host, port, security };
};

/**
 * What a configuration in Thunderbird's format (`config-v1.1.xml`) comes to: of each kind the first server that has TLS.
 *
 * @returns undefined unless there is one of both kinds
 */
export const publishedInConfig = (servers: readonly ConfiguredServer[], domain: string): Published | undefined => {
  const of = (type: string) =>
    servers.flatMap((one) => {
      const server = one.type === type ? serverOf(one, domain) : undefined;
      return server === undefined ? [] : [{ server, user: users.get(one.texts.get('username') ?? '') }];
    })[0];
  const [imap, smtp] = [of('imap'), of('smtp')];
  const { user } = imap ?? {};
  return imap && smtp && { imap: imap.server, smtp: smtp.server, ...(user && { user }) };
};
