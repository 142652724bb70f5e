import { readFileSync, statSync } from 'node:fs';
import { nodeBase64 } from './adapters/node-base64.js';
import { refuseChangedByOthers } from './adapters/owner-only.js';
import { largestKeyFileBytes } from './base/bounds.js';
import { ConfigError } from './base/errors.js';
import { mib } from './base/units.js';
import type { Fail } from './config.js';
import type { KeyNames } from './message/openpgp.js';
import { readOwnKeys } from './message/own-keys.js';

const expected = 'a file with your public keys, as your mail program exports them';

/** The names of the keys in that file, which others than its owner can't change. None where it is no such file. */
export const ownKeysIn = (key: string, file: string, fail: Fail): KeyNames => {
  try {
    // Who can write another one there has your key named in your mails again.
    refuseChangedByOthers(file);
    if (statSync(file).size > largestKeyFileBytes)
      fail(key, `${expected}, of at most ${largestKeyFileBytes / mib} MiB`, file);
    else {
      const read = readOwnKeys(new Uint8Array(readFileSync(file)), nodeBase64);
      if (read.kind === 'keys') return read.names;
      fail(key, expected, `${file}, with ${read.reason} in it`);
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    fail(key, 'a file that can be read', file);
  }
  return new Set();
};
