import path from 'node:path';
import { ConfigError } from '../base/errors.js';
import { makePrivateFolder, readPrivateFile, writePrivateFile } from './owner-only.js';

const fileIn = (dataFolder: string): string => path.join(dataFolder, 'plus-address');

/**
 * Whether mail to plus addresses of this account arrives, as `mixmailer check` found it; undefined before it did.
 *
 * @throws ConfigError when others can read the file, or it says neither yes nor no
 */
export const readPlusAddress = (dataFolder: string): boolean | undefined => {
  const file = fileIn(dataFolder);
  const text = readPrivateFile(file)?.trim();
  if (text === undefined) return undefined;
  if (text !== 'yes' && text !== 'no')
    throw new ConfigError(`${file}: expected yes or no, got something else; run mixmailer check to have it made anew`);
  return text === 'yes';
};

/** Keeps the finding. @throws ConfigError, StoreError `store/open`, `store/write` */
export const writePlusAddress = (dataFolder: string, works: boolean): void => {
  makePrivateFolder(dataFolder);
  writePrivateFile(fileIn(dataFolder), works ? 'yes\n' : 'no\n');
};
