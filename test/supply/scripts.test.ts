import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mixmailer-supply-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (script: string, ...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
  // Whatever of npm is asked for in a folder comes before npm itself.
  const env = { ...process.env, PATH: [folder, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter) };
  const { status, stdout, stderr } = spawnSync(resolve(script), args, { encoding: 'utf8', env });
  return { status, said: `${stdout}${stderr}` };
};

describe('.ci/audit', () => {
  /** What the script makes of npm's answer. */
  const audit = (answer: string, ...args: readonly string[]): ReturnType<typeof run> => {
    writeFileSync(join(folder, 'answer'), answer);
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\n[ "$1" = audit ] && cat '${folder}/answer'\nexit 1\n`);
    chmodSync(join(folder, 'npm'), 0o755);
    return run('.ci/audit', ...args);
  };
  const url = 'https://registry.npmjs.org/-/npm/v1/security/advisories/bulk';
  const report = (vulnerabilities: object): string => JSON.stringify({ auditReportVersion: 2, vulnerabilities });
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  const developing = Object.values(packages).filter(({ dev }) => dev === true).length;
  const installed = Object.keys(packages).length - 1 - developing;
  const all = `${installed} packages that are installed and ${developing} of development`;
  const via = [{ title: 'Mail turns into gold', url: 'https://example.org/1' }, 'gold'];
  const inOne = (name: string): string =>
    report({ [name]: { name, severity: 'low', range: '<2', via, nodes: [`node_modules/${name}`] } });

  it('says that nothing is known', () => {
    expect(installed).toBe(67);
    expect(audit(report({}))).toEqual({ status: 0, said: `no known vulnerability in ${all}\n` });
    expect(audit(report({}), '--required').status).toBe(0);
  });

  it('fails for what is known, and says what', () => {
    for (const args of [[], ['--required']])
      expect(audit(inOne('mailparser'), ...args)).toEqual({
        status: 1,
        said: `low: mailparser <2: Mail turns into gold https://example.org/1; gold\nof ${all}, 1 and 0 have known vulnerabilities\n`,
      });
    // Not in the lock: who knows what it is.
    expect(audit(inOne('nobody-knows')).status).toBe(1);
  });

  it('names what development alone needs, and fails for it before a release', () => {
    const said = `low, development only: vitest <2: Mail turns into gold https://example.org/1; gold\nof ${all}, 0 and 1 have known vulnerabilities\n`;
    expect(audit(inOne('vitest'))).toEqual({ status: 0, said });
    expect(audit(inOne('vitest'), '--required')).toEqual({ status: 1, said });
  });

  it('knows one flag and no other', () => expect(audit(report({}), '--requird').status).toBe(64));

  it.each([
    { message: `405 Method Not Allowed - POST ${url}`, statusCode: 405 },
    { message: `503 Service Unavailable - POST ${url}`, statusCode: 503 },
    { message: `request to ${url} failed, reason: connect ECONNREFUSED 127.0.0.1:9` },
  ])('names a registry that does not answer: $message', (answer) => {
    const { status, said } = audit(JSON.stringify(answer));
    expect(said).toBe(`NOT LOOKED AT, the registry does not answer: ${answer.message}\n`);
    expect(status).toBe(0);
    // Before a release not to know is a failure.
    expect(audit(JSON.stringify(answer), '--required')).toEqual({ status: 1, said });
  });

  it.each([
    JSON.stringify({ error: { code: 'ENOLOCK', summary: 'This command requires an existing lockfile.' } }),
    JSON.stringify({ message: `400 Bad Request - POST ${url}`, statusCode: 400 }),
    JSON.stringify({ message: 'request to https://example.org/mail failed' }),
    '{}',
    '',
  ])('fails if npm fails otherwise: %s', (answer) => expect(audit(answer).status).toBe(1));
});

describe('.ci/tarball-holds', () => {
  /** What the script says of a tarball with a README and these files. */
  const holds = (files: Readonly<Record<string, string>>): ReturnType<typeof run> => {
    for (const [name, text] of Object.entries({ 'README.md': '# MixMailer\n', ...files })) {
      const path = join(folder, 'package', name);
      mkdirSync(dirname(path), { recursive: true });
      if (text.startsWith('-> ')) symlinkSync(text.slice(3), path);
      else writeFileSync(path, text);
    }
    const names = ['README.md', ...Object.keys(files)].map((name) => `package/${name}`);
    execFileSync('tar', ['-C', folder, '-czf', join(folder, 'mail.tgz'), ...names]);
    return run('.ci/tarball-holds', join(folder, 'mail.tgz'));
  };

  it('takes code, types, documents and examples', () => {
    const files = { 'dist/src/main.js': '', 'dist/src/main.d.ts': '', 'docs/spec.md': '', 'config/node.toml': '' };
    expect(holds(files)).toEqual({ status: 0, said: '5 files, all of them named by files of package.json\n' });
  });

  it('refuses all that must not be in it, each by its name', () => {
    const wrong = {
      'dist/test/demo/main.js': 'not named by files',
      'src/main.ts': 'not named by files',
      'docs.txt': 'not named by files',
      'dist/src/base/bytes.test.js': 'a test',
      'dist/src/main.js.map': 'a source map',
      'config/descriptor.pem': 'a key or a secret',
      'config/imap.password': 'a key or a secret',
      'config/.env': 'a file of a machine',
      'dist/src/.tsbuildinfo': 'a file of a machine',
      'dist/src/main.ts': 'neither code nor types',
    };
    const { status, said } = holds(Object.fromEntries(Object.keys(wrong).map((name) => [name, ''])));
    for (const [name, why] of Object.entries(wrong)) expect(said).toContain(`${name}: ${why}\n`);
    expect(said).not.toContain('README.md');
    expect(status).toBe(1);
  });

  it('refuses a private key under any name, and a link out of the tarball', () => {
    const key = ['An example:', '-----BEGIN PRIVATE KEY-----', 'AAAA', ''].join('\n');
    expect(holds({ 'docs/spec.md': key }).said).toContain('docs/spec.md: holds a private key\n');
    const link = holds({ 'config/node.toml': '-> /etc/hostname' });
    expect(link.said).toContain('no regular file\n');
    expect(link.status).toBe(1);
  });
});
