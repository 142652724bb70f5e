import type * as nodeFs from 'node:fs';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fileKeys, readSecretKey } from '../../src/adapters/file-keys.js';
import { finishSealing, keyFilesIn, setSealing } from '../../src/adapters/key-files.js';
import { sealUnder, type Seal } from '../../src/adapters/seal.js';
import { toHex } from '../../src/base/bytes.js';
import { ConfigError } from '../../src/base/errors.js';
import { defaultEpochRule, epochAt, epochSpan } from '../../src/route/epoch.js';
import { now, rngOf } from '../route/nodes.js';

// The process dies at the n-th change it makes to the disk: from then on nothing it does arrives there.
const disk = vi.hoisted(() => ({ changes: 0, diesAt: Infinity }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof nodeFs>();
  const dying =
    <A extends unknown[], R>(work: (...args: A) => R) =>
    (...args: A): R => {
      if (++disk.changes >= disk.diesAt) throw new Error('killed');
      return work(...args);
    };
  const { writeSync, writeFileSync: write, renameSync, linkSync, rmSync: remove, openSync, fsyncSync } = fs;
  return {
    ...fs,
    writeSync: dying(writeSync as (...args: unknown[]) => number),
    writeFileSync: dying(write),
    renameSync: dying(renameSync),
    linkSync: dying(linkSync),
    rmSync: dying(remove),
    openSync: dying(openSync),
    fsyncSync: dying(fsyncSync),
  };
});

let parent: string;
let folder: string;
beforeEach(() => {
  disk.diesAt = Infinity;
  parent = mkdtempSync(path.join(tmpdir(), 'mm-sealed-'));
  folder = path.join(parent, 'data');
});
afterEach(() => {
  disk.diesAt = Infinity;
  rmSync(parent, { recursive: true });
});

const cost = 14;
const sealWith = (passphrase: string): Seal =>
  sealUnder({ passphrase: () => passphrase, rng: rngOf(passphrase), configFile: '/etc/node.toml', cost });
const open = (seal?: Seal) =>
  fileKeys(folder, {
    rng: rngOf('k'),
    seal,
    spanAt: (at) => epochSpan(defaultEpochRule, epochAt(defaultEpochRule, at)),
  });
const files = (): readonly string[] => keyFilesIn(folder);
const everything = (): string =>
  readdirSync(folder)
    .map((name) => readFileSync(path.join(folder, name), 'utf8'))
    .join();
const contents = (): readonly string[] => files().map((file) => readFileSync(file, 'utf8'));

/** A node's keys in clear, and all their secrets in hex. */
const made = () => {
  const keys = open();
  const [identity, mixKeys] = [keys.identity(), keys.mixKeys(now)];
  return { identity, mixKeys, secrets: [identity, ...mixKeys.map(({ seed }) => seed)].map(toHex) };
};

describe('sealed keys', () => {
  it('are made sealed where there is a passphrase, under one derivation, and open with it again', () => {
    let asked = 0;
    const seal = (): Seal =>
      sealUnder({ passphrase: () => `${++asked}`.replace(/.*/, 'word'), rng: rngOf('s'), configFile: 'c', cost });
    const first = open(seal());
    const [identity, mixKeys] = [first.identity(), first.mixKeys(now)];
    for (const secret of [identity, ...mixKeys.map(({ seed }) => seed)])
      expect(everything()).not.toContain(toHex(secret));
    expect(new Set(contents().map((text) => text.split('\n')[1])).size).toBe(1);
    const again = open(seal());
    expect(again.identity()).toEqual(identity);
    expect(again.mixKeys(now)).toEqual(mixKeys);
    expect(asked).toBe(2);
    expect(contents()[0]).toMatch(/^mixmailer-sealed 1\nscrypt 14 8 1 [0-9a-f]{32}\n[0-9a-f]+\n$/);
    again.destroyExpired(mixKeys[0]?.expiresAt ?? 0);
    expect(files()).toHaveLength(2);
  });

  it('do not open with another passphrase, and nothing is written then', () => {
    const { mixKeys } = open(sealWith('right'));
    open(sealWith('right')).identity();
    mixKeys(now);
    const before = contents();
    const wrong = open(sealWith('wrong'));
    expect(() => wrong.identity()).toThrow(ConfigError);
    expect(() => wrong.identity()).toThrow('identity.key: does not open: the passphrase in [keys] is another one');
    // Not even keys of an epoch that has none yet.
    for (const file of files()) if (file.includes('mix-')) rmSync(file);
    expect(() => wrong.mixKeys(now)).toThrow('does not open');
    expect(() => setSealing({ folder, files: files(), seal: sealWith('wrong') }, 'clear')).toThrow('does not open');
    expect(contents()).toEqual(before.slice(0, 1));
  });

  it('are refused without a passphrase, and so are keys in clear with one, with the command to run', () => {
    open(sealWith('word')).identity();
    expect(() => open().identity()).toThrow(
      'is sealed: expected a passphrase in [keys] of the configuration, got none',
    );
    expect(() => open().mixKeys(now)).toThrow('is sealed');
    rmSync(path.join(folder, 'identity.key'));
    made();
    expect(() => open(sealWith('word')).identity()).toThrow("run: mixmailer keys seal --config '/etc/node.toml'");
    expect(() => open(sealWith('word')).mixKeys(now)).toThrow('is not sealed');
  });

  it('under the name of another key, or with a changed byte, do not open', () => {
    const seal = sealWith('word');
    open(seal).mixKeys(now);
    const [one = '', other = ''] = files();
    const [text = '', second = ''] = contents();
    writeFileSync(one, second);
    expect(() => open(seal).mixKeys(now)).toThrow('does not open');
    for (const wrong of [
      text.replace(/.\n$/, (end) => `${end.startsWith('0') ? '1' : '0'}\n`),
      text.replace('scrypt 14', 'scrypt 15'),
    ]) {
      writeFileSync(one, wrong);
      expect(() => open(seal).mixKeys(now)).toThrow('does not open');
    }
    for (const wrong of [
      text.slice(0, 90),
      text.replace('scrypt 14', 'scrypt 40'),
      text.replace('14 8 1', '14 8 9'),
      'x',
    ]) {
      writeFileSync(one, wrong);
      expect(() => open(seal).mixKeys(now)).toThrow('damaged');
    }
    expect(readFileSync(other, 'utf8')).toBe(second);
  });
});

describe('sealing the keys that are there', () => {
  it('leaves none in clear, twice is once, and unsealing gives back what was there', () => {
    const { secrets } = made();
    const before = contents();
    const work = () => ({ folder, files: files(), seal: sealWith('word') });
    expect(setSealing(work(), 'sealed')).toBe(3);
    for (const secret of secrets) expect(everything()).not.toContain(secret);
    const sealed = contents();
    expect(setSealing(work(), 'sealed')).toBe(0);
    expect(contents()).toEqual(sealed);
    expect(setSealing(work(), 'clear')).toBe(3);
    expect(contents()).toEqual(before);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it('takes the key of an authority along, wherever it lies', () => {
    mkdirSync(folder, { mode: 0o700 });
    const key = path.join(parent, 'authority.key');
    writeFileSync(key, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
    setSealing({ folder, files: keyFilesIn(folder, [key]), seal: sealWith('word') }, 'sealed');
    expect(readSecretKey(key, sealWith('word'))).toEqual(new Uint8Array(32).fill(0xab));
    expect(() => readSecretKey(key)).toThrow('is sealed');
  });

  it('takes the second name from a key whose maker was killed, and leaves the key', () => {
    const { identity } = made();
    linkSync(path.join(folder, 'identity.key'), path.join(folder, 'identity.key.4711.tmp'));
    const seal = sealWith('word');
    setSealing({ folder, files: files(), seal }, 'clear');
    expect(readdirSync(folder)).toHaveLength(3);
    expect(open().identity()).toEqual(identity);
    linkSync(path.join(folder, 'identity.key'), path.join(folder, 'identity.key.4711.tmp'));
    setSealing({ folder, files: files(), seal }, 'sealed');
    expect(readdirSync(folder)).toHaveLength(3);
    expect(open(seal).identity()).toEqual(identity);
    expect(everything()).not.toContain(toHex(identity));
  });

  it.each(['sealed', 'clear'] as const)(
    'to %s may be cut off anywhere: a start with the passphrase works',
    (wanted) => {
      const { identity, secrets } = made();
      const seal = sealWith('word');
      const work = () => ({ folder, files: files(), seal });
      if (wanted === 'clear') setSealing(work(), 'sealed');
      const before = files().map((file) => [file, readFileSync(file, 'utf8')] as const);
      let [n, begun] = [1, 0];
      for (let isCut = true; isCut; n++) {
        disk.changes = 0;
        disk.diesAt = n;
        isCut = false;
        try {
          setSealing(work(), wanted);
        } catch (error) {
          if (!(error instanceof Error && /killed|can't be/.test(error.message))) throw error;
          isCut = true;
        }
        disk.diesAt = Infinity;
        const isBegun = readdirSync(folder).includes('sealing.unfinished');
        if (isBegun) {
          begun++;
          expect(() => finishSealing(folder, files, undefined)).toThrow('expected it in [keys], got none');
          finishSealing(folder, files, seal);
          for (const secret of secrets) expect(everything(), `cut at ${n}`).not.toContain(secret);
          const others = readdirSync(folder).filter((name) => !name.endsWith('.key') && !name.startsWith('lock.db'));
          expect(others, `cut at ${n}`).toEqual([]);
        }
        const sealed = contents().filter((text) => text.startsWith('mixmailer-sealed')).length;
        // In between: sealed. Not begun, or done: all of them alike.
        expect(isBegun ? [3] : [0, 3], `cut at ${n}`).toContain(sealed);
        if (!isCut) expect(sealed).toBe(wanted === 'sealed' ? 3 : 0);
        expect(open(sealed > 0 ? seal : undefined).identity(), `cut at ${n}`).toEqual(identity);
        for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
        for (const [file, text] of before) writeFileSync(file, text, { mode: 0o600 });
      }
      expect(begun).toBeGreaterThan(12);
    },
  );
});
