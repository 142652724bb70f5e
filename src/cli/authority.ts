import type { Command } from 'commander';
import { composeAuthority } from '../compose-authority.js';
import { authorityConfig, loadConfig } from '../config.js';
import { secondMs } from '../base/units.js';
import { runAuthority } from '../directory/authority.js';
import { untilStopped, watched } from './stop.js';

export const register = (program: Command): void => {
  program
    .command('authority')
    .description('run a directory authority on its mailbox')
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { readonly config: string }) => {
      const config = loadConfig(file);
      const { periodMs, peers } = authorityConfig(config);
      const { deps, close } = composeAuthority(config);
      const told = watched('authority', config.data);
      await untilStopped({
        ...told,
        close,
        work: async (signal) => {
          process.stdout.write(
            `running an authority on ${config.mail.address}, beside ${peers.length} configured; a list every ${periodMs / secondMs} s\n`,
          );
          await runAuthority(deps, signal, told.vitals);
        },
      });
    });
};
