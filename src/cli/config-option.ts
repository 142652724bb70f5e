import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { ConfigError } from '../base/errors.js';
import type { commandOf } from '../setup/unit.js';

/** Source: XDG Base Directory Specification: a path that is empty or not absolute counts as none. */
export const configHome = (): string => {
  const told = process.env['XDG_CONFIG_HOME'] ?? '';
  return path.isAbsolute(told) ? told : path.join(homedir(), '.config');
};

/** What `init` makes a configuration for: an exit's is a node's. */
type Made = ReturnType<typeof commandOf>;

/** Where `init` writes the configuration, if nothing else is said. */
export const usualConfig = (role: Made): string => path.join(configHome(), 'mixmailer', `${role}.toml`);

/** The one that is there. @throws ConfigError if there is none, or more than one */
const foundConfig = (roles: readonly Made[]): string => {
  const places = roles.map(usualConfig);
  const found = places.filter((place) => existsSync(place));
  const [first] = found;
  if (first === undefined)
    throw new ConfigError(`--config is missing, and there is no ${places.join(' and no ')}; mixmailer init makes one`);
  if (found.length > 1) throw new ConfigError(`--config is missing: there are ${found.join(' and ')}; say which`);
  return first;
};

/** `--config` for a command. Where it isn't given it is what `init` has written for one of those roles. */
export const withConfig = (command: Command, what: string, ...roles: readonly Made[]): Command =>
  command
    .option(
      '-c, --config <file>',
      `${what}; default: the ${roles.map((role) => `${role}.toml`).join(' or ')} that init wrote`,
    )
    .hook('preAction', (_, acting) => {
      if (acting.getOptionValue('config') === undefined) acting.setOptionValue('config', foundConfig(roles));
    });
