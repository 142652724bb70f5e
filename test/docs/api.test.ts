import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const textsIn = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]),
  );

describe('the reference of what programs can import', () => {
  it('says what the code says (npm run api writes it)', { timeout: 300_000 }, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mixmailer-api-'));
    try {
      execFileSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--out', folder], { stdio: 'ignore' });
      expect(textsIn('docs/api')).toEqual(textsIn(folder));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a page for everything that the package exports', () => {
    const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly name: string;
      readonly exports: Readonly<Record<string, unknown>>;
    };
    const pages = Object.keys(exports)
      .filter((entry) => entry !== './package.json')
      .map((entry) => `${path.posix.join(name, entry)}.md`);
    expect(Object.keys(textsIn('docs/api'))).toEqual(['README.md', ...pages].sort());
  });
});
