import { domainOf, parseAddress, parseDomain } from '../base/address.js';
import { RouteError } from '../base/errors.js';
import { formatInvitation, parseInvitation } from '../council/invitation.js';
import type { Parsed } from '../ports/talk.js';
import { providerOf } from '../provider/known.js';
import { isNodeName } from '../route/descriptor.js';

/** A mail server as its user names it. */
export interface ServerAnswer {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
}

export type Role = 'node' | 'exit' | 'client';

const good = <T>(value: T): Parsed<T> => ({ kind: 'good', value });
const bad = (sentence: string): { readonly kind: 'bad'; readonly sentence: string } => ({ kind: 'bad', sentence });

/** The address, where programs get into its mailbox at all. */
export const addressIn = (text: string): Parsed<string> => {
  const result = parseAddress(text.trim());
  if (result.kind === 'refused') return bad(`This is no mail address that can be used, because ${result.why}`);
  const provider = providerOf(domainOf(result.address));
  return provider?.signIn === 'never' ? bad(provider.advice) : good(result.address);
};

const ports = {
  imap: { tls: 993, starttls: 143, none: 143 },
  smtp: { tls: 465, starttls: 587, none: 25 },
} as const;
const startTlsPorts = new Set([143, 587, 25]);
const serverForm = /^([^\s:/]+)(?::(\d{1,5}))?(?:\/(tls|starttls|none))?$/i;

/**
 * The server in `host`, `host:port` or `host:port/security`. Without a word about security it is what is usual at that
 * port, and TLS at any other.
 */
export const serverIn = (text: string, protocol: 'imap' | 'smtp'): Parsed<ServerAnswer> => {
  const [, name = '', port, said] = serverForm.exec(text.trim()) ?? [];
  const host = parseDomain(name);
  if (host === undefined)
    return bad('A server is written as its name, such as mail.example.org, or mail.example.org:587/starttls');
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && (number < 1 || number > 65535)) return bad('A port is a number from 1 to 65535');
  const usual = number !== undefined && startTlsPorts.has(number) ? 'starttls' : 'tls';
  const security = (said?.toLowerCase() ?? usual) as ServerAnswer['security'];
  return good({ host, port: number ?? ports[protocol][security], security });
};

/** Both servers: one name for both, or two with a space or comma between, the one for IMAP first. */
export const serversIn = (text: string): Parsed<{ readonly imap: ServerAnswer; readonly smtp: ServerAnswer }> => {
  const [first = '', other, ...more] = text.trim().split(/[\s,]+/);
  // One name is that of both; a port said with it is that of IMAP.
  const second = other ?? first.replace(/:\d+/, '');
  if (more.length > 0) return bad('Name at most two servers, the one for IMAP first');
  const imap = serverIn(first, 'imap');
  if (imap.kind === 'bad') return imap;
  const smtp = serverIn(second, 'smtp');
  return smtp.kind === 'bad' ? smtp : good({ imap: imap.value, smtp: smtp.value });
};

/** A server as `serverIn` reads it. */
export const serverText = ({ host, port, security }: ServerAnswer, protocol: 'imap' | 'smtp'): string => {
  const isUsual = startTlsPorts.has(port) ? security === 'starttls' : security === 'tls';
  if (isUsual && port === ports[protocol].tls) return host;
  return `${host}:${port}${isUsual ? '' : `/${security}`}`;
};

/** What is most often right, and asks nobody: a guess, which its user confirms before anything is sent there. */
export const guessedServers = (domain: string): string => `imap.${domain} smtp.${domain}`;

/** The invitation in its one form; undefined: none yet. */
export const invitationIn = (text: string): Parsed<string | undefined> => {
  const given = text.trim();
  if (given === '') return good(undefined);
  try {
    return good(formatInvitation(parseInvitation(given)));
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    return bad(
      `This is no whole invitation (${error.message}): copy the one line that begins with mixmailer: to its end`,
    );
  }
};

export const roleIn = (text: string): Parsed<Role> =>
  text === 'node' || text === 'exit' || text === 'client' ? good(text) : bad('Say node, exit or client');

export const nameIn = (text: string): Parsed<string> =>
  isNodeName(text) ? good(text) : bad('A name has 1 to 32 of a-z, 0-9 and -, a letter first');

/** A name for the node at that address, which no other is likely to have: `mix42-gmail`. */
export const nameFor = (address: string): string => {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '');
  const [local = '', domain = ''] = address.split('@');
  const [first = ''] = domain.split('.');
  const name = `${plain(local).replace(/^[0-9-]+/, '') || 'mix'}-${plain(first)}`.slice(0, 32).replace(/-+$/, '');
  return isNodeName(name) ? name : 'mix';
};

/** A secret as it is typed or pasted: Gmail shows app passwords as four groups of four letters. */
export const secretIn = (text: string): Parsed<string> => {
  const secret = text.trim();
  if (secret === '') return bad('Nothing was typed');
  return good(/^([a-z]{4} ){3}[a-z]{4}$/.test(secret) ? secret.replaceAll(' ', '') : secret);
};
