import { fileKeys } from './adapters/file-keys.js';
import { finishSealing, keyFilesIn } from './adapters/key-files.js';
import { passphraseFrom } from './adapters/passphrase.js';
import { type Seal, sealUnder } from './adapters/seal.js';
import { systemRng } from './adapters/system.js';
import { type Config, nodeConfig } from './config.js';
import type { KeyStore } from './ports/keys.js';
import { epochAt, epochSpan } from './route/epoch.js';

/** What the keys of that configuration are sealed with; undefined: they are not. One for all of a process's keys. */
export const sealOf = ({ keys, file }: Config): Seal | undefined =>
  keys && sealUnder({ passphrase: () => passphraseFrom(keys), rng: systemRng, configFile: file });

/** The key files of that configuration that are there: a node's, or an authority's. */
export const keyFilesOf = ({ data, authority }: Config): readonly string[] =>
  keyFilesIn(data, authority === undefined ? [] : [authority.key]);

/** Brings to its end what `mixmailer keys` has begun. @throws ConfigError, StoreError */
export const finishSealingOf = (config: Config, seal: Seal | undefined): void =>
  finishSealing(config.data, () => keyFilesOf(config), seal);

/** The keys of the node that the configuration describes, in its data folder. @throws ConfigError, StoreError */
export const openNodeKeys = (config: Config): KeyStore => {
  const { keys: rule } = nodeConfig(config);
  const seal = sealOf(config);
  finishSealingOf(config, seal);
  return fileKeys(config.data, { rng: systemRng, seal, spanAt: (at) => epochSpan(rule, epochAt(rule, at)) });
};
