import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { writePrivateFile } from '../adapters/owner-only.js';
import { toHex } from '../base/bytes.js';
import { ConfigError } from '../base/errors.js';
import { loadConfig } from '../config.js';
import { publicKeyOf } from '../route/document.js';
import { systemRng } from '../adapters/system.js';
import { openNodeKeys } from '../node-keys.js';
import { printer, shortTime } from './print.js';

/** `mixmailer keygen`: makes the keys of a node, or the key of an authority. */
export const register = (program: Command): void => {
  program
    .command('keygen')
    .description('make the keys of a node (keys that are there stay), or the key of an authority')
    .option('-c, --config <file>', 'configuration of the node')
    .option('--authority <file>', 'make the secret key of an authority in this new file')
    .action((options: { config?: string; authority?: string }, command: Command) => {
      const print = printer(command);
      if ((options.config === undefined) === (options.authority === undefined))
        throw new ConfigError('keygen: expected either --config or --authority');
      if (options.config !== undefined) print(...nodeKeys(options.config));
      if (options.authority !== undefined) print(...authorityKey(options.authority));
    });
};

const nodeKeys = (file: string): string[] => {
  const keys = openNodeKeys(loadConfig(file));
  return [
    `node ${publicKeyOf(keys.identity())}`,
    ...keys
      .mixKeys(Date.now())
      .map((key) => `mix key ${key.keyId}, used from ${shortTime(key.notBefore)} to ${shortTime(key.notAfter)} UTC`),
  ];
};

const authorityKey = (file: string): string[] => {
  if (existsSync(file)) throw new ConfigError(`${file}: is there already; an authority's key is not replaced`);
  const secretKey = systemRng(32);
  writePrivateFile(file, `${toHex(secretKey)}\n`);
  return [`authority ${publicKeyOf(secretKey)}`];
};
