import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { refuseSharedWithOthers } from './adapters/owner-only.js';
import { isLoopback } from './adapters/proxy.js';
import { checkFile, type FileConfig, type FileServer, type FileSettings } from './config-schema.js';
import type { RetryRules } from './client/exits.js';
import type { SecretSource, ServerSettings } from './adapters/secrets.js';
import { ConfigError } from './base/errors.js';
import { dayMs, hourMs, secondMs } from './base/units.js';
import { domainOf, mailboxIn } from './base/address.js';
import type { PublicKeyHex } from './route/document.js';
import type { EpochRule } from './route/epoch.js';
import type { PathException } from './route/path.js';

/** Everything a configuration file says, checked and frozen; paths are absolute. The example files explain each key. */
export interface Config {
  /** The file it was read from, or `the settings` that a program gave. */
  readonly file: string;
  /** Folder of keys and database. */
  readonly data: string;
  readonly mail: MailConfig;
  /** Undefined until the operator has a list; see `networkConfig`. */
  readonly network: NetworkConfig | undefined;
  readonly node: NodeConfig | undefined;
  readonly client: ClientConfig | undefined;
}

export interface MailConfig {
  readonly address: string;
  /** Domain of who runs the mailbox. */
  readonly provider: string;
  /** `socks5h://host:port` for every connection to the servers below. */
  readonly proxy: string | undefined;
  /** A client that only sends can do without. */
  readonly imap: ServerSettings | undefined;
  readonly smtp: ServerSettings;
}

export interface NetworkConfig {
  readonly list: string;
  readonly authorities: readonly PublicKeyHex[];
  readonly threshold: number;
}

export interface NodeConfig {
  readonly name: string;
  readonly exit: boolean;
  /** Threads that unwrap packets; 0: the main one. */
  readonly workers: number;
  /** Time between two polls of the mailbox, beside the server's own notices. */
  readonly pollMs: number;
  readonly keys: EpochRule;
  /** What stays in the pool at least, and leaves at most, if the network's own parameters are less strict. */
  readonly mix: { readonly pool: { readonly minimum: number; readonly rate: number } };
  /** Mean count of loops a node sends itself in one mix interval. */
  readonly cover: { readonly loopsPerInterval: number };
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly maxOpenMessages: number;
    readonly expiryMs: number;
  };
  readonly replies: {
    /** How an exit knows whom an answer is for; `auto`: by plus addresses where the mailbox has proved to have them. */
    readonly alias: 'auto' | 'plus' | 'message-id';
    /** What an exit does with an answer that is not encrypted. */
    readonly clear: 'refuse' | 'carry';
  };
}

export interface ClientConfig {
  readonly submission: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly tokenFile: string;
    readonly maxMailBytes: number;
  };
  /** When packets may leave, and the mean of the random delay of each. */
  readonly pace: { readonly schedule: string; readonly spreadMs: number };
  readonly paths: { readonly allow: ReadonlySet<PathException> };
  readonly hygiene: { readonly keyIds: 'hide' | 'keep' };
  /** Undefined when the user has given up receipts, and with them replies and notices. */
  readonly receipts: ReceiptsConfig | undefined;
}

export interface ReceiptsConfig {
  /** Time between two polls of the mailbox, beside the server's own notices. */
  readonly pollMs: number;
  readonly retry: RetryRules;
  /** Of the return address that a mail gets which doesn't say anything about it itself. */
  readonly replyBlocks: number;
  readonly notices: 'hide-recipient' | 'name-recipient';
  /** Where replies and notices go: the user's inbox, or a Maildir on this machine. */
  readonly deliverTo: { readonly kind: 'imap' } | { readonly kind: 'maildir'; readonly path: string };
}

/**
 * Reads and checks a configuration file, and the certificate files it names. Secrets are not read yet (adapters/secrets).
 *
 * @param file TOML; paths in it are relative to its folder
 * @throws ConfigError `mail.imap.port: expected integer 1 to 65535, got "imap" (in /etc/mixmailer/node.toml)`, a line for
 *   each mistake
 */
export const loadConfig = (file: string): Config => {
  const absolute = resolve(file);
  const read = checkFile(absolute, parseToml(absolute, readConfigFile(absolute)));
  for (const one of [read.mail.imap, read.mail.smtp])
    if (one?.password !== undefined) refuseSharedWithOthers(absolute, 'owner and group');
  return configOf(read, { file: absolute, folder: dirname(absolute) });
};

/**
 * The same of settings that a program gives.
 *
 * @param folder what paths in them are relative to
 * @throws ConfigError `mail.imap.port: expected integer 1 to 65535, got "imap" (in the settings)`, a line for each mistake
 */
export const configFrom = (settings: FileSettings, folder: string): Config => {
  const file = 'the settings';
  return configOf(checkFile(file, settings), { file, folder: resolve(folder) });
};

/** The [network] section. @throws ConfigError when the file has none yet */
export const networkConfig = (config: Config): NetworkConfig => {
  if (config.network !== undefined) return config.network;
  throw new ConfigError(`network: expected a section with list and authorities, got nothing (in ${config.file})`);
};

/** The [node] section. @throws ConfigError when there is none */
export const nodeConfig = (config: Config): NodeConfig => {
  if (config.node !== undefined) return config.node;
  throw new ConfigError(`node: expected a section with at least a name, got nothing (in ${config.file})`);
};

/** The [client] section. @throws ConfigError when there is none */
export const clientConfig = (config: Config): ClientConfig => {
  if (config.client !== undefined) return config.client;
  throw new ConfigError(`client: expected a section, which may be empty, got nothing (in ${config.file})`);
};

type Fail = (key: string, expected: string, got: string) => void;

/** Where settings come from, and what paths in them are relative to. */
type Origin = { readonly file: string; readonly folder: string };

const configOf = (read: FileConfig, { file, folder }: Origin): Config => {
  const mistakes: string[] = [];
  const fail: Fail = (key, expected, got) =>
    void mistakes.push(`${key}: expected ${expected}, got ${got} (in ${file})`);
  const at = (name: string): string => resolve(folder, name);
  const { mail, network, node, client } = read;
  if (node === undefined && client === undefined) fail('node', 'a section [node] or [client]', 'neither');
  if (node !== undefined && mail.imap === undefined)
    fail('mail.imap', 'a section: a node reads its mailbox', 'nothing');
  if (client?.receipts === true && mail.imap === undefined)
    fail('mail.imap', 'a section: receipts come to the mailbox (client.receipts = false does without)', 'nothing');
  if (client?.receipts === false && client.replies.blocks > 0)
    fail('client.replies.blocks', '0 where client.receipts is false', `${client.replies.blocks}`);
  const address = mailboxIn(mail.address) ?? mail.address;
  const imap =
    mail.imap &&
    serverOf('mail.imap', { host: mail.imap, standard: { tls: 993, starttls: 143, none: 143 } }, { at, fail, address });
  const data = at(read.data);
  const config: Config = {
    file,
    data,
    mail: {
      address,
      provider: mail.provider?.toLowerCase() ?? domainOf(address),
      proxy: mail.proxy,
      imap,
      smtp: serverOf(
        'mail.smtp',
        { host: mail.smtp, standard: { tls: 465, starttls: 587, none: 25 } },
        { at, fail, address, like: imap },
      ),
    },
    network: network && networkOf(network, at, fail),
    node: node && {
      name: node.name,
      exit: node.exit,
      workers: node.workers,
      pollMs: node.poll * secondMs,
      keys: { lengthMs: wholeSeconds(node.keys.epochDays * dayMs), graceMs: wholeSeconds(node.keys.graceDays * dayMs) },
      mix: node.mix,
      cover: node.cover,
      limits: {
        maxMessageBytes: node.limits.maxMessageBytes,
        maxOpenMessages: node.limits.maxOpenMessages,
        expiryMs: node.limits.expiryHours * hourMs,
      },
      replies: node.replies,
    },
    client: client && {
      submission: {
        ...client.submission,
        tokenFile:
          client.submission.tokenFile === undefined ? join(data, 'submission.token') : at(client.submission.tokenFile),
      },
      pace: { schedule: client.pace.schedule, spreadMs: client.pace.spreadSeconds * secondMs },
      paths: { allow: new Set(client.paths.allow) },
      hygiene: client.hygiene,
      receipts: client.receipts ? receiptsOf(client, at) : undefined,
    },
  };
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
  return deepFreeze(config);
};

const receiptsOf = (client: NonNullable<FileConfig['client']>, at: (name: string) => string): ReceiptsConfig => {
  const { poll, retry, replies, notices, deliverTo } = client;
  return {
    pollMs: poll * secondMs,
    retry: {
      intervalMs: retry.hours * hourMs,
      otherExitAfter: retry.otherExitAfter,
      giveUpMs: retry.giveUpHours * hourMs,
    },
    replyBlocks: replies.blocks,
    notices,
    deliverTo:
      deliverTo === 'imap' ? { kind: 'imap' } : { kind: 'maildir', path: at(deliverTo.slice('maildir:'.length)) },
  };
};

/** Times in signed documents are whole seconds. */
const wholeSeconds = (spanMs: number): number => Math.round(spanMs / secondMs) * secondMs;

const networkOf = (
  network: NonNullable<FileConfig['network']>,
  at: (name: string) => string,
  fail: Fail,
): NetworkConfig => {
  const authorities = network.authorities.map((key) => key.toLowerCase());
  const distinct = new Set(authorities).size;
  if (distinct < authorities.length) fail('network.authorities', 'each key once', 'a key twice');
  // More than half: two groups of authorities can't both reach it with different lists.
  const threshold = network.threshold ?? Math.floor(distinct / 2) + 1;
  if (threshold > distinct) fail('network.threshold', `at most the number of authorities, ${distinct}`, `${threshold}`);
  return { list: at(network.list), authorities, threshold };
};

interface ServerContext {
  readonly at: (name: string) => string;
  readonly fail: Fail;
  readonly address: string;
  /** Where the secret comes from if this section doesn't say. */
  readonly like?: ServerSettings | undefined;
}

const secretKeys = ['password', 'passwordFile', 'passwordEnv', 'passwordCommand', 'tokenCommand'] as const;

const serverOf = (
  name: string,
  {
    host: read,
    standard,
  }: { readonly host: FileServer; readonly standard: Readonly<Record<ServerSettings['security'], number>> },
  { at, fail, address, like }: ServerContext,
): ServerSettings => {
  if (read.security === 'none' && !isLoopback(read.host))
    fail(`${name}.security`, '"tls" or "starttls" for a server that is not on this machine', '"none"');
  const given = secretKeys.filter((key) => read[key] !== undefined);
  const oneOfThem = `one of ${secretKeys.join(', ')}`;
  if (given.length > 1) fail(name, oneOfThem, given.join(' and '));
  if (given.length === 0 && like === undefined) fail(name, oneOfThem, 'none of them');
  return {
    host: read.host,
    port: read.port ?? standard[read.security],
    security: read.security,
    ca: read.ca === undefined ? like?.ca : certificateOf(`${name}.ca`, at(read.ca), fail),
    user: read.user ?? like?.user ?? address,
    secret: (given[0] === undefined ? like?.secret : secretOf(read, given[0], at)) ?? {
      kind: 'password',
      password: '',
    },
  };
};

const secretOf = (read: FileServer, kind: (typeof secretKeys)[number], at: (name: string) => string): SecretSource => {
  const value = read[kind] ?? '';
  switch (kind) {
    case 'password':
      return { kind, password: value };
    case 'passwordFile':
      return { kind, path: at(value) };
    case 'passwordEnv':
      return { kind, variable: value };
    case 'passwordCommand':
    case 'tokenCommand':
      return { kind, command: value };
  }
};

const certificateOf = (key: string, file: string, fail: Fail): string | undefined => {
  try {
    const pem = readFileSync(file, 'utf8');
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
    fail(key, 'a file with a PEM certificate', file);
  } catch {
    fail(key, 'a file that can be read', file);
  }
  return undefined;
};

const readConfigFile = (file: string): string => {
  try {
    if (statSync(file).size > 1024 * 1024)
      throw new ConfigError(`${file}: expected a configuration file of at most 1 MiB`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError(`${file}: the configuration file can't be read (${code})`);
  }
};

const parseToml = (file: string, toml: string): unknown => {
  try {
    return parse(toml);
  } catch (error) {
    // The first line only: the parser shows the lines around the mistake, and a password may stand there.
    const [first = ''] = error instanceof Error ? error.message.split('\n') : [];
    const line = error instanceof Error && 'line' in error ? `line ${String(error.line)}: ` : '';
    throw new ConfigError(`${file}: ${line}${first}`);
  }
};

const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
};
