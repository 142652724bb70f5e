import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mixmailer-pack-'));
  root = join(folder, 'root');
  mkdirSync(join(root, '.ci'), { recursive: true });
  cpSync('.ci/pack', join(root, '.ci/pack'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string, content: string | object): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
};
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const sumOf = (file: string): string => `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;

/** A package that needs one other to run and one for development, both of which lie beside it. */
const project = (changes: Readonly<Record<string, object>> = {}): void => {
  const made = (name: string): object => {
    write(join(folder, name, 'package', 'package.json'), { name, version: '1.0.0' });
    execFileSync('tar', ['-C', join(folder, name), '-czf', join(root, `${name}.tgz`), 'package']);
    return { version: '1.0.0', resolved: `file:${name}.tgz`, integrity: sumOf(join(root, `${name}.tgz`)) };
  };
  const about = {
    name: 'letter',
    version: '1.0.0',
    dependencies: { paper: 'file:paper.tgz' },
    devDependencies: { pencil: 'file:pencil.tgz' },
    bin: { letter: 'dist/src/main.js' },
  };
  write(join(root, 'package.json'), { ...about, files: ['npm-shrinkwrap.json', 'dist/src', 'paper.tgz'] });
  const packages = {
    '': about,
    'node_modules/paper': made('paper'),
    'node_modules/pencil': { ...made('pencil'), dev: true },
    ...changes,
  };
  write(join(root, 'package-lock.json'), { name: 'letter', version: '1.0.0', lockfileVersion: 3, packages });
  write(join(root, 'dist/src/main.js'), '#!/usr/bin/env node\nconsole.log("a letter");\n');
  write(join(root, 'dist/test/main.js'), '');
};

const pack = (to: string): { readonly status: number | null; readonly stderr: string } => {
  mkdirSync(join(folder, to));
  return spawnSync(join(root, '.ci/pack'), [join(folder, to)], { encoding: 'utf8' });
};
const tarball = (to: string): string => join(folder, to, 'letter-1.0.0.tgz');
const unpacked = (to: string): string => {
  const place = join(folder, `${to}.installed`);
  mkdirSync(place);
  execFileSync('tar', ['-xzf', tarball(to), '--strip-components', '1', '-C', place]);
  return place;
};
/** With an empty cache: npm would take from it what has the right sum. */
const npmCi = (cwd: string) => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  const quiet = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', cache];
  return spawnSync('npm', ['ci', ...quiet], { cwd, encoding: 'utf8' });
};

describe('.ci/pack', { timeout: 120_000 }, () => {
  it('makes a tarball that brings the lock along, without what development needs, and leaves the folder as it was', () => {
    project();
    expect(pack('one').status).toBe(0);
    const place = unpacked('one');
    expect(read(join(place, 'npm-shrinkwrap.json'))).toMatchObject({ name: 'letter', lockfileVersion: 3 });
    const { packages } = read(join(place, 'npm-shrinkwrap.json')) as { readonly packages: Record<string, object> };
    expect(Object.keys(packages)).toEqual(['', 'node_modules/paper']);
    expect(packages['']).not.toHaveProperty('devDependencies');
    expect(read(join(place, 'package.json'))).not.toHaveProperty('devDependencies');
    expect(existsSync(join(place, 'dist/test'))).toBe(false);
    expect(existsSync(join(root, 'npm-shrinkwrap.json'))).toBe(false);
    expect(read(join(root, 'package.json'))).toHaveProperty('devDependencies');
  });

  it('makes the same bytes each time', () => {
    project();
    expect([pack('one').status, pack('two').status]).toEqual([0, 0]);
    expect(sumOf(tarball('one'))).toBe(sumOf(tarball('two')));
  });

  it('makes what npm ci installs as it was locked, or not at all', () => {
    project();
    expect(pack('one').status).toBe(0);
    const place = unpacked('one');
    expect(npmCi(place).status).toBe(0);
    expect(existsSync(join(place, 'node_modules/paper/package.json'))).toBe(true);
    expect(existsSync(join(place, 'node_modules/pencil'))).toBe(false);
    expect(execFileSync(join(place, 'dist/src/main.js'), { encoding: 'utf8' })).toBe('a letter\n');
    // Another package under the same name and number.
    write(join(folder, 'paper', 'package', 'package.json'), { name: 'paper', version: '1.0.0', description: 'other' });
    execFileSync('tar', ['-C', join(folder, 'paper'), '-czf', join(place, 'paper.tgz'), 'package']);
    rmSync(join(place, 'node_modules'), { recursive: true });
    const { status, stderr } = npmCi(place);
    expect(status).not.toBe(0);
    expect(stderr).toContain('EINTEGRITY');
  });

  it('makes nothing of a lock that does not vouch for every package', () => {
    project({ 'node_modules/ink': { version: '1.0.0', integrity: 'sha1-AAAA' } });
    const { status, stderr } = pack('one');
    expect(status).not.toBe(0);
    expect(stderr).toContain('no SHA-512 of node_modules/ink');
    expect(existsSync(tarball('one'))).toBe(false);
  });
});
