import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const unit = 'config/mixmailer-node.service';
const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!isThere && process.env['MIXMAILER_REQUIRE_SERVERS'] === '1')
  throw new Error('systemd-analyze is missing: apt-get install systemd');

const analyze = (...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};
/** Fails over an exposure of 2.0 of 10. */
const security = (file: string) => analyze('security', '--offline=true', '--no-pager', '--threshold=20', file);

describe.skipIf(!isThere)('the unit of systemd (systemd-analyze is needed: apt-get install systemd)', () => {
  it('is one that systemd takes', () => {
    expect(analyze('verify', unit)).toEqual({ status: 0, said: '' });
  });

  it('leaves the process little freedom: below 2.0 of 10', () => {
    const { status, said } = security(unit);
    expect(said).toMatch(/Overall exposure level for mixmailer-node\.service: [01]\.\d /);
    expect(status).toBe(0);
  });

  it('would be seen to leave it more', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-unit-'));
    try {
      const loose = path.join(folder, 'mixmailer-node.service');
      writeFileSync(
        loose,
        readFileSync(unit, 'utf8')
          .replace('ProtectSystem=strict\n', '')
          .replace('SystemCallFilter=@system-service\n', ''),
      );
      expect(security(loose).status).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
