import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { makePrivateFolder, writePrivateFile } from '../adapters/owner-only.js';
import { ConfigError, StoreError } from '../base/errors.js';
import type { Config } from '../config.js';
import { openNodeKeys } from '../node-keys.js';
import type { Role } from '../setup/answers.js';
import type { Place, Plan } from '../setup/setup.js';
import { commandOf, unitName, unitText } from '../setup/unit.js';
import { configHome } from './config-option.js';
import { loadAndJoin } from './join.js';

/** The configuration at that path, and what goes beside it. */
export const placeAt = (config: string): Place => {
  const stem = path.basename(config).replace(/\.toml$/, '');
  return { config, data: `${stem}-data`, passwordFile: `${stem}.password` };
};

export const placeOf = (folder: string, role: Role): Place => placeAt(path.join(folder, `${commandOf(role)}.toml`));

/** The nearest folder above that is there. */
const standing = (folder: string): string =>
  existsSync(folder) || folder === path.dirname(folder) ? folder : standing(path.dirname(folder));

/** Why a configuration can't be written there; undefined: it can. @param replaces one that is there already goes */
export const objectionTo = ({ config }: Place, replaces: boolean): string | undefined => {
  const folder = path.dirname(config);
  const there = standing(folder);
  if (!statSync(there).isDirectory()) return `${there} is no folder: name another one`;
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch {
    return `${there} can't be written to by this user: name another folder, or run: chmod u+wx '${there}'`;
  }
  if (existsSync(config) && !replaces)
    return `${config} is there already: name another folder, or begin with --replace, which keeps the old one beside it`;
  return undefined;
};

const unitFolder = (): string => path.join(configHome(), 'systemd', 'user');

/** Removes what was not there before, and puts back what was. */
class Undo {
  readonly #steps: (() => void)[] = [];
  before(file: string): void {
    if (existsSync(file)) {
      const old = readFileSync(file);
      this.#steps.push(() => writePrivateFile(file, old));
    } else this.#steps.push(() => rmSync(file, { recursive: true, force: true }));
  }
  folder(folder: string): void {
    if (!existsSync(folder)) this.#steps.push(() => rmSync(folder, { recursive: true, force: true }));
  }
  all(): void {
    for (const step of this.#steps.toReversed()) step();
  }
}

/** Identity and mix keys; those that are there stay. */
const makeKeys = (config: Config): void => {
  const keys = openNodeKeys(config);
  keys.identity();
  keys.mixKeys(Date.now());
};

/** What was written. */
export interface Installed {
  readonly config: Config;
  /** Undefined: none was asked for. */
  readonly unit: string | undefined;
  /** Where the configuration lies that was there before. */
  readonly old: string | undefined;
}

/**
 * Writes everything, in one go: password file, configuration (both mode 600), data folder (700) with the invitation and
 * keys, unit. What fails leaves nothing behind.
 *
 * @throws ConfigError, StoreError
 */
export const install = (plan: Plan, program: { readonly node: string; readonly main: string }): Installed => {
  const { place, role } = plan;
  const folder = path.dirname(place.config);
  const at = (name: string): string => path.join(folder, name);
  const undo = new Undo();
  try {
    undo.folder(folder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const old = existsSync(place.config) ? `${place.config}.old` : undefined;
    if (old !== undefined) {
      undo.before(old);
      writePrivateFile(old, readFileSync(place.config));
    }
    if (plan.password !== undefined) {
      undo.before(at(place.passwordFile));
      writePrivateFile(at(place.passwordFile), `${plan.password}\n`);
    }
    undo.before(place.config);
    writePrivateFile(place.config, plan.configText);
    undo.folder(at(place.data));
    makePrivateFolder(at(place.data));
    const config = loadAndJoin(place.config, plan.invitation);
    if (role !== 'client') makeKeys(config);
    return { config, unit: plan.unit ? writeUnit(plan, program, undo) : undefined, old };
  } catch (error) {
    undo.all();
    if (error instanceof ConfigError || error instanceof StoreError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    throw new StoreError('store/write', `${folder}: can't be written (${code})`, { cause: error });
  }
};

const writeUnit = (
  { role, place }: Plan,
  { node, main }: { readonly node: string; readonly main: string },
  undo: Undo,
): string => {
  const file = path.join(unitFolder(), unitName(role));
  undo.before(file);
  mkdirSync(unitFolder(), { recursive: true });
  writePrivateFile(file, unitText({ role, node, program: main, config: place.config }));
  return file;
};
