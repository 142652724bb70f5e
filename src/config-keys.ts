import type { PassphraseSource } from './adapters/passphrase.js';
import type { Fail } from './config.js';
import type { FileConfig } from './config-schema.js';

const passphraseKeys = ['passphraseFile', 'passphraseEnv', 'passphraseCommand'] as const;

/** Where the passphrase comes from; undefined: keys are not sealed. */
export const passphraseOf = (
  keys: FileConfig['keys'],
  secretAt: (name: string) => string,
  fail: Fail,
): PassphraseSource | undefined => {
  if (keys === undefined) return undefined;
  const [kind, ...more] = passphraseKeys.filter((key) => keys[key] !== undefined);
  const value = kind && keys[kind];
  if (kind === undefined || value === undefined || more.length > 0) {
    const got = more.length > 0 ? [kind, ...more].join(' and ') : 'none of them';
    fail('keys', `one of ${passphraseKeys.join(', ')}`, got);
    return undefined;
  }
  switch (kind) {
    case 'passphraseFile':
      return { kind, path: secretAt(value) };
    case 'passphraseEnv':
      return { kind, variable: value };
    case 'passphraseCommand':
      return { kind, command: value };
  }
};
