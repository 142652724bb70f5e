import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { refuseChangedByOthers, refuseSharedWithOthers } from './adapters/owner-only.js';
import type { PassphraseSource } from './adapters/passphrase.js';
import type { BudgetConfig } from './config-budget.js';
import { authorityOf, networkOf } from './config-network.js';
import { checkFile, type FileConfig, type FileSettings } from './config-schema.js';
import { ownKeysIn } from './config-hygiene.js';
import { passphraseOf } from './config-keys.js';
import { mailOf } from './config-mail.js';
import { secretAt } from './config-server.js';
import type { RetryRules } from './client/exits.js';
import type { ServerSettings } from './adapters/secrets.js';
import { ConfigError } from './base/errors.js';
import { dayMs, hourMs, minuteMs, secondMs } from './base/units.js';
import type { Pace } from './cover/pace.js';
import { type Invitation, trustIn } from './council/invitation.js';
import type { PublicKeyHex } from './route/document.js';
import type { EpochRule } from './route/epoch.js';
import type { AuthorityAddress, NetworkParameters, Trust } from './route/network.js';
import type { KeyIds, KeyNames } from './message/openpgp.js';
import type { PathException } from './path/path.js';

/** Everything a configuration file says, checked and frozen; paths are absolute. The example files explain each key. */
export interface Config {
  /** The file it was read from, or `the settings` that a program gave. */
  readonly file: string;
  /** Folder of keys and database. */
  readonly data: string;
  /** What keys and backups are sealed with; undefined: they are not. */
  readonly keys: PassphraseSource | undefined;
  readonly mail: MailConfig;
  /** Undefined until the operator has a list or an invitation; see `networkConfig`. */
  readonly network: NetworkConfig | undefined;
  readonly node: NodeConfig | undefined;
  readonly client: ClientConfig | undefined;
  readonly authority: AuthorityConfig | undefined;
  /** Where the status page is; undefined: there is none. */
  readonly status: StatusConfig | undefined;
}

export interface StatusConfig {
  /** A loopback address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What browsers and Prometheus log in with. */
  readonly tokenFile: string;
}

export interface MailConfig extends MailAccount {
  /** `socks5h://host:port` for every connection to the servers of all accounts. */
  readonly proxy: string | undefined;
  /** Accounts of a node beside this one. */
  readonly further: readonly FurtherAccount[];
}

/** A mail account. */
export interface MailAccount {
  readonly address: string;
  /** Domain of who runs the mailbox. */
  readonly provider: string;
  /** A client that only sends can do without. */
  readonly imap: ServerSettings | undefined;
  readonly smtp: ServerSettings;
  readonly budget: BudgetConfig;
}

export type FurtherAccount = MailAccount & { readonly imap: ServerSettings };

/** Where the list of all nodes comes from. */
export type NetworkConfig = ListConfig | JoinConfig;

/** A file that the operator keeps up to date. */
export interface ListConfig {
  readonly kind: 'list';
  readonly list: string;
  readonly authorities: readonly PublicKeyHex[];
  readonly threshold: number;
}

/** A network that was joined by its invitation: its lists are fetched, by mail and from these sources. */
export interface JoinConfig {
  readonly kind: 'join';
  readonly invitation: Invitation;
  /** Where it stands: in `network.join`, or where `--join` has put it. */
  readonly origin: 'file' | 'data';
  /** `https:` URLs, and absolute paths of files. */
  readonly sources: readonly string[];
}

export interface AuthorityConfig {
  /** File of its secret key. */
  readonly key: string;
  /** The other authorities. */
  readonly peers: readonly AuthorityAddress[];
  /** Time between two lists. */
  readonly periodMs: number;
  /** What it votes for. */
  readonly parameters: NetworkParameters;
  /** Challenges that are mailed to new nodes in an hour, at most. */
  readonly candidatesPerHour: number;
  /** Packets in a period that are to come back through each node. */
  readonly probesPerPeriod: number;
  /** Folder that a web server shows: the list, and what changed. */
  readonly publish: string | undefined;
  /** How the operator of a mailbox is found: by mail exchangers, or by the address alone. */
  readonly lookup: 'mx' | 'none';
}

export interface NodeConfig {
  readonly name: string;
  readonly exit: boolean;
  /** Threads that unwrap packets; 0: the main one. */
  readonly workers: number;
  /** Time between two polls of the mailbox, beside the server's own notices. */
  readonly pollMs: number;
  readonly keys: EpochRule;
  /** What stays in the pool at least, and leaves at most, if the network's own parameters are less strict; undefined: as they are. */
  readonly mix: { readonly pool: { readonly minimum: number | undefined; readonly rate: number | undefined } };
  /** Mean counts of loops and of drops that a node sends in one mix interval. */
  readonly cover: { readonly loopsPerInterval: number; readonly dropsPerInterval: number };
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly maxOpenMessages: number;
    readonly expiryMs: number;
    /** Packets that are read of one address in the time of a mix interval: of anybody's, */
    readonly packetsPerSender: number;
    /** and of a node's in the list. */
    readonly packetsPerNode: number;
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
  readonly pace: Pace;
  /** Bits of anonymity below which no message is sent; 0: it is sent whatever the meter says. */
  readonly floorBits: number;
  readonly paths: { readonly allow: ReadonlySet<PathException> };
  readonly hygiene: {
    readonly keyIds: KeyIds;
    /** The user's own keys, whose session keys don't leave this machine. */
    readonly ownKeys: KeyNames;
  };
  /** When nothing more is tried for a mail, after it was handed in. */
  readonly giveUpMs: number;
  /** Whether a notice says whom the mail was for; `none` where none can be brought. */
  readonly notices: 'hide-recipient' | 'name-recipient' | 'none';
  /** Where replies and notices go: the user's inbox, or a Maildir on this machine; undefined where there is neither. */
  readonly deliverTo: { readonly kind: 'imap' } | { readonly kind: 'maildir'; readonly path: string } | undefined;
  /** Undefined when the user has given up receipts, and with them replies. */
  readonly receipts: ReceiptsConfig | undefined;
}

export interface ReceiptsConfig {
  /** Time between two polls of the mailbox, beside the server's own notices. */
  readonly pollMs: number;
  readonly retry: RetryRules;
  /** Of the return address that a mail gets which doesn't say anything about it itself. */
  readonly replyBlocks: number;
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
  for (const one of [read.mail, ...read.mail.further].flatMap(({ imap, smtp }) => [imap, smtp]))
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

/** The network. @throws ConfigError when there is none yet, neither in the file nor joined */
export const networkConfig = (config: Config): NetworkConfig => {
  if (config.network !== undefined) return config.network;
  throw new ConfigError(
    `network: expected a section with join, or with list and authorities, got nothing; --join and an invitation does it too (in ${config.file})`,
  );
};

/** Whose signatures a list of that network needs. */
export const trustOf = (network: NetworkConfig): Trust =>
  network.kind === 'join'
    ? trustIn(network.invitation)
    : { authorities: network.authorities, threshold: network.threshold };

/** The [authority] section. @throws ConfigError when there is none */
export const authorityConfig = (config: Config): AuthorityConfig => {
  if (config.authority !== undefined) return config.authority;
  throw new ConfigError(`authority: expected a section, which may be empty, got nothing (in ${config.file})`);
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

/** Notes what is wrong with a key. */
export type Fail = (key: string, expected: string, got: string) => void;

/** Where settings come from, and what paths in them are relative to. */
type Origin = { readonly file: string; readonly folder: string };

const configOf = (read: FileConfig, { file, folder }: Origin): Config => {
  const mistakes: string[] = [];
  const fail: Fail = (key, expected, got) =>
    void mistakes.push(`${key}: expected ${expected}, got ${got} (in ${file})`);
  const at = (name: string): string => resolve(folder, name);
  const { mail, network, node, client, authority, status } = read;
  if (node === undefined && client === undefined && authority === undefined)
    fail('node', 'a section [node], [client] or [authority]', 'none of them');
  if (authority !== undefined && (node !== undefined || client !== undefined))
    fail('authority', 'a file, a mailbox and a data folder of its own', 'beside [node] or [client]');
  if (authority !== undefined && network !== undefined)
    fail('network', 'nothing: an authority makes the list itself', 'a section');
  if (authority !== undefined && mail.imap === undefined)
    fail('mail.imap', 'a section: an authority reads its mailbox', 'nothing');
  if (node !== undefined && mail.imap === undefined)
    fail('mail.imap', 'a section: a node reads its mailbox', 'nothing');
  if (client?.receipts === true && mail.imap === undefined)
    fail('mail.imap', 'a section: receipts come to the mailbox (client.receipts = false does without)', 'nothing');
  if (client?.receipts === false && client.replies.blocks > 0)
    fail('client.replies.blocks', '0 where client.receipts is false', `${client.replies.blocks}`);
  const accounts = mailOf(read, { at, fail });
  const { imap } = accounts;
  const data = at(read.data);
  const joined = networkOf({ network: authority === undefined ? network : undefined, data }, at, fail);
  if (joined?.kind === 'join' && mail.imap === undefined && joined.sources.length === 0)
    fail('mail.imap', 'a section: the list of nodes comes by mail (network.sources does without)', 'nothing');
  const config: Config = {
    file,
    data,
    keys: passphraseOf(read.keys, secretAt(at), fail),
    mail: accounts,
    network: joined,
    node: node && {
      name: node.name,
      exit: node.exit,
      workers: node.workers,
      pollMs: node.poll * secondMs,
      keys: { lengthMs: wholeSeconds(node.keys.epochDays * dayMs), graceMs: wholeSeconds(node.keys.graceDays * dayMs) },
      mix: { pool: { minimum: node.mix.pool.minimum, rate: node.mix.pool.rate } },
      cover: node.cover,
      limits: {
        maxMessageBytes: node.limits.maxMessageBytes,
        maxOpenMessages: node.limits.maxOpenMessages,
        expiryMs: node.limits.expiryHours * hourMs,
        packetsPerSender: node.limits.packetsPerSender,
        packetsPerNode: node.limits.packetsPerNode,
      },
      replies: node.replies,
    },
    client: client && {
      submission: {
        ...client.submission,
        tokenFile:
          client.submission.tokenFile === undefined ? join(data, 'submission.token') : at(client.submission.tokenFile),
      },
      pace: {
        meanMs: client.pace.minutes * minuteMs,
        packets: client.pace.packets,
        cover: client.pace.cover,
        questions: client.pace.questions,
      },
      floorBits: client.floorBits,
      paths: { allow: new Set(client.paths.allow) },
      hygiene: {
        keyIds: client.hygiene.keyIds,
        ownKeys:
          client.hygiene.ownKeys === undefined
            ? new Set()
            : ownKeysIn('client.hygiene.ownKeys', at(client.hygiene.ownKeys), fail),
      },
      giveUpMs: client.retry.giveUpHours * hourMs,
      ...toldOf(client, imap, at),
      receipts: client.receipts ? receiptsOf(client) : undefined,
    },
    authority: authority && authorityOf(authority, { data, proxy: mail.proxy, at, fail }),
    status: status && {
      host: status.host,
      port: status.port,
      tokenFile: status.tokenFile === undefined ? join(data, 'status.token') : at(status.tokenFile),
    },
  };
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
  return deepFreeze(config);
};

const receiptsOf = ({ poll, retry, replies }: NonNullable<FileConfig['client']>): ReceiptsConfig => ({
  pollMs: poll * secondMs,
  retry: { intervalMs: retry.hours * hourMs, otherExitAfter: retry.otherExitAfter },
  replyBlocks: replies.blocks,
});

const toldOf = (
  { notices, deliverTo }: NonNullable<FileConfig['client']>,
  imap: ServerSettings | undefined,
  at: (name: string) => string,
): Pick<ClientConfig, 'notices' | 'deliverTo'> => {
  if (deliverTo !== 'imap')
    return { notices, deliverTo: { kind: 'maildir', path: at(deliverTo.slice('maildir:'.length)) } };
  return imap === undefined ? { notices: 'none', deliverTo: undefined } : { notices, deliverTo: { kind: 'imap' } };
};

/** Times in signed documents are whole seconds. */
const wholeSeconds = (spanMs: number): number => Math.round(spanMs / secondMs) * secondMs;

const readConfigFile = (file: string): string => {
  try {
    if (statSync(file).size > 1024 * 1024)
      throw new ConfigError(`${file}: expected a configuration file of at most 1 MiB`);
    // In it are commands that are run, and servers that are logged in to.
    refuseChangedByOthers(file);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError(`${file}: the configuration file can't be read (${code})`);
  }
};

/** The settings in that text. @throws ConfigError without the lines around the mistake */
export const parseToml = (file: string, toml: string): unknown => {
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
