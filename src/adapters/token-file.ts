import { createHash, timingSafeEqual } from 'node:crypto';
import { toHex } from '../base/bytes.js';
import { ConfigError } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { makePrivateFolder, readPrivateFile, writePrivateFile } from './owner-only.js';
import path from 'node:path';

const tokenBytes = 16;

/**
 * The random token that mail programs, browsers and Prometheus log in with, made at first use and readable by its owner only.
 *
 * @throws ConfigError when others can read the file, or it is empty
 */
export const tokenFrom = (file: string, rng: Rng): string => {
  const known = readPrivateFile(file)?.trim();
  if (known === '') throw new ConfigError(`${file}: expected a token, got an empty file; remove it to have one made`);
  if (known !== undefined) return known;
  makePrivateFolder(path.dirname(file));
  const token = toHex(rng(tokenBytes));
  writePrivateFile(file, `${token}\n`);
  return token;
};

/** Compares in time that depends on neither string, not even on their lengths. */
export const sameSecret = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
