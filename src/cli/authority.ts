import type { Command } from 'commander';
import { stderrLog } from '../adapters/stderr-log.js';
import { composeAuthority } from '../compose-authority.js';
import { bookFor, keepingAuthority } from '../compose-status.js';
import { authorityConfig, loadConfig } from '../config.js';
import { secondMs } from '../base/units.js';
import { runAuthority } from '../directory/authority.js';
import { statusPage, untilStopped, watched } from './stop.js';

export const register = (program: Command): void => {
  program
    .command('authority')
    .description('run a directory authority on its mailbox')
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { readonly config: string }) => {
      const config = loadConfig(file);
      const { periodMs, peers } = authorityConfig(config);
      const book = bookFor(config);
      const { deps, close } = composeAuthority(config, book?.log(stderrLog));
      const page = await statusPage(config, book, {
        role: 'authority',
        keeping: keepingAuthority(config, deps),
        close,
      });
      const told = watched('authority', config.data, page);
      await untilStopped({
        ...told,
        close: async () => {
          await page?.close();
          await close();
        },
        work: async (signal) => {
          const running = `running an authority on ${config.mail.address}, beside ${peers.length} configured; a list every ${periodMs / secondMs} s`;
          process.stdout.write(`${[running, ...(page?.lines ?? [])].join('\n')}\n`);
          await runAuthority(deps, signal, told.vitals);
        },
      });
    });
};
