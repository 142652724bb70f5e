import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeBytes } from '../../src/adapters/disk.js';
import { healthFile, readHealth } from '../../src/adapters/health-file.js';
import { isLocked, lockFolder } from '../../src/adapters/sqlite.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import { register } from '../../src/cli/health.js';
import type { HealthRecord } from '../../src/ports/health.js';
import { run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
const record = (): HealthRecord => ({
  ...{ role: 'node', startedAt: Date.now(), at: Date.now(), isStopping: false, isTurning: true, pollMs: minuteMs },
  ...{ readAt: Date.now(), sentAt: undefined, flushedAt: undefined, listUntil: Date.now() + dayMs },
});

/** A data folder on which a process runs and has told that of itself. */
const told = (name: string, some: Partial<HealthRecord> | undefined) => {
  const config = writeNodeConfig(folder, name);
  const data = join(folder, `data-${name}`);
  const lock = lockFolder(data);
  if (some !== undefined) healthFile(data)({ ...record(), ...some });
  return { data, lock, health: (...flags: string[]) => run(register, 'health', '--config', config, ...flags) };
};

describe('mixmailer health', () => {
  it('of a node at work ends with 0, and says why', async () => {
    const { health, lock } = told('well', {});
    const { exitCode, out } = await health();
    expect([exitCode, out.match(/^ok {5}/gm)?.length]).toEqual([0, 4]);
    expect(out).toContain('ok     the mailbox was last read about 0 minutes ago\n');
    lock.release();
    expect((await health()).exitCode).toBe(1);
  });

  it('tells alive from at work', async () => {
    const { health } = told('unread', { readAt: undefined });
    const codes = await Promise.all([health(), health('--live'), health('--ready'), health('--live', '--ready')]);
    expect(codes.map(({ exitCode }) => exitCode)).toEqual([1, 0, 1, 1]);
    expect(codes[0].out).toContain('WRONG  the mailbox was not read since the start\n');
    const { out } = await health('--json');
    expect(JSON.parse(out)).toMatchObject({ live: true, ready: false, findings: expect.any(Array) as unknown });
  });

  it('has nothing to go by where nothing was told, or nothing that can be read', async () => {
    const silent = told('silent', undefined);
    expect(await silent.health('--live')).toMatchObject({ exitCode: 1 });
    const odd = told('odd', {});
    writeFileSync(join(odd.data, 'health.json'), '{"role":"node","at":"soon"}');
    expect(readHealth(odd.data)).toBeUndefined();
    expect(await odd.health()).toMatchObject({ exitCode: 1 });
  });

  it('neither makes a data folder nor keeps a process from one', async () => {
    const config = writeNodeConfig(folder, 'new');
    expect(await run(register, 'health', '--config', config)).toMatchObject({
      exitCode: 1,
      out: 'WRONG  no process runs on the data folder\n',
    });
    const data = join(folder, 'data-new');
    expect(() => freeBytes(data)).not.toThrow();
    mkdirSync(data, { mode: 0o700 });
    expect([isLocked(data), isLocked(data)]).toEqual([false, false]);
    lockFolder(data).release();
    expect(isLocked(data)).toBe(false);
    const lock = lockFolder(data);
    expect([isLocked(data), isLocked(data)]).toEqual([true, true]);
    lock.release();
  });
});
