import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { writePrivateFile } from '../adapters/owner-only.js';
import { systemClock } from '../adapters/system.js';
import { ConfigError, unreachable } from '../base/errors.js';
import { makeBackup, type Restored, restoreBackup } from '../compose-backup.js';
import { loadConfig } from '../config.js';
import { withConfig } from './config-option.js';
import { printer, shortTime } from './print.js';

const bytesOf = (file: string): Uint8Array => {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError(`${file}: can't be read (${code})`, { cause: error });
  }
};

/** What the operator has to know before the process starts. */
const linesAfter = ({ role, unknown }: Restored, file: string): readonly string[] => {
  switch (role) {
    case 'node':
      return [
        'The node makes new mix keys when it starts, and announces them. Packets on their way to the old ones are lost;',
        `their senders' clients send them again. With a list by hand: mixmailer descriptor --config ${file}, and get it listed.`,
      ];
    case 'client':
      return [
        `Of ${unknown} ${unknown === 1 ? 'message' : 'messages'} nobody knows whether they were delivered: mixmailer queue --config ${file} lists them. None is sent again.`,
      ];
    case 'authority':
      return [
        'The authority signs nothing for the round that is on, and none before: it may have signed for them already.',
      ];
    default:
      return unreachable(role);
  }
};

/** `mixmailer backup`: who this is and where it stands, in one file. */
export const registerBackup = (program: Command): void => {
  withConfig(
    program
      .command('backup')
      .description(
        'write what a node, client or authority is into one file: no mix keys, and no mail; beside the running process too',
      ),
    'configuration file; with a passphrase in [keys] the backup is sealed with it',
    'node',
    'client',
  )
    .requiredOption('--out <file>', 'the backup; one that is there is replaced')
    .action(({ config: file, out }: { readonly config: string; readonly out: string }, command: Command) => {
      const config = loadConfig(file);
      const bytes = makeBackup(config, systemClock.now());
      writePrivateFile(path.resolve(out), bytes);
      const how =
        config.keys === undefined ? 'not sealed: keep it as you keep a key' : 'sealed with the passphrase of [keys]';
      printer(command)(`wrote ${out}, ${bytes.length} bytes, ${how}`);
    });
};

/** `mixmailer restore`: the other way round, without doing anything twice. */
export const registerRestore = (program: Command): void => {
  withConfig(
    program
      .command('restore')
      .description('put a backup into the data folder; what would be dangerous a second time is not in it'),
    'configuration file, of the same role as the backup',
    'node',
    'client',
  )
    .option('--replace', 'destroy what is in the data folder first: database, mix keys, and all that waits')
    .argument('<backup>', 'file that mixmailer backup wrote')
    .action((backup: string, options: { readonly config: string; readonly replace?: true }, command: Command) => {
      const config = loadConfig(options.config);
      const now = systemClock.now();
      const source = { bytes: bytesOf(backup), source: backup };
      const restored = restoreBackup(config, source, { now, replace: options.replace === true });
      printer(command)(
        `restored the ${restored.role} of ${shortTime(restored.madeAt)} UTC into ${config.data}`,
        ...linesAfter(restored, config.file),
      );
    });
};
