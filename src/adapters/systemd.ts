import { execFile } from 'node:child_process';
import { secondMs } from '../base/units.js';
import type { HealthRecord } from '../ports/health.js';

/** The service manager that has started this process. */
export interface Supervisor {
  /** Says how the process is: that it has begun, one sentence, and that its loops turn (for `WatchdogSec`). */
  readonly tell: (record: HealthRecord, status: string) => void;
  readonly stopping: (status: string) => void;
}

/** A manager that takes nothing must not make processes pile up. */
const deadlineMs = 10 * secondMs;

/**
 * The systemd that started this process with `Type=notify`; undefined if none did.
 *
 * Its socket takes datagrams, which Node does not send; `systemd-notify`, a part of systemd, does. So the unit needs
 * `NotifyAccess=all`. What it can't tell it leaves out: the watchdog then ends the process, as it is meant to.
 *
 * @param env the process's environment
 */
export const systemdSupervisor = (env: Readonly<Record<string, string | undefined>>): Supervisor | undefined => {
  const { NOTIFY_SOCKET: socket, PATH: path } = env;
  if (socket === undefined || socket === '') return undefined;
  const notify = (...words: readonly string[]): void => {
    const options = { timeout: deadlineMs, env: { NOTIFY_SOCKET: socket, PATH: path } };
    execFile('systemd-notify', [...words], options, () => undefined).unref();
  };
  let isReady = false;
  return {
    tell: ({ isTurning, isStopping }, status) => {
      if (isStopping) return;
      const first = isReady ? [] : ['READY=1'];
      isReady = true;
      notify(...first, `STATUS=${status}`, ...(isTurning ? ['WATCHDOG=1'] : []));
    },
    stopping: (status) => notify('STOPPING=1', `STATUS=${status}`),
  };
};
