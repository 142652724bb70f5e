import {
  chmodSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKeys, readSecretKey } from '../../src/adapters/file-keys.js';
import { expandKey, keyIdOf } from '../../src/sphinx/kem.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { writePrivateFile } from '../../src/adapters/owner-only.js';
import { lockFolder } from '../../src/adapters/sqlite.js';
import { ConfigError, StoreError } from '../../src/base/errors.js';
import { dayMs } from '../../src/base/units.js';
import type { KeyStore } from '../../src/ports/keys.js';
import { defaultEpochRule, epochAt, epochSpan } from '../../src/route/epoch.js';
import { now, rngOf } from '../route/nodes.js';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mixmailer-keys-'));
  folder = join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

const open = (seed = 'keys'): KeyStore =>
  fileKeys(folder, { rng: rngOf(seed), spanAt: (at) => epochSpan(defaultEpochRule, epochAt(defaultEpochRule, at)) });
const modeOf = (path: string): number => statSync(path).mode & 0o777;
const mixFiles = (): string[] => readdirSync(folder).filter((name) => name.startsWith('mix-'));

describe('keys in files', () => {
  it('are made once, for their owner only, and are the same after a restart', () => {
    const first = open();
    const [identity, mixKeys] = [first.identity(), first.mixKeys(now)];
    const again = open('another chance');
    expect(again.identity()).toEqual(identity);
    expect(again.mixKeys(now)).toEqual(mixKeys);
    expect(modeOf(folder)).toBe(0o700);
    for (const name of readdirSync(folder)) expect(modeOf(join(folder, name))).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('have one identity when two processes make it at once: that of the first', () => {
    const first = open('first');
    let made: Uint8Array | undefined;
    const second = fileKeys(folder, {
      rng: (length) => {
        // The other one comes between the look and the writing.
        made = first.identity();
        return rngOf('second')(length);
      },
      spanAt: (at) => epochSpan(defaultEpochRule, epochAt(defaultEpochRule, at)),
    });
    const got = second.identity();
    expect(made).toBeDefined();
    expect(got).toEqual(made);
    expect(first.identity()).toEqual(made);
    expect(readdirSync(folder)).toEqual(['identity.key']);
  });

  it('outlive their maker, killed before the temporary name was gone', () => {
    const identity = open().identity();
    const temporary = join(folder, 'identity.key.4711.tmp');
    linkSync(join(folder, 'identity.key'), temporary);
    const before = Date.now() / 1000 - 3600;
    utimesSync(temporary, before, before);
    lockFolder(folder).release();
    expect(readdirSync(folder).filter((name) => !name.startsWith('lock.db'))).toEqual(['identity.key']);
    expect(open().identity()).toEqual(identity);
  });

  it('are those of the running and the next epoch, with matching public key and name', () => {
    const [running, next, ...more] = open().mixKeys(now);
    expect(more).toEqual([]);
    expect(running?.notBefore).toBeLessThanOrEqual(now);
    expect(running?.notAfter).toBeGreaterThan(now);
    expect(next?.notBefore).toBe(running?.notAfter);
    expect(running && running.expiresAt - running.notAfter).toBe(7 * dayMs);
    if (running === undefined) throw new Error('no key');
    expect(expandKey(nobleCrypto, running.seed).publicKey).toEqual(running.publicKey);
    expect(keyIdOf(nobleCrypto, running.publicKey)).toBe(running.keyId);
    expect(running.publicKey).toHaveLength(1216);
  });

  it('follow one another, and live until their grace is over', () => {
    const keys = open();
    const [first] = keys.mixKeys(now);
    if (first === undefined) throw new Error('no key');
    const ids = (at: number): string[] => keys.mixKeys(at).map(({ keyId }) => keyId);
    expect(ids(first.notAfter)).toHaveLength(3);
    expect(ids(first.notAfter)).toContain(first.keyId);
    expect(ids(first.expiresAt - 1)).toContain(first.keyId);
    expect(ids(first.expiresAt)).not.toContain(first.keyId);
    expect(keys.destroyExpired(first.expiresAt - 1)).toEqual([]);
    expect(mixFiles()).toContain(`mix-${first.keyId}.key`);
    expect(keys.destroyExpired(first.expiresAt)).toEqual([first.keyId]);
    expect(mixFiles()).not.toContain(`mix-${first.keyId}.key`);
    expect(keys.destroyExpired(first.expiresAt)).toEqual([]);
    expect(
      open()
        .mixKeys(first.expiresAt)
        .map(({ keyId }) => keyId),
    ).not.toContain(first.keyId);
  });

  it('that another process makes are seen, and none is made twice', () => {
    const [one, two] = [open('one'), open('two')];
    const made = one.mixKeys(now);
    expect(two.mixKeys(now)).toEqual(made);
    expect(mixFiles()).toHaveLength(2);
  });

  it('keep their span when the length of an epoch changes', () => {
    const made = open().mixKeys(now);
    const rule = { lengthMs: dayMs, graceMs: dayMs };
    const shorter = fileKeys(folder, { rng: rngOf('x'), spanAt: (at) => epochSpan(rule, epochAt(rule, at)) });
    expect(shorter.mixKeys(now)).toEqual(made);
  });

  it.each(['identity.key', 'mix'])('that others may read are refused: %s', (name) => {
    const keys = open();
    keys.identity();
    keys.mixKeys(now);
    const file = name === 'mix' ? (mixFiles()[0] ?? '') : name;
    chmodSync(join(folder, file), 0o640);
    const use = (): unknown => (name === 'mix' ? open().mixKeys(now) : open().identity());
    expect(use).toThrow(ConfigError);
    expect(use).toThrow(/expected to be readable by its owner only, got mode 640; run: chmod go= /);
  });

  it('in a folder that others may read are refused', () => {
    open().identity();
    chmodSync(folder, 0o755);
    expect(() => open()).toThrow('got mode 755');
  });

  it('that are damaged are refused, not replaced, and the message does not show them', () => {
    const keys = open();
    keys.identity();
    keys.mixKeys(now);
    const [name = ''] = mixFiles();
    const text = readFileSync(join(folder, name), 'utf8');
    const refusal = (content: string): string => {
      writeFileSync(join(folder, name), content);
      try {
        open().mixKeys(now);
      } catch (error) {
        if (error instanceof ConfigError) return error.message;
      }
      return 'accepted';
    };
    for (const wrong of [
      '',
      text.slice(0, 40),
      text.slice(0, 70),
      text.replace(/^../, '00'),
      `${text.slice(0, 65)}5\n4\n3\n`,
    ]) {
      expect(refusal(wrong)).toContain('damaged');
      expect(refusal(wrong)).not.toContain(text.slice(0, 16));
    }
    writeFileSync(join(folder, 'identity.key'), 'zz');
    expect(() => open().identity()).toThrow('damaged');
  });

  it('under another name are refused', () => {
    open().mixKeys(now);
    const [one = ''] = mixFiles();
    renameSync(join(folder, one), join(folder, `mix-${'0'.repeat(32)}.key`));
    expect(() => open().mixKeys(now)).toThrow("don't belong together");
  });
});

describe('a private file', () => {
  it('is written whole even where a crash left a temporary one', () => {
    const path = join(parent, 'file');
    writeFileSync(`${path}.${process.pid}.tmp`, 'half');
    writePrivateFile(path, 'whole');
    expect(readFileSync(path, 'utf8')).toBe('whole');
    expect(readdirSync(parent)).toEqual(['file']);
    expect(modeOf(path)).toBe(0o600);
  });

  it('that can not be written is a StoreError', () => {
    expect(() => writePrivateFile(join(parent, 'none', 'file'), 'x')).toThrow(StoreError);
  });

  it('of a secret key says when it is missing', () => {
    expect(() => readSecretKey(join(parent, 'none'))).toThrow('no such file');
  });
});
