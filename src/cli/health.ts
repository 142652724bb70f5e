import type { Command } from 'commander';
import { freeBytes } from '../adapters/disk.js';
import { readHealth } from '../adapters/health-file.js';
import { isLocked } from '../adapters/sqlite.js';
import { systemClock } from '../adapters/system.js';
import { loadConfig } from '../config.js';
import { type Finding, judgeHealth } from '../post/health.js';
import { leastFreeBytes } from '../post/vitals.js';
import { withConfig } from './config-option.js';
import { printer } from './print.js';

interface Options {
  readonly config: string;
  readonly live?: true;
  readonly ready?: true;
  readonly json?: true;
}

const words: Readonly<Record<Finding['kind'], string>> = { good: 'ok   ', bad: 'WRONG', note: 'note ' };

const roomFinding = (folder: string): readonly Finding[] => {
  const free = freeBytes(folder);
  if (free === undefined || free >= leastFreeBytes) return [];
  return [{ kind: 'note', text: `the disk is nearly full: ${Math.floor(free / 1024 / 1024)} MB are free` }];
};

/** `mixmailer health`: looks at what the running process tells of itself, without disturbing it. */
export const register = (program: Command): void => {
  withConfig(
    program
      .command('health')
      .description('say how the running node, client or authority is; ends with 0 if it is well, with 1 if not'),
    'its configuration file',
    'node',
    'client',
  )
    .option('--live', 'ask only whether the process runs and its loops turn: if not, start it again')
    .option('--ready', 'ask only whether it does its work: mailbox read since its start and lately, valid list')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Without --live and --ready both are asked. Times are those of whole minutes, of what it does with mails of ten minutes.
It reads the data folder and nothing else, as the user whose folder it is. Ends with 78 if the configuration is wrong.`,
    )
    .action((options: Options, command: Command) => {
      const { data } = loadConfig(options.config);
      const now = systemClock.now();
      const { isLive, isReady, findings } = judgeHealth(readHealth(data), isLocked(data), now);
      const all = [...findings, ...roomFinding(data)];
      const print = printer(command);
      if (options.json) print(JSON.stringify({ live: isLive, ready: isReady, findings: all }, undefined, 2));
      else print(...all.map(({ kind, text }) => `${words[kind]}  ${text}`));
      const asked = [...(options.live ? [isLive] : []), ...(options.ready ? [isReady] : [])];
      const isWell = asked.length === 0 ? isLive && isReady : asked.every(Boolean);
      if (!isWell) command.error('', { exitCode: 1 });
    });
};
