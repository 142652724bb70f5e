import type { Command } from 'commander';
import { setSealing } from '../adapters/key-files.js';
import { lockFolder } from '../adapters/sqlite.js';
import { ConfigError } from '../base/errors.js';
import { type Config, loadConfig } from '../config.js';
import { keyFilesOf, sealOf } from '../node-keys.js';
import { withConfig } from './config-option.js';
import { printer } from './print.js';

const countOf = (count: number): string => `${count} ${count === 1 ? 'key' : 'keys'}`;

/** @returns how many files were changed, of how many. @throws ConfigError, StoreError */
const change = (config: Config, wanted: 'sealed' | 'clear'): { readonly changed: number; readonly all: number } => {
  const seal = sealOf(config);
  if (seal === undefined)
    throw new ConfigError(`keys: expected a section with a passphrase, got nothing (in ${config.file})`);
  const lock = lockFolder(config.data);
  try {
    const files = keyFilesOf(config);
    return { changed: setSealing({ folder: config.data, files, seal }, wanted), all: files.length };
  } finally {
    lock.release();
  }
};

/** `mixmailer keys seal` and `unseal`: the keys that are on the disk already. */
export const register = (program: Command): void => {
  const keys = program
    .command('keys')
    .description('seal the keys on the disk with the passphrase of [keys], or unseal them');
  withConfig(
    keys.command('seal').description('seal the keys that are there; those made later are sealed anyway'),
    'configuration of a node or an authority, with [keys]',
    'node',
  ).action(({ config: file }: { readonly config: string }, command: Command) => {
    const { changed, all } = change(loadConfig(file), 'sealed');
    printer(command)(`sealed ${countOf(changed)}${changed < all ? `, ${all - changed} sealed before` : ''}`);
  });
  withConfig(
    keys.command('unseal').description('write the keys in clear; then remove [keys] from the configuration'),
    'configuration of a node or an authority, with [keys]',
    'node',
  ).action(({ config: file }: { readonly config: string }, command: Command) => {
    const { changed } = change(loadConfig(file), 'clear');
    printer(command)(`unsealed ${countOf(changed)}: remove [keys] from ${file} before the next start`);
  });
};
