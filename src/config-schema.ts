import { isIP } from 'node:net';
import { validate as isCron } from 'node-cron';
import * as z from 'zod';
import {
  largestMessageBytes,
  mostOpenMessages,
  openMessageHours,
  packetsPerNode,
  packetsPerSender,
} from './base/bounds.js';
import { fromHex } from './base/bytes.js';
import { ConfigError } from './base/errors.js';
import { bundleClasses } from './carrier/bundle.js';
import { isLoopback, proxyIn } from './adapters/proxy.js';
import { mailboxIn, parseDomain } from './base/address.js';
import { usualLoopsPerInterval } from './cover/loops.js';
import { usualPace } from './cover/pace.js';
import { mostReplyBlocks } from './message/envelope.js';
import { mostHops, mostSuccessors } from './route/consensus.js';
import { isNodeName, mostSenders } from './route/descriptor.js';
import { defaultNetworkParameters } from './route/network.js';
import { longestMeanSeconds, mostInPool } from './route/parameters.js';
import { type PathException, pathExceptions } from './path/path.js';

// ---- what a value may be; the text of each says what was expected ----

const text = (expected: string, isSuch: (value: string) => boolean = (value) => value !== ''): z.ZodString =>
  z.string({ error: () => expected }).refine(isSuch, { error: () => expected });

const integer = (from: number, to: number) => {
  const error = (): string => `integer ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};

const number = (from: number, to: number) => {
  const error = (): string => `number ${from} to ${to}`;
  return z.number({ error }).min(from, { error }).max(to, { error });
};

const integerOrList = (from: number, to: number) =>
  z.union([z.int().min(from).max(to), z.array(z.int().min(from).max(to)).min(1)], {
    error: () => `integer ${from} to ${to}, or a list of such`,
  });

const flag = (): z.ZodBoolean => z.boolean({ error: () => 'true or false' });

const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: () => `one of ${values.map((value) => JSON.stringify(value)).join(', ')}` });

const listOf = <T extends z.ZodType>(element: T, expected: string) =>
  z.array(element, { error: () => `list of ${expected}` });

/** A table of the file; an unknown key is an error, with the nearest known one as a hint. */
const section = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => nearest(key, Object.keys(shape))).join('\n')
        : 'a table of keys',
  });

// A network list holds it, for readers of any language: no names of months or days.
const mixSchedule = text(
  'cron expression of 5 or 6 fields of digits and * / , - such as "*/12 * * * *"',
  (value) => /^[\d*/,-]+( [\d*/,-]+){4,5}$/.test(value) && value.length <= 100 && isCron(value),
);
const path = text('path of a file or folder');
const publicKey = text('public key of 64 hex digits', (value) => value.length === 64 && fromHex(value) !== undefined);

// TOML has dates of its own; settings of a program may have them as text.
const day = z
  .custom<string | Date>((value) => dayOf(value) !== undefined, { error: () => 'day such as 2026-01-31' })
  .transform((value) => dayOf(value) ?? '');

/** `2026-01-31`; undefined: it is no day. */
export const dayOf = (value: unknown): string | undefined => {
  const isDate = value instanceof Date && Number.isFinite(value.getTime());
  const written = isDate ? value.toISOString().slice(0, 10) : value;
  if (typeof written !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(written)) return undefined;
  const at = new Date(written).getTime();
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(written) ? written : undefined;
};

const variable = text('name of an environment variable', (value) => /^\w+$/.test(value));

const server = section({
  host: text('host name or IP address', (value) => isIP(value) !== 0 || parseDomain(value) !== undefined),
  port: integer(1, 65535).optional(),
  security: oneOf('tls', 'starttls', 'none').prefault('tls'),
  user: text('user name').optional(),
  password: text('password').optional(),
  passwordFile: path.optional(),
  passwordEnv: variable.optional(),
  passwordCommand: text('shell command').optional(),
  tokenCommand: text('shell command').optional(),
  ca: path.optional(),
});

const mailAddress = text('mail address', (value) => mailboxIn(value) !== undefined);
const isSource = (value: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? URL.canParse(value) && new URL(value).protocol === 'https:' : value !== '';

const provider = text('domain', (value) => parseDomain(value) !== undefined).optional();
const budget = section({
  perDay: integer(1, 100_000_000).optional(),
  perHour: integer(1, 100_000_000).optional(),
  perMinute: integer(1, 100_000_000).optional(),
  since: day.optional(),
}).prefault({});

const schema = section({
  data: path,
  keys: section({
    passphraseFile: path.optional(),
    passphraseEnv: variable.optional(),
    passphraseCommand: text('shell command').optional(),
  }).optional(),
  mail: section({
    address: mailAddress,
    provider,
    proxy: text('socks5h://host:port', (value) => proxyIn(value) !== undefined).optional(),
    imap: server.optional(),
    smtp: server,
    budget,
    further: listOf(section({ address: mailAddress, provider, imap: server, smtp: server, budget }), 'accounts')
      .max(mostSenders, { error: () => `list of at most ${mostSenders} accounts` })
      .prefault([]),
  }),
  network: section({
    join: text('invitation that begins with "mixmailer:"', (value) => value.trim().startsWith('mixmailer:')).optional(),
    sources: listOf(text('https URL or path of a file', isSource), 'https URLs and paths').optional(),
    list: path.optional(),
    authorities: listOf(publicKey, 'public keys')
      .min(1, { error: () => 'list of at least one public key' })
      .optional(),
    threshold: integer(1, 64).optional(),
  }).optional(),
  status: section({
    host: text('loopback address such as ::1', isLoopback).prefault('127.0.0.1'),
    port: integer(0, 65535).prefault(2526),
    tokenFile: path.optional(),
  }).optional(),
  node: section({
    name: text('1 to 32 of a-z, 0-9 and -, a letter first', isNodeName),
    exit: flag().prefault(false),
    workers: integer(0, 64).prefault(0),
    poll: integer(1, 86_400).prefault(600),
    keys: section({
      epochDays: number(0.0001, 90).prefault(7),
      graceDays: number(0.0001, 90).prefault(7),
    }).prefault({}),
    mix: section({
      pool: section({ minimum: integer(1, mostInPool).optional(), rate: number(0.01, 1).optional() }).prefault({}),
    }).prefault({}),
    cover: section({
      loopsPerInterval: number(0, 1000).prefault(usualLoopsPerInterval),
      dropsPerInterval: number(0, 1000).prefault(0),
    }).prefault({}),
    limits: section({
      maxMessageBytes: integer(1024, largestMessageBytes).prefault(largestMessageBytes),
      maxOpenMessages: integer(1, 1_000_000).prefault(mostOpenMessages),
      expiryHours: integer(1, 24 * 60).prefault(openMessageHours),
      packetsPerSender: integer(1, 1_000_000).prefault(packetsPerSender),
      packetsPerNode: integer(1, 1_000_000).prefault(packetsPerNode),
    }).prefault({}),
    replies: section({
      alias: oneOf('auto', 'plus', 'message-id').prefault('auto'),
      clear: oneOf('refuse', 'carry').prefault('refuse'),
    }).prefault({}),
  }).optional(),
  client: section({
    submission: section({
      host: text('loopback address such as 127.0.0.1', isLoopback).prefault('127.0.0.1'),
      port: integer(0, 65535).prefault(2525),
      user: text('user name').prefault('mixmailer'),
      tokenFile: path.optional(),
      maxMailBytes: integer(1024, largestMessageBytes).prefault(largestMessageBytes),
    }).prefault({}),
    pace: section({
      minutes: number(0.001, 1440).prefault(usualPace.meanMinutes),
      packets: z
        .literal(bundleClasses, { error: () => `one of ${bundleClasses.join(', ')}` })
        .prefault(usualPace.packets),
      cover: flag().prefault(true),
      questions: number(0, 0.9).prefault(usualPace.questions),
    }).prefault({}),
    floorBits: number(0, 64).prefault(0),
    paths: section({
      allow: listOf(
        oneOf(...(pathExceptions as [PathException, ...PathException[]])),
        'path rules to give up',
      ).prefault([]),
    }).prefault({}),
    hygiene: section({ keyIds: oneOf('hide', 'keep').prefault('hide'), ownKeys: path.optional() }).prefault({}),
    receipts: flag().prefault(true),
    poll: integer(1, 86_400).prefault(600),
    retry: section({
      hours: number(0.001, 168).prefault(6),
      otherExitAfter: integer(1, 100).prefault(2),
      giveUpHours: number(0.001, 336).prefault(120),
    }).prefault({}),
    replies: section({ blocks: integer(0, mostReplyBlocks).prefault(0) }).prefault({}),
    notices: oneOf('hide-recipient', 'name-recipient').prefault('hide-recipient'),
    deliverTo: text(
      '"imap", or "maildir:" and the path of a Maildir',
      (value) => value === 'imap' || /^maildir:./.test(value),
    ).prefault('imap'),
  }).optional(),
  authority: section({
    key: path.optional(),
    peers: listOf(section({ address: mailAddress, key: publicKey }), 'authorities, each with address and key')
      .max(63, { error: () => 'at most 63 other authorities' })
      .prefault([]),
    period: integer(1, 90 * 86_400).optional(),
    mostPerOperator: integer(1, 1_000_000).prefault(2),
    parameters: section({
      pathLength: integer(1, mostHops).prefault(defaultNetworkParameters.pathLength),
      mixSchedule: mixSchedule.prefault(defaultNetworkParameters.mixSchedule),
      strategy: oneOf('pool', 'poisson', 'threshold').prefault('pool'),
      poolMinimum: integer(1, mostInPool).optional(),
      poolRate: number(0.01, 1).optional(),
      delaySeconds: integer(1, longestMeanSeconds).optional(),
      threshold: integer(1, mostInPool).optional(),
      topology: oneOf('layers', 'free').prefault('layers'),
      successors: integerOrList(1, mostSuccessors).optional(),
    }).prefault({}),
    candidatesPerHour: integer(1, 10_000).prefault(20),
    probesPerPeriod: number(0, 1000).optional(),
    publish: path.optional(),
    lookup: oneOf('mx', 'none').optional(),
  }).optional(),
});

/** The keys of a configuration file, as they stand there. */
export type FileSettings = z.input<typeof schema>;
export type FileConfig = z.output<typeof schema>;
export type FileServer = z.output<typeof server>;

/**
 * What the file's keys hold, defaults filled in.
 *
 * @throws ConfigError `mail.imap.port: expected integer 1 to 65535, got "imap" (in FILE)`, a line for each mistake
 */
export const checkFile = (file: string, raw: unknown): FileConfig => {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => sentences(issue, raw));
  throw new ConfigError(lines.map((line) => `${line} (in ${file})`).join('\n'));
};

/** `mix.pool.minimum: expected integer 1 to 9, got -3`; several for several unknown keys of a table. */
const sentences = (issue: z.core.$ZodIssue, raw: unknown): string[] => {
  const key = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.message
      .split('\n')
      .map((hint, i) => `${[...issue.path.map(String), issue.keys[i] ?? ''].join('.')}: ${hint}`);
  return [`${key === '' ? 'the file' : key}: expected ${issue.message}, got ${found(issue.path, raw)}`];
};

const found = (path: readonly PropertyKey[], raw: unknown): string => {
  let value = raw;
  for (const key of path)
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  if (value === undefined) return 'nothing';
  // Whatever stands where a secret belongs is taken for one; a proxy's URL can hold one.
  if (path.some((key) => /password|passphrase|token|proxy/i.test(String(key)))) return 'something else';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  const shown = JSON.stringify(value);
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
};

/** `unknown key; did you mean "minimum"?` */
const nearest = (key: string, known: readonly string[]): string => {
  const [best] = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return best === undefined
    ? `unknown key; known here: ${known.join(', ')}`
    : `unknown key; did you mean "${best.name}"?`;
};

/** Levenshtein's: letters to insert, remove or replace. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min((row[j] ?? 0) + (a[i] === b[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    row = next;
  }
  return row[b.length] ?? 0;
};
