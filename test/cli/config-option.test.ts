import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { configHome, usualConfig, withConfig } from '../../src/cli/config-option.js';
import { run, testFolder } from './run.js';

const home = testFolder();
const folder = join(home, 'mixmailer');
beforeEach(() => {
  vi.stubEnv('XDG_CONFIG_HOME', home);
  mkdirSync(folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** What a command for nodes and clients takes for its configuration. */
const taken = async (...argv: readonly string[]): Promise<string> => {
  let config = '';
  const register = (program: Command): void => {
    withConfig(program.command('look'), 'configuration', 'node', 'client').action((options: { config: string }) => {
      config = options.config;
    });
  };
  await run(register, 'look', ...argv);
  return config;
};

it('a configuration that is named is the one', async () => {
  writeFileSync(join(folder, 'node.toml'), '');
  expect(await taken('--config', 'other.toml')).toBe('other.toml');
  expect(await taken('-c', 'other.toml')).toBe('other.toml');
});

it('else it is what init has written, where that is one', async () => {
  await expect(taken()).rejects.toThrow(
    `--config is missing, and there is no ${join(folder, 'node.toml')} and no ${join(folder, 'client.toml')}; mixmailer init makes one`,
  );
  writeFileSync(usualConfig('client'), '');
  expect(await taken()).toBe(join(folder, 'client.toml'));
  writeFileSync(usualConfig('node'), '');
  await expect(taken()).rejects.toThrow(
    `--config is missing: there are ${join(folder, 'node.toml')} and ${join(folder, 'client.toml')}; say which`,
  );
});

it.each(['', 'relative'])('a folder for configurations that is named "%s" counts as none', (told) => {
  vi.stubEnv('XDG_CONFIG_HOME', told);
  expect(configHome()).toBe(join(homedir(), '.config'));
});
