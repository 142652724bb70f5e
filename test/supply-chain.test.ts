import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unexplained, unguarded, unpinned, untold, unvouched, type Texts } from './supply/complaints.js';

const pageOfDependencies = readFileSync('docs/decisions/0032-dependencies.md', 'utf8');

const textsOf = (folder: string, headings: readonly string[]): Texts => ({
  package: readFileSync(`${folder}/package.json`, 'utf8'),
  lock: readFileSync(`${folder}/package-lock.json`, 'utf8'),
  npmrc: readFileSync(`${folder}/.npmrc`, 'utf8'),
  page: pageOfDependencies,
  headings,
});

const packages = [
  { folder: '.', headings: ['Installed with MixMailer', 'Development'] },
  { folder: 'test/mutation', headings: ['Mutation testing'] },
].filter(({ folder }) => existsSync(`${folder}/package.json`));

describe.each(packages)('what is installed for $folder', ({ folder, headings }) => {
  const texts = textsOf(folder, headings);

  it('stands on the page of dependencies, with how much it brings along', () => expect(untold(texts)).toEqual([]));
  it('is one version of each package', () => expect(unpinned(texts)).toEqual([]));
  it('has bytes that the lock vouches for, from the registry', () => expect(unvouched(texts)).toEqual([]));
  it('runs nothing while it is installed, and it is known what would', () => {
    expect(unexplained(texts)).toEqual([]);
    expect(unguarded(texts)).toEqual([]);
  });
});

describe('a wrong text', () => {
  const sum = 'sha512-AAAA';
  const page = [
    '# Packages',
    '## Runtime',
    '| package | packages | what for |',
    '| --- | --- | --- |',
    '| `mail` | 2 | reads mail |',
    '| `clock` | 0 | tells the time |',
    '## Install scripts',
    '- `fast`: compiles itself, and needn’t.',
    '',
  ].join('\n');
  const json = {
    package: { dependencies: { mail: '1.2.3' }, devDependencies: { clock: '0.1.0' } },
    locked: {
      'node_modules/mail': { integrity: sum, dependencies: { fast: '^1.0.0' } },
      // The one below mail is mail's, the one beside it is nobody's.
      'node_modules/mail/node_modules/fast': {
        integrity: sum,
        hasInstallScript: true,
        dependencies: { mail: '*' },
        peerDependencies: { slow: '*', clock: '*' },
        peerDependenciesMeta: { clock: { optional: true } },
      },
      'node_modules/slow': { integrity: sum, resolved: 'https://registry.npmjs.org/slow/-/slow-1.0.0.tgz' },
      'node_modules/fast': { integrity: sum },
      'node_modules/clock': { integrity: sum },
    } as Record<string, object>,
  };
  const lockOf = (locked: Record<string, object>): string => JSON.stringify({ packages: { '': {}, ...locked } });
  const good: Texts = {
    package: JSON.stringify(json.package),
    lock: lockOf(json.locked),
    npmrc: '# quiet\nignore-scripts=true\n',
    page,
    headings: ['Runtime'],
  };
  const withPackage = (dependencies: Record<string, string>): Texts => ({
    ...good,
    package: JSON.stringify({ ...json.package, dependencies }),
  });
  const withLocked = (name: string, entry: object): Texts => ({
    ...good,
    lock: lockOf({ ...json.locked, [`node_modules/${name}`]: entry }),
  });

  it('is not the right one', () => {
    for (const check of [untold, unpinned, unvouched, unexplained, unguarded]) expect(check(good)).toEqual([]);
  });

  it('has a dependency that the page does not name', () => {
    expect(untold(withPackage({ mail: '1.2.3', slow: '1.0.0' }))).toEqual(['slow: the page does not name it']);
    // Under another heading, in a sentence, or without a reason is not named.
    for (const text of ['## Else\n| `slow` | 0 | waits |\n', 'Take `slow`.\n', '| `slow` | 0 | |\n'])
      expect(untold({ ...withPackage({ mail: '1.2.3', slow: '1.0.0' }), page: `${page}${text}` })).toHaveLength(1);
  });

  it('has a page that names what is gone, or counts what was', () => {
    expect(untold(withPackage({}))).toEqual(['mail: only the page has it']);
    expect(untold({ ...good, page: page.replace('| 2 |', '| 3 |') })).toEqual(['mail: brings 2 packages, not 3']);
  });

  it.each([
    '^1.2.3',
    '~1.2.3',
    '1.x',
    '*',
    'latest',
    '>=1.2.3',
    '1.2.3 || 2.0.0',
    'github:some/mail',
    'file:../mail',
    '',
  ])('has "%s" for a version', (version) => {
    expect(unpinned(withPackage({ mail: version }))).toEqual([`mail: "${version}" is not one version`]);
    const dev = JSON.stringify({ devDependencies: { mail: version } });
    expect(unpinned({ ...good, package: dev })).toHaveLength(1);
  });

  it('has a lock without a sum, or with one that can be forged', () => {
    expect(unvouched(withLocked('slow', {}))).toEqual(['slow: no SHA-512 of its bytes']);
    expect(unvouched(withLocked('slow', { integrity: 'sha1-AAAA' }))).toEqual(['slow: no SHA-512 of its bytes']);
    expect(unvouched(withLocked('a/node_modules/@b/c', { link: true }))).toEqual(['@b/c: no SHA-512 of its bytes']);
  });

  it.each([
    'https://registry.example/slow.tgz',
    'http://registry.npmjs.org/slow.tgz',
    'https://registry.npmjs.org.example/slow.tgz',
    'git+ssh://git@github.com/some/slow.git#0123456',
    'file:slow.tgz',
  ])('has a lock that takes a package from %s', (resolved) => {
    expect(unvouched(withLocked('slow', { integrity: sum, resolved }))).toEqual([`slow: comes from ${resolved}`]);
  });

  it('has a package that would run something, and nobody said why', () => {
    const complaint = ['slow: has an install script that the page does not explain'];
    const running = withLocked('slow', { integrity: sum, hasInstallScript: true });
    expect(unexplained(running)).toEqual(complaint);
    // A name alone explains nothing, nor does another part of the page.
    expect(unexplained({ ...running, page: `${page}- \`slow\`:\n` })).toEqual(complaint);
    expect(unexplained({ ...running, page: `${page}## Else\n- \`slow\`: waits.\n` })).toEqual(complaint);
    expect(unexplained({ ...running, page: `${page}- \`slow\`: waits.\n` })).toEqual([]);
  });

  it.each([
    '',
    '# ignore-scripts=true',
    'ignore-scripts=false',
    'ignore-scripts=true\nignore-scripts=false',
    'ignore-scripts',
  ])('has an .npmrc of %j', (npmrc) =>
    expect(unguarded({ ...good, npmrc })).toEqual(['.npmrc: does not say ignore-scripts=true']),
  );
});
