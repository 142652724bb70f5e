import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { programWith } from '../../src/cli/program.js';
import { version } from '../../src/version.js';
import { runs } from '../servers/child.js';
import { manualOf } from './manual.js';

const file = 'docs/mixmailer.1';
const isThere = runs('man', '--version');
if (!isThere && process.env['MIXMAILER_REQUIRE_SERVERS'] === '1')
  throw new Error('man is missing: apt-get install man-db');

describe('the manual page', () => {
  it('says what the commands say (npm run manual writes it)', async () => {
    expect(readFileSync(file, 'utf8')).toBe(manualOf(await programWith(), version));
  });

  it('is installed with the package', () => {
    expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ man: `./${file}` });
  });

  it.skipIf(!isThere)('is one that man shows, without a warning (apt-get install man-db)', () => {
    const env = { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8', MANPAGER: 'cat' };
    const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', file], { encoding: 'utf8', env });
    expect(stderr).toBe('');
    const text = stdout.replaceAll(/.\u0008/g, '');
    expect(text).toMatch(/^NAME\n\s+mixmailer - a mix network carried by ordinary e-mail$/m);
    expect(text).toMatch(/^\s+mixmailer network sign\n\s+sign a new list/m);
    expect(text).toMatch(/^\s+--mix-schedule <cron>\n\s+when nodes flush their pools/m);
    expect(text).not.toMatch(/\\[fe&-]/);
  });
});
