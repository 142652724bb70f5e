import { readHealth } from '../adapters/health-file.js';
import { isLocked } from '../adapters/sqlite.js';
import { StoreError } from '../base/errors.js';
import { viewAccount, viewHeartbeat } from '../compose-view.js';
import type { Config } from '../config.js';
import { named, sectionsIn } from '../config-mail.js';
import { judgeHealth } from '../post/health.js';
import { limitPauseMs } from '../post/retry.js';
import { leastFreeBytes } from '../post/vitals.js';
import { shortTime } from './print.js';
import type { Report } from './report.js';

/** What the process says of itself, as `mixmailer health` does, with what to do. */
export const diagnoseProcess = ({ data, file, client, authority }: Config, report: Report, now: number): void => {
  const isRunning = isLocked(data);
  const { findings } = judgeHealth(readHealth(data), isRunning, now);
  const role = authority === undefined ? (client === undefined ? 'node' : 'client') : 'authority';
  for (const { kind, text, remedy } of findings) {
    if (kind === 'good') report.good(text);
    else if (kind === 'note') report.note(text);
    else
      report.wrong(text, [
        ...(remedy === undefined ? [] : [remedy]),
        ...(isRunning ? [] : [`By hand: mixmailer ${role} --config ${file}`]),
      ]);
  }
};

/** How many bytes may still be written to the disk of a folder; undefined where that can't be known. */
export interface DiskProbe {
  readonly freeBytes: (folder: string) => number | undefined;
}

/** Room on the disk. */
export const diagnoseDisk = ({ data }: Config, { freeBytes }: DiskProbe, report: Report): void => {
  const free = freeBytes(data);
  if (free === undefined) return;
  const megabytes = Math.floor(free / 1024 / 1024);
  if (free >= leastFreeBytes) report.good(`the disk has room: ${megabytes} MB are free`);
  else
    report.wrong(`the disk is nearly full: ${megabytes} MB are free`, [
      'Make room on the disk of the data folder: a full one takes no packets in, and nothing is removed from the mailbox.',
    ]);
};

/** After so many intervals without a single loop at home more is wrong than that it has just begun: most need fewer than eight. */
const longestUnheard = 12;
/** Of its loops, fewer than this part come home: something on their ways is slow or lost. */
const fewLoops = 0.7;

/** Whether a node's loops come home. Counts only, of whole intervals: as its log tells them. */
export const diagnoseHeartbeat = (config: Config, report: Report): void => {
  if (config.node === undefined || config.node.cover.loopsPerInterval === 0) return;
  try {
    const heart = viewHeartbeat(config);
    if (heart?.intervalMs === undefined) {
      report.note('no heartbeat yet: it has flushed its pool less than twice');
      return;
    }
    const percent = Math.round(100 * heart.returned);
    if (heart.holding)
      report.wrong(
        `it holds its pool: of the last ${Math.round(heart.expected)} loops that should have come home ${heart.home} did`,
        [
          'Does mail come to the mailbox, does a filter put packets elsewhere, does the account still send? It goes on by itself when loops come.',
          'If nothing is wrong here somebody may keep mail back: docs/operating.md, "A node that holds its pool".',
        ],
      );
    else if (heart.unheard > longestUnheard)
      report.wrong(`in ${heart.unheard} intervals none of its loops has come home`, [
        'Does mail from this account arrive, and does it come to the mailbox? Does a filter put packets elsewhere? Do the nodes around it work (mixmailer network)?',
        'Until a loop comes home it does not notice if somebody keeps mail back.',
      ]);
    else if (heart.beats.length === 0) report.note('no loop has come home yet, so there is no heartbeat');
    else if (heart.returned < fewLoops)
      report.note(`of its loops about ${percent} % come home: nodes are slow or away`);
    else report.good(`its loops come home, about ${percent} %`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    report.wrong(error.message, ['Run this as the user this program runs as.']);
  }
};

/** Whether an account is paused because its server spoke of a limit. */
export const diagnosePause = (config: Config, report: Report, now: number): void => {
  try {
    for (const section of sectionsIn(config.mail)) {
      const { limitedAt } = viewAccount(config, section, now);
      if (limitedAt === undefined || now - limitedAt >= limitPauseMs) continue;
      report.wrong(
        `the account is paused until about ${shortTime(limitedAt + limitPauseMs)} UTC: its server spoke of a limit${named(section)}`,
        [
          `Wait: it goes on by itself, with half as many mails a day. Do other programs send from this account? Then say less in ${section.section}.budget.perDay.`,
        ],
      );
    }
  } catch (error) {
    // What can't be read is told of where the budget is looked at.
    if (!(error instanceof StoreError)) throw error;
  }
};
