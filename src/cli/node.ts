import type { Command } from 'commander';
import { composeNode } from '../compose.js';
import { loadConfig, nodeConfig } from '../config.js';
import { runMixNode } from '../node/mix-node.js';
import { untilStopped } from './stop.js';

export const register = (program: Command): void => {
  program
    .command('node')
    .description('run a mix node on its mailbox')
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { readonly config: string }) => {
      const config = loadConfig(file);
      const { name, exit } = nodeConfig(config);
      const { deps, close } = composeNode(config);
      if (!deps.directory.network(deps.clock.now()).byId.has(deps.self))
        deps.log.warn('node/not-in-the-list', { message: 'nobody sends it packets; run mixmailer check' });
      try {
        await untilStopped(async (signal) => {
          process.stdout.write(
            `running ${name}${exit ? ' (exit)' : ''} on ${config.mail.address}, flush ${deps.schedule}\n`,
          );
          await runMixNode(deps, signal);
        });
      } finally {
        await close();
      }
    });
};
