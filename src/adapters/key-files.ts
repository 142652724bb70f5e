import { existsSync, linkSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fromHex, toHex } from '../base/bytes.js';
import { ConfigError, StoreError } from '../base/errors.js';
import {
  destroyFile,
  destroyTemporary,
  makePrivateFile,
  readPrivateFile,
  refuseUnfinishedRestore,
  syncFolder,
  writePrivateFile,
} from './owner-only.js';
import { isSealLine, type Seal } from './seal.js';
import { lockFolder } from './sqlite.js';

/*
 * A sealed key file (docs/operating.md, Secrets):
 *
 *   mixmailer-sealed 1
 *   scrypt 17 8 1 <salt, 32 hex digits>
 *   <nonce, ciphertext and tag, in hex>      of the text of the file that is not sealed; bound to the file's name
 */
const firstLine = 'mixmailer-sealed 1';

/** Stands in the data folder while keys are sealed or unsealed. */
const markFile = (folder: string): string => path.join(folder, 'sealing.unfinished');
/** A second name of a key file that is being replaced by its sealed form. */
const clearName = (file: string): string => `${file}.clear`;

const isKeyFile = (name: string): boolean => name === 'identity.key' || /^mix-[0-9a-f]{32}\.key$/.test(name);

/** The key files in a data folder, and those that lie elsewhere. */
export const keyFilesIn = (folder: string, others: readonly string[] = []): readonly string[] => {
  const names = existsSync(folder) ? readdirSync(folder).filter(isKeyFile) : [];
  return [...names.map((name) => path.join(folder, name)), ...others.filter((file) => existsSync(file))].toSorted();
};

/** Whether that is the text of a key file in clear. */
export const isKeyFileText = (text: string): boolean => /^[0-9a-f]{64}\s/.test(text);

const isSealedText = (text: string): boolean => text.startsWith(`${firstLine}\n`);

/** Whether the file is there and sealed. @throws ConfigError when others may read it */
export const isSealedFile = (file: string): boolean => isSealedText(readPrivateFile(file) ?? '');

const textOf = (name: string, text: string, seal: Seal): string => {
  const [, line = '', hex = '', ...more] = text.split('\n');
  const bytes = fromHex(hex);
  if (!isSealLine(line) || bytes === undefined || more.join('') !== '')
    throw new ConfigError(`${name}: damaged: expected what a seal of this version looks like`);
  return new TextDecoder().decode(seal.open(name, { line, bytes }));
};

const sealedText = (name: string, text: string, seal: Seal): string => {
  const { line, bytes } = seal.close(name, new TextEncoder().encode(text));
  return `${firstLine}\n${line}\n${toHex(bytes)}\n`;
};

/**
 * The text of a key file, undefined if there is none.
 *
 * @param seal that of the configuration; undefined: it names no passphrase
 * @throws ConfigError when others may read the file, it is sealed and there is no passphrase, it is not and there is one,
 *   or the passphrase is wrong
 */
export const readKeyFile = (file: string, seal: Seal | undefined): string | undefined => {
  const text = readPrivateFile(file);
  if (text === undefined) return undefined;
  if (isSealedText(text)) {
    if (seal === undefined)
      throw new ConfigError(`${file}: is sealed: expected a passphrase in [keys] of the configuration, got none`);
    return textOf(path.basename(file), text, seal);
  }
  // Anything else is damaged, and whoever reads it says so.
  if (seal !== undefined && isKeyFileText(text))
    throw new ConfigError(
      `${file}: is not sealed, and [keys] has a passphrase; run: mixmailer keys seal --config '${seal.configFile}'`,
    );
  return text;
};

const formOf = (file: string, text: string, seal: Seal | undefined): string =>
  seal === undefined ? text : sealedText(path.basename(file), text, seal);

/** @throws StoreError `store/write` */
export const writeKeyFile = (file: string, text: string, seal: Seal | undefined): void =>
  writePrivateFile(file, formOf(file, text, seal));

/** As `writeKeyFile`, but a file that is there stays. @throws StoreError `store/write` */
export const makeKeyFile = (file: string, text: string, seal: Seal | undefined): void =>
  makePrivateFile(file, formOf(file, text, seal));

/** The clear form has a second name from before it is replaced, so that its blocks can be written over in any case. */
const destroyClear = (file: string): void => {
  const clear = clearName(file);
  if (!existsSync(clear)) return;
  // Killed before it was replaced: both are names of the one key there is.
  if (statSync(clear).ino === statSync(file).ino) rmSync(clear);
  else destroyFile(clear);
  syncFolder(path.dirname(file));
};

/** What a crash has left of a key file that was being written. */
const destroyLeftovers = (folder: string): void => {
  for (const name of readdirSync(folder)) if (/\.key\.\d+\.tmp$/.test(name)) destroyTemporary(path.join(folder, name));
};

const sealFile = (file: string, seal: Seal): void => {
  destroyClear(file);
  const text = readPrivateFile(file) ?? '';
  if (isSealedText(text)) return;
  try {
    linkSync(file, clearName(file));
  } catch (cause) {
    throw new StoreError('store/write', `${file}: can't be linked`, { cause });
  }
  writeKeyFile(file, text, seal);
  destroyClear(file);
};

/**
 * Gives every one of these key files the form that is wanted. Killed at any point, the same call goes on where it was, and
 * so does a start with the passphrase (`finishSealing`). In a locked data folder.
 *
 * @returns how many were changed
 * @throws ConfigError, before anything is changed, when one that is sealed does not open; StoreError
 */
export const setSealing = (
  { folder, files, seal }: { readonly folder: string; readonly files: readonly string[]; readonly seal: Seal },
  wanted: 'sealed' | 'clear',
): number => {
  const sealed = files.filter(isSealedFile);
  const texts = new Map(sealed.map((file) => [file, readKeyFile(file, seal) ?? '']));
  const changed = wanted === 'sealed' ? files.length - sealed.length : sealed.length;
  writePrivateFile(markFile(folder), `${wanted}\n`);
  for (const file of files) {
    if (wanted === 'sealed') sealFile(file, seal);
    else {
      destroyClear(file);
      if (texts.has(file)) writePrivateFile(file, texts.get(file) ?? '');
    }
  }
  for (const one of new Set([folder, ...files.map((file) => path.dirname(file))])) destroyLeftovers(one);
  rmSync(markFile(folder), { force: true });
  syncFolder(folder);
  return changed;
};

/**
 * What a start does with keys that a `setSealing` has left half done: with the passphrase all of them are sealed, whichever
 * way it went, because that is the safe one.
 *
 * @throws ConfigError without a passphrase; StoreError `store/locked` while it is going on
 */
export const finishSealing = (folder: string, files: () => readonly string[], seal: Seal | undefined): void => {
  refuseUnfinishedRestore(folder);
  if (!existsSync(markFile(folder))) return;
  if (seal === undefined)
    throw new ConfigError(
      `${folder}: keys keep their passphrase until \`mixmailer keys seal\` or \`unseal\` has come to its end: expected it in [keys], got none`,
    );
  const lock = lockFolder(folder);
  try {
    if (existsSync(markFile(folder))) setSealing({ folder, files: files(), seal }, 'sealed');
  } finally {
    lock.release();
  }
};
