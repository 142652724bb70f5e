import { spawnSync } from 'node:child_process';
import { ConfigError } from '../base/errors.js';
import { commandDeadlineMs, firstLine, fromFile, fromVariable } from './secrets.js';

/** Where the passphrase comes from; as for the passwords of mail accounts, but never the configuration file itself. */
export type PassphraseSource =
  | { readonly kind: 'passphraseFile'; readonly path: string }
  | { readonly kind: 'passphraseEnv'; readonly variable: string }
  | { readonly kind: 'passphraseCommand'; readonly command: string };

const mostBytes = 16 * 1024;

// Nothing else goes on at a start, so the command is waited for. It has the terminal, and can ask there.
const fromCommandNow = (key: string, command: string): string => {
  const { status, signal, stdout, error } = spawnSync(command, {
    shell: true,
    stdio: ['inherit', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: commandDeadlineMs,
    killSignal: 'SIGKILL',
    maxBuffer: mostBytes,
  });
  if (status === 0 && error === undefined) return firstLine(key, stdout, 'what the command prints');
  const how = status === null ? `ended with signal ${signal ?? 'unknown'}` : `ended with exit code ${status}`;
  throw new ConfigError(
    `${key}: the command ${error === undefined ? how : 'failed, or printed too much, or took over a minute'}`,
  );
};

/**
 * The passphrase that keys and backups are sealed with.
 *
 * @throws ConfigError, which never holds it
 */
export const passphraseFrom = (source: PassphraseSource): string => {
  switch (source.kind) {
    case 'passphraseFile':
      return fromFile('keys.passphraseFile', source.path);
    case 'passphraseEnv':
      return fromVariable('keys.passphraseEnv', source.variable);
    case 'passphraseCommand':
      return fromCommandNow('keys.passphraseCommand', source.command);
  }
};
