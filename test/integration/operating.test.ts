import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { commandsIn, mentionsIn } from '../docs/pages.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'mm-operating-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The command of docs/operating.md that begins so, as it stands there. */
const lineOf = (begin: string): string =>
  [...commandsIn('docs/operating.md').map(({ text }) => text), ...mentionsIn('docs/operating.md', 'mixmailer')].find(
    (text) => text.startsWith(begin),
  ) ?? expect.fail(`no command begins with ${begin}`);

interface Typed {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** What a shell makes of a command in the operator's folder. */
const typed = (line: string, cwd = folder): Typed => {
  const env = {
    ...process.env,
    PATH: `${path.join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    MM_WORD: 'correct horse',
  };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd, env, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
};
/** The same of a command that has to do what it says. */
const done = (line: string): string => {
  const { status, out, err } = typed(line);
  expect([line, status, err]).toEqual([line, 0, '']);
  return out;
};

// Nothing listens at the port of "discard".
const mailOf = (address: string): string => `data = "data-${address.split('@')[0] ?? ''}"
[mail]
address = "${address}"
[mail.imap]
host = "127.0.0.1"
port = 9
security = "none"
passwordCommand = "echo secret"
[mail.smtp]
host = "127.0.0.1"
port = 9
security = "none"
`;
const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text, { mode: 0o600 });
const keysIn = (data: string): readonly string[] =>
  readdirSync(path.join(folder, data))
    .filter((name) => name.endsWith('.key'))
    .map((name) => readFileSync(path.join(folder, data, name), 'utf8'));

beforeAll(() => {
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(
    path.join(folder, 'bin', 'mixmailer'),
    `#!/bin/sh\nexec '${process.execPath}' '${dist}/src/main.js' "$@"\n`,
    { mode: 0o755 },
  );
  write('authority.toml', `${mailOf('directory@example.net')}[authority]\n`);
  write('node.toml', `${mailOf('mix@example.org')}[node]\nname = "mix-one"\nexit = true\n`);
});

describe('the commands of docs/operating.md, as they stand there', () => {
  it('make a network, and its invitation', () => {
    const said = done(lineOf('mixmailer network new '));
    const invitation = done(lineOf('mixmailer network invite ')).trim();
    expect(invitation).toMatch(/^mixmailer:directory@example\.net\/[\w-]{43}\?period=3600$/);
    expect(said).toContain(invitation);
  });

  it('make a list by hand: keys, descriptors, two signatures; and take it into use', () => {
    const keygen = lineOf('mixmailer keygen --authority ');
    const keys = [done(keygen), done(keygen.replace('authority.key', 'mine.key'))].map(
      (out) => /[0-9a-f]{64}/.exec(out)?.[0],
    );
    done(lineOf('mixmailer descriptor '));
    expect(done(lineOf('mixmailer network sign --authority authority.key '))).toContain('list of 1 nodes');
    expect(done(lineOf('mixmailer network sign --authority mine.key '))).toContain('list of 1 nodes');
    appendFileSync(
      path.join(folder, 'node.toml'),
      `[network]\nlist = "network.txt"\nauthorities = ["${keys.join('", "')}"]\n`,
    );
    mkdirSync(path.join(folder, 'published'));
    renameSync(path.join(folder, 'network.txt'), path.join(folder, 'published', 'network.txt'));
    expect(done(lineOf('curl ').replace('https://example.org', `file://${folder}/published`))).toContain(
      '2 of 2 authorities signed',
    );
    expect(existsSync(path.join(folder, 'network.txt'))).toBe(true);
    expect(existsSync(path.join(folder, 'network.new'))).toBe(false);
  });

  it('leave the list in use that was there, where the new one is not valid', () => {
    const before = readFileSync(path.join(folder, 'network.txt'), 'utf8');
    writeFileSync(path.join(folder, 'published', 'network.txt'), before.replace('mix-one', 'mix-two'));
    const { status } = typed(lineOf('curl ').replace('https://example.org', `file://${folder}/published`));
    expect(status).not.toBe(0);
    expect(readFileSync(path.join(folder, 'network.txt'), 'utf8')).toBe(before);
  });

  it('seal keys, and unseal them', () => {
    const plain = keysIn('data-mix');
    const config = readFileSync(path.join(folder, 'node.toml'), 'utf8');
    write('node.toml', config.replace('[mail]', '[keys]\npassphraseEnv = "MM_WORD"\n[mail]'));
    expect(done(lineOf('mixmailer keys seal '))).toMatch(/^sealed [1-9]/);
    for (const text of keysIn('data-mix')) expect(text).toMatch(/^mixmailer-sealed 1\n/);
    expect(done(lineOf('mixmailer keys unseal '))).toMatch(/^unsealed [1-9]/);
    expect(keysIn('data-mix')).toEqual(plain);
    write('node.toml', config);
  });

  it('make a backup and put it back', () => {
    sqliteMixStore(path.join(folder, 'data-mix', 'mixmailer.db')).close();
    expect(done(lineOf('mixmailer backup '))).toContain('node.backup');
    const identity = readFileSync(path.join(folder, 'data-mix', 'identity.key'), 'utf8');
    rmSync(path.join(folder, 'data-mix'), { recursive: true });
    expect(done(lineOf('mixmailer restore --config'))).toContain('restored the node');
    expect(readFileSync(path.join(folder, 'data-mix', 'identity.key'), 'utf8')).toBe(identity);
  });

  it('say that a process does not run', () => {
    const { status, out } = typed(lineOf('mixmailer health --config ').replace('FILE', 'node.toml'));
    expect([status, out]).toEqual([1, 'WRONG  no process runs on the data folder\n']);
  });

  it('fuzz a decoder, as docs/testing.md says it', () => {
    const line = commandsIn('docs/testing.md').find(({ text }) => text.startsWith('npm run fuzz '))?.text ?? '';
    const values = {
      '--inputs': '40',
      '--seed': '1',
      '--only': 'bundle',
      '--minutes': '1',
      '--threads': '1',
      '--out': path.join(folder, 'findings'),
    };
    const flags = Array.from(line.matchAll(/\[(--[a-z]+) [A-Z]+\]/g), ([, flag = '']) => flag);
    expect(flags.toSorted()).toEqual(Object.keys(values).toSorted());
    // Its samples are read from the root of the repository.
    const { status, out } = typed(
      `node dist/test/fuzz/main.js ${Object.entries(values).flat().join(' ')}`,
      process.cwd(),
    );
    expect([status, out]).toEqual([0, expect.stringMatching(/\d+ inputs, 0 findings\n$/)]);
  });
});
