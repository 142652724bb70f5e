import { fileKeys } from './adapters/file-keys.js';
import { systemRng } from './adapters/system.js';
import { type Config, nodeConfig } from './config.js';
import type { KeyStore } from './ports/keys.js';
import { epochAt, epochSpan } from './route/epoch.js';

/** The keys of the node that the configuration describes, in its data folder. */
export const openNodeKeys = (config: Config): KeyStore => {
  const { keys: rule } = nodeConfig(config);
  return fileKeys(config.data, { rng: systemRng, spanAt: (at) => epochSpan(rule, epochAt(rule, at)) });
};
