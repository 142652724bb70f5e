import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '../base/bytes.js';
import { ConfigError } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import type { KeyStore, MixKey } from '../ports/keys.js';
import { expandKey, keyIdOf } from '../sphinx/kem.js';
import { nobleCrypto as crypto } from '../sphinx/noble-crypto.js';
import { makeKeyFile, readKeyFile, writeKeyFile } from './key-files.js';
import { destroyFile, makePrivateFolder, syncFolder } from './owner-only.js';
import type { Seal } from './seal.js';

/** What a key store needs to know of the world. */
export interface FileKeysParams {
  readonly rng: Rng;
  /** The span of the epoch a moment is in: `epochSpan(rule, epochAt(rule, at))` of route/epoch. */
  readonly spanAt: (at: number) => Pick<MixKey, 'notBefore' | 'notAfter' | 'expiresAt'>;
  /** What the files are sealed with; undefined: they are not. */
  readonly seal?: Seal | undefined;
}

const identityFile = 'identity.key';
const mixFile = (keyId: string): string => `mix-${keyId}.key`;
const mixFilePattern = /^mix-([0-9a-f]{32})\.key$/;
const seedBytes = 32;

/** Whether that folder holds a node's identity already. */
export const hasIdentity = (folder: string): boolean => existsSync(join(folder, identityFile));

/**
 * A node's keys as files in one folder, readable by their owner only, each written whole or not at all.
 *
 *   identity.key         64 hex digits: the Ed25519 seed
 *   mix-<key id>.key     a line each: X-Wing seed (64 hex digits), notBefore, notAfter, expiresAt (ms since 1970)
 *
 * Spans stand in the files, so a changed epoch length changes no key that is published already. Files that another
 * process adds are seen at the next call.
 *
 * With a seal the same text is in a sealed file (key-files.ts).
 *
 * Not protected: without a seal seeds are stored in clear (whoever reads the disk as this user or root has them), and a
 * removed file can remain on disk below the file system until its blocks are used again. Encrypt the disk.
 *
 * @throws ConfigError when a file can be read by others, is damaged, is sealed without a seal or not sealed with one;
 *   StoreError when the disk fails
 */
export const fileKeys = (folder: string, params: FileKeysParams): KeyStore => {
  makePrivateFolder(folder);
  const { seal } = params;
  const loaded = new Map<string, MixKey>();

  const keysOnDisk = (): MixKey[] => {
    const present = new Set(readdirSync(folder).map((name) => mixFilePattern.exec(name)?.[1]));
    for (const keyId of loaded.keys()) if (!present.has(keyId)) loaded.delete(keyId);
    for (const keyId of present) {
      if (keyId === undefined || loaded.has(keyId)) continue;
      const key = readMixKey(join(folder, mixFile(keyId)), keyId, seal);
      if (key !== undefined) loaded.set(keyId, key);
    }
    return [...loaded.values()].sort((a, b) => a.notBefore - b.notBefore || (a.keyId < b.keyId ? -1 : 1));
  };

  const makeMixKey = (at: number): void => {
    // Nothing is written with a passphrase that is not the one of the keys at hand.
    readKeyFile(join(folder, identityFile), seal);
    const seed = params.rng(seedBytes);
    const { publicKey } = expandKey(crypto, seed);
    const key: MixKey = { keyId: keyIdOf(crypto, publicKey), seed, publicKey, ...params.spanAt(at) };
    writeKeyFile(
      join(folder, mixFile(key.keyId)),
      `${[toHex(seed), key.notBefore, key.notAfter, key.expiresAt].join('\n')}\n`,
      seal,
    );
    loaded.set(key.keyId, key);
  };

  return {
    identity: () => {
      const path = join(folder, identityFile);
      const known = readKeyFile(path, seal);
      if (known !== undefined) return readSeed(path, known.trim());
      makeKeyFile(path, `${toHex(params.rng(seedBytes))}\n`, seal);
      // Another process may have been first.
      return readSecretKey(path, seal);
    },
    mixKeys: (now, until = now) => {
      const covers = (at: number) => (key: MixKey) => key.notBefore <= at && at < key.notAfter;
      const next = params.spanAt(now).notAfter;
      for (let at = now; at <= next || at < until; at = params.spanAt(at).notAfter)
        if (!keysOnDisk().some(covers(at))) makeMixKey(at);
      return keysOnDisk().filter(({ expiresAt }) => now < expiresAt);
    },
    destroyExpired: (now) => {
      const expired = keysOnDisk().filter(({ expiresAt }) => now >= expiresAt);
      for (const { keyId } of expired) {
        destroyFile(join(folder, mixFile(keyId)));
        loaded.delete(keyId);
      }
      if (expired.length > 0) syncFolder(folder);
      return expired.map(({ keyId }) => keyId);
    },
  };
};

/** A secret key file of 64 hex digits, such as an authority's. @throws ConfigError when it is missing or damaged */
export const readSecretKey = (path: string, seal?: Seal): Uint8Array => {
  const text = readKeyFile(path, seal);
  if (text === undefined) throw new ConfigError(`${path}: no such file`);
  return readSeed(path, text.trim());
};

const readSeed = (path: string, hex: string): Uint8Array => {
  const seed = fromHex(hex);
  if (seed?.length !== seedBytes) throw new ConfigError(`${path}: damaged: expected a key of 64 hex digits`);
  return seed;
};

const readMixKey = (path: string, keyId: string, seal: Seal | undefined): MixKey | undefined => {
  const text = readKeyFile(path, seal);
  if (text === undefined) return undefined; // removed meanwhile
  const [hex = '', ...times] = text.trim().split('\n');
  const seed = readSeed(path, hex);
  const [notBefore = NaN, notAfter = NaN, expiresAt = NaN] = times.map((line) =>
    /^\d{1,15}$/.test(line) ? Number(line) : NaN,
  );
  const { publicKey } = expandKey(crypto, seed);
  if (!(notBefore < notAfter && notAfter <= expiresAt) || keyIdOf(crypto, publicKey) !== keyId)
    throw new ConfigError(`${path}: damaged: its name, key and times don't belong together`);
  return { keyId, seed, publicKey, notBefore, notAfter, expiresAt };
};
