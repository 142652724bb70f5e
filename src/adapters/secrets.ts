import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ConfigError } from '../base/errors.js';
import { minuteMs, secondMs } from '../base/units.js';
import { readPrivateFile, refuseSharedWithOthers } from './owner-only.js';

/** What proves that a mail account is ours. */
export type Credential = { readonly password: string } | { readonly accessToken: string };

/** Where it comes from. Never from the command line of this program: every user of the machine can read that. */
export type SecretSource =
  | { readonly kind: 'password'; readonly password: string }
  /** First line of a file that only its owner and group can read. */
  | { readonly kind: 'passwordFile'; readonly path: string }
  | { readonly kind: 'passwordEnv'; readonly variable: string }
  /** First line of what a shell command prints. */
  | { readonly kind: 'passwordCommand'; readonly command: string }
  /** The same, for an OAuth2 access token (XOAUTH2). */
  | { readonly kind: 'tokenCommand'; readonly command: string };

/** Providers' tokens live an hour; one is asked for again well before. */
const tokenLifetimeMs = 30 * minuteMs;
/** Long enough for a person to unlock a key ring. */
export const commandDeadlineMs = 60 * secondMs;
const longestSecretCharacters = 16 * 1024;

/**
 * Gives the credential at each log-in. Files, variables and password commands are read anew each time, so that a changed
 * password needs no restart; a token is kept for 30 minutes. A command is ended when the signals of all that wait for it have
 * aborted.
 *
 * @param name key of the section in the configuration, for errors: `mail.imap`
 * @returns rejects with ConfigError, which never holds the secret nor what the command printed
 */
export const credentialOf = (
  name: string,
  source: SecretSource,
  now: () => number = Date.now,
): ((signal?: AbortSignal) => Promise<Credential>) => {
  switch (source.kind) {
    case 'password':
      return () => Promise.resolve({ password: source.password });
    case 'passwordFile':
      return () => attempt(() => ({ password: fromFile(`${name}.passwordFile`, source.path) }));
    case 'passwordEnv':
      return () => attempt(() => ({ password: fromVariable(`${name}.passwordEnv`, source.variable) }));
    case 'passwordCommand':
      return async (signal) => ({
        password: await fromCommand(`${name}.passwordCommand`, source.command, commandDeadlineMs, signal),
      });
    case 'tokenCommand':
      return keptToken((signal) => fromCommand(`${name}.tokenCommand`, source.command, commandDeadlineMs, signal), now);
  }
};

const attempt = <T>(read: () => T): Promise<T> => new Promise((resolve) => resolve(read()));

/** A question for a token. */
interface Asked {
  readonly token: Promise<string>;
  readonly askedAt: number;
  readonly end: AbortController;
  /** Log-ins that have not given it up. */
  waiting: number;
}

const keptToken = (
  ask: (signal: AbortSignal) => Promise<string>,
  now: () => number,
): ((signal?: AbortSignal) => Promise<Credential>) => {
  let kept: Asked | undefined;
  const asked = (): Asked => {
    const end = new AbortController();
    return { token: ask(end.signal), askedAt: now(), end, waiting: 0 };
  };
  return async (signal) => {
    // One question for all links that log in at the same time.
    if (kept === undefined || now() - kept.askedAt >= tokenLifetimeMs) kept = asked();
    const mine = kept;
    const forget = (): void => void (kept = kept === mine ? undefined : kept);
    mine.waiting++;
    const leave = (): void => {
      if (--mine.waiting > 0) return;
      forget();
      mine.end.abort();
    };
    signal?.addEventListener('abort', leave);
    if (signal?.aborted === true) leave();
    try {
      return { accessToken: await mine.token };
    } catch (error) {
      forget();
      throw error;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  };
};

/** @throws ConfigError when there is nothing in it */
export const firstLine = (key: string, text: string, from: string): string => {
  const line = (text.split('\n')[0] ?? '').trim();
  if (line === '') throw new ConfigError(`${key}: expected a secret in the first line of ${from}, got nothing`);
  return line;
};

const credentials = '$CREDENTIALS_DIRECTORY/';

/** What a path of a secret is resolved to, but for those that only systemd knows: `$CREDENTIALS_DIRECTORY/name`. */
export const isCredential = (path: string): boolean => path.startsWith(credentials);

/** The file that a path means. @throws ConfigError for a systemd credential where there are none */
const fileOf = (key: string, path: string): string =>
  isCredential(path) ? `${fromVariable(key, 'CREDENTIALS_DIRECTORY')}/${path.slice(credentials.length)}` : path;

/**
 * Looks at a password file before it is needed, if it is there.
 *
 * @throws ConfigError when others can read it
 */
export const refuseOpenSecret = (source: SecretSource): void => {
  if (source.kind !== 'passwordFile') return;
  if (isCredential(source.path) && process.env['CREDENTIALS_DIRECTORY'] === undefined) return;
  const file = fileOf('passwordFile', source.path);
  if (existsSync(file)) refuseSharedWithOthers(file, 'owner and group');
};

/** The first line of a file that only its owner and group can read. @throws ConfigError */
export const fromFile = (key: string, path: string): string => {
  const file = fileOf(key, path);
  const text = readPrivateFile(file, 'owner and group');
  if (text === undefined) throw new ConfigError(`${key}: ${file}: no such file`);
  return firstLine(key, text, 'the file');
};

/** @throws ConfigError when it is not set */
export const fromVariable = (key: string, variable: string): string => {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new ConfigError(`${key}: the environment variable ${variable} is not set`);
  return value;
};

/**
 * The first line that a shell command prints.
 *
 * @param signal ends the command
 * @returns rejects with ConfigError that names its exit code, or the deadline
 */
export const fromCommand = async (
  key: string,
  command: string,
  deadlineMs = commandDeadlineMs,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> => firstLine(key, await outputOf(key, command, deadlineMs, signal), 'what the command prints');

const outputOf = (key: string, command: string, deadlineMs: number, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) throw new ConfigError(`${key}: the command was given up`);
    // A group of its own, so that the deadline also ends what the shell started. What it says on stderr is for people
    // who run it by hand: it may hold the secret, so it goes nowhere.
    const child = spawn(command, { shell: true, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    let length = 0;
    let given: string | undefined;
    const giveUp = (why: string): void => {
      given ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended in this moment.
      }
    };
    const abort = (): void => giveUp('was given up');
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const timer = setTimeout(() => giveUp(`gave nothing within ${Math.round(deadlineMs / secondMs)} s`), deadlineMs);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > longestSecretCharacters) giveUp('printed too much for a secret');
      else chunks.push(chunk);
    });
    signal.addEventListener('abort', abort);
    child.on('error', () => {
      end();
      reject(new ConfigError(`${key}: the command could not be started`));
    });
    child.on('close', (code, killedBy) => {
      end();
      const ended = code === null ? `ended with signal ${killedBy ?? ''}` : `ended with exit code ${code}`;
      const wrong = given ?? (code === 0 ? undefined : ended);
      if (wrong === undefined) resolve(Buffer.concat(chunks).toString('utf8'));
      else reject(new ConfigError(`${key}: the command ${wrong}`));
    });
  });

/** How to reach one server of a mail account; a part of the configuration. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  /** PEM certificates trusted beside the system's. */
  readonly ca: string | undefined;
  readonly user: string;
  readonly secret: SecretSource;
}

/** The account as the mail adapters want it. */
export interface Account {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly ca?: string;
  readonly user: string;
  readonly credential: (signal?: AbortSignal) => Promise<Credential>;
  readonly proxy?: string;
}

/** @param name key of the section in the configuration: `mail.imap` */
export const accountOf = (name: string, server: ServerSettings, proxy: string | undefined): Account => ({
  host: server.host,
  port: server.port,
  security: server.security,
  user: server.user,
  credential: credentialOf(name, server.secret),
  ...(server.ca === undefined ? {} : { ca: server.ca }),
  ...(proxy === undefined ? {} : { proxy }),
});
