import { freeBytes } from '../adapters/disk.js';
import { healthFile } from '../adapters/health-file.js';
import { stderrLog } from '../adapters/stderr-log.js';
import { systemdSupervisor } from '../adapters/systemd.js';
import { secondMs } from '../base/units.js';
import { openStatus, type StatusPage } from '../compose-status.js';
import type { Config } from '../config.js';
import type { HealthKeeper, Role } from '../ports/health.js';
import type { Book, Keeping } from '../post/book.js';
import { statusOf } from '../post/health.js';
import { cutMs } from '../post/jobs.js';
import { roomWatch, type UnderWay, Vitals } from '../post/vitals.js';

/** How a process tells of itself: in its data folder, to the systemd that has started it, and on its page. */
export const watched = (role: Role, folder: string, page?: StatusPage): Pick<Stoppable, 'vitals' | 'onStop'> => {
  const supervisor = systemdSupervisor(process.env);
  const keepers = [
    roomWatch(stderrLog, () => freeBytes(folder)),
    // Before the file, which can't be written while the disk is full.
    ...(page === undefined ? [] : [page.keeper]),
    healthFile(folder),
  ];
  if (supervisor === undefined) return { vitals: new Vitals(role, keepers) };
  const tell: HealthKeeper = (record) => supervisor.tell(record, statusOf(record, record.at));
  // The one that can't fail first.
  return { vitals: new Vitals(role, [tell, ...keepers]), onStop: supervisor.stopping };
};

/** The status page of a process that is about to begin; where that fails everything is let go of. @throws ConfigError */
export const statusPage = async (
  config: Config,
  book: Book | undefined,
  { role, keeping, close }: { readonly role: Role; readonly keeping: Keeping; readonly close: () => Promise<void> },
): Promise<StatusPage | undefined> => {
  try {
    return await openStatus(config, book, { role, keeping, terminal: process.stdout.isTTY ? 'yes' : 'no' });
  } catch (error) {
    await close();
    throw error;
  }
};

/** A process from its start to its end. */
export interface Stoppable {
  readonly vitals: Vitals;
  /** Hears at once that the process stops. */
  readonly onStop?: (sentence: string) => void;
  /** Runs until the signal aborts, and lets what is under way come to its end. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** Lets go of everything, whatever became of the work. */
  readonly close: () => Promise<void>;
}

/** What is waited for. */
export const underWayIn = ({ handOvers, isReading }: UnderWay): string =>
  [
    ...(handOvers === 0
      ? []
      : [handOvers === 1 ? '1 mail is being handed over' : `${handOvers} mails are being handed over`]),
    ...(isReading ? ['the mailbox is being read'] : []),
  ].join(' and ') || 'what is due is handed over';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Runs until SIGTERM or SIGINT, and lets the work come to its end; says what it waits for and how long that may take. A
 * second signal ends the process at once, with 130: nothing is lost then either, but mails may go out twice.
 */
export const untilStopped = async ({ vitals, onStop, work, close }: Stoppable): Promise<void> => {
  const stop = new AbortController();
  let stoppedAt: number | undefined;
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stoppedAt = performance.now();
    vitals.stopping();
    const sentence = `stopping: ${underWayIn(vitals.underWay)}, at most ${cutMs / secondMs} s`;
    say(`${sentence}; again to stop at once`);
    onStop?.(sentence);
    stop.abort();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    await work(stop.signal);
  } finally {
    await close();
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    if (stoppedAt !== undefined) say(`stopped after ${Math.round((performance.now() - stoppedAt) / secondMs)} s`);
  }
};
