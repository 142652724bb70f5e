import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { secondMs } from '../base/units.js';
import { type Config, loadConfig, nodeConfig } from '../config.js';
import { accountsIn } from '../config-mail.js';
import type { KeyStore } from '../ports/keys.js';
import { signDescriptor } from '../route/descriptor.js';
import { accountsTold } from '../node/announce.js';
import { openNodeKeys } from '../node-keys.js';
import { withConfig } from './config-option.js';
import { printer } from './print.js';

/** The node's signed descriptor as its configuration and keys make it at that moment. */
export const descriptorOf = (config: Config, keys: KeyStore, now: number): string => {
  const node = nodeConfig(config);
  const draft = {
    name: node.name,
    ...accountsTold(accountsIn(config.mail)),
    roles: node.exit ? (['mix', 'exit'] as const) : (['mix'] as const),
    mixKeys: keys.mixKeys(now).filter(({ notAfter }) => now < notAfter),
    publishedAt: Math.floor(now / secondMs) * secondMs,
  };
  return signDescriptor(draft, keys.identity());
};

/** `mixmailer descriptor`: what a node operator gives to the authorities. */
export const register = (program: Command): void => {
  withConfig(
    program
      .command('descriptor')
      .description('write the signed descriptor of a node, for the authorities of the network'),
    'configuration of the node',
    'node',
  )
    .option('--out <file>', 'write it there instead of to standard output')
    .action((options: { config: string; out?: string }, command: Command) => {
      const config = loadConfig(options.config);
      const text = descriptorOf(config, openNodeKeys(config), Date.now());
      if (options.out === undefined) printer(command)(text.trimEnd());
      else writeFileSync(options.out, text, { mode: 0o644 });
    });
};
