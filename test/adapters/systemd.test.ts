import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemdSupervisor } from '../../src/adapters/systemd.js';
import type { HealthRecord } from '../../src/ports/health.js';
import { runs } from '../servers/child.js';

let folder: string;
// A unix socket's path has to be short.
beforeEach(() => (folder = mkdtempSync('/tmp/mm-notify-')));
afterEach(() => rmSync(folder, { recursive: true }));

const record = (some: Partial<HealthRecord> = {}): HealthRecord => ({
  ...{ role: 'node', startedAt: 0, at: 0, isStopping: false, isTurning: true, pollMs: undefined },
  ...{ readAt: undefined, sentAt: undefined, flushedAt: undefined, listUntil: undefined },
  ...some,
});

const until = async (isSo: () => boolean): Promise<void> => {
  for (const end = Date.now() + 10_000; !isSo();) {
    if (Date.now() > end) throw new Error('waited in vain');
    await sleep(10);
  }
};

describe('what systemd hears', () => {
  it('is nothing where it has not asked', () => {
    expect(systemdSupervisor({})).toBeUndefined();
    expect(systemdSupervisor({ NOTIFY_SOCKET: '' })).toBeUndefined();
  });

  it('is that the process has begun, once, how it is, and that its loops turn, only while they do', async () => {
    const said = path.join(folder, 'said');
    const program = path.join(folder, 'systemd-notify');
    // One write a call: they run beside each other.
    writeFileSync(program, `#!/bin/sh\nline="$NOTIFY_SOCKET|$(IFS='|'; echo "$*")"\necho "$line" >>${said}\n`);
    chmodSync(program, 0o755);
    const supervisor = systemdSupervisor({ NOTIFY_SOCKET: '@here', PATH: `${folder}:/usr/bin:/bin` });
    const lines = (): string[] => (existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : []);
    const steps: readonly [() => void, string | undefined][] = [
      [() => supervisor?.tell(record(), 'not yet'), '@here|READY=1|STATUS=not yet|WATCHDOG=1'],
      [() => supervisor?.tell(record(), 'at work'), '@here|STATUS=at work|WATCHDOG=1'],
      [() => supervisor?.tell(record({ isTurning: false }), 'stuck'), '@here|STATUS=stuck'],
      [() => supervisor?.stopping('stopping: a while'), '@here|STOPPING=1|STATUS=stopping: a while'],
      [() => supervisor?.tell(record({ isStopping: true }), 'late'), undefined],
    ];
    const heard: string[] = [];
    for (const [step, line] of steps) {
      step();
      if (line !== undefined) heard.push(line);
      await until(() => lines().length >= heard.length);
      expect(lines()).toEqual(heard);
    }
  });

  it('is nothing where the program is not there, and nobody minds', async () => {
    const supervisor = systemdSupervisor({ NOTIFY_SOCKET: '@here', PATH: folder });
    supervisor?.tell(record(), 'at work');
    await sleep(20);
    expect(supervisor).toBeDefined();
  });

  const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('ready', flush=True)
while True: print(repr(s.recv(4096).decode()), flush=True)`;
  const systemd = spawnSync('systemd-notify', ['--version']).status === 0;

  it.skipIf(!systemd || !runs('python3', '--version'))(
    'arrives at its socket as datagrams (needs systemd-notify and python3)',
    async () => {
      const socket = path.join(folder, 's');
      const child = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        let heard = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
        await until(() => heard.startsWith('ready'));
        systemdSupervisor({ NOTIFY_SOCKET: socket, PATH: process.env['PATH'] })?.tell(record(), 'at work');
        await until(() => heard.includes('WATCHDOG=1'));
        expect(heard).toContain(String.raw`READY=1\nSTATUS=at work\nWATCHDOG=1`);
      } finally {
        child.kill();
        await once(child, 'exit');
      }
    },
  );
});
