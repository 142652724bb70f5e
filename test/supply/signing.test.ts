import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsIn } from '../docs/pages.js';

const folder = mkdtempSync(join(tmpdir(), 'mixmailer-signing-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The command of docs/releasing.md that begins so; those that stand in its sentences too. */
const lineOf = (begin: string): string => {
  const inBlocks = commandsIn('docs/releasing.md').map(({ text }) => text);
  const inText = Array.from(
    readFileSync('docs/releasing.md', 'utf8').matchAll(/`([^`\n]+)`/g),
    ([, text = '']) => text,
  );
  return (
    [...inBlocks, ...inText].find((text) => text.startsWith(begin)) ?? expect.fail(`no command begins with ${begin}`)
  );
};
const run = (line: string): { readonly status: number | null; readonly said: string } => {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: folder, env, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};

describe('the commands of docs/releasing.md', () => {
  const check = (): ReturnType<typeof run> => run(lineOf('ssh-keygen -Y verify ').replace('NAME', 'ann'));

  beforeAll(() => {
    for (const key of ['KEY', 'OTHER'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)]);
    const [type = '', key = ''] = readFileSync(join(folder, 'KEY.pub'), 'utf8').split(' ');
    writeFileSync(join(folder, 'allowed_signers'), `ann namespaces="mixmailer-release" ${type} ${key}\n`);
    writeFileSync(join(folder, 'mixmailer-0.1.0.tgz'), 'the release');
    run('sha256sum mixmailer-0.1.0.tgz >SHA256SUMS');
  });

  it('sign the sums, and check who signed them and that they hold', () => {
    expect(run(lineOf('ssh-keygen -Y sign ')).status).toBe(0);
    const { status, said } = check();
    expect(said).toContain('Good "mixmailer-release" signature for ann');
    expect(said).toContain('mixmailer-0.1.0.tgz: OK');
    expect(status).toBe(0);
  });

  it('find out a file that was changed, and a key that may not sign', () => {
    writeFileSync(join(folder, 'mixmailer-0.1.0.tgz'), 'another release');
    expect(check().said).toContain('mixmailer-0.1.0.tgz: FAILED');
    expect(check().status).not.toBe(0);
    rmSync(join(folder, 'SHA256SUMS.sig'));
    expect(run(lineOf('ssh-keygen -Y sign ').replace('KEY', 'OTHER')).status).toBe(0);
    expect(check().status).not.toBe(0);
    expect(check().said).not.toContain('FAILED');
  });

  it('tell the fingerprint of a key', () => {
    expect(run(lineOf('ssh-keygen -lf ')).said).toMatch(/^256 SHA256:\S+ /);
  });

  it('get the commit of a release', () => {
    mkdirSync(join(folder, 'there'));
    const git = (...args: readonly string[]) =>
      execFileSync('git', ['-C', join(folder, 'there'), ...args], { encoding: 'utf8' }).trim();
    git('init', '--quiet');
    for (const text of ['released', 'later']) {
      writeFileSync(join(folder, 'there', 'file'), text);
      git('add', 'file');
      git('-c', 'user.name=A', '-c', 'user.email=a@a.example', 'commit', '--quiet', '--message', text);
    }
    const line = lineOf('git clone ').replace('REPOSITORY', './there').replace('COMMIT', git('rev-parse', 'HEAD~1'));
    expect(run(line).status).toBe(0);
    expect(readFileSync(join(folder, 'mixmailer', 'file'), 'utf8')).toBe('released');
  });
});
