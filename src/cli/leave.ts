import type { Command } from 'commander';
import { composeLeave } from '../compose.js';
import { loadConfig, nodeConfig } from '../config.js';
import { leaveNetwork } from '../node/leave.js';
import { printer, shortTime } from './print.js';

/** `mixmailer leave`: the node goes, and nothing on its way is lost. */
export const register = (program: Command): void => {
  program
    .command('leave')
    .description('tell the authorities that a node leaves the network; it runs on until nobody sends it packets')
    .requiredOption('-c, --config <file>', 'configuration of the node')
    .action(async ({ config: file }: { readonly config: string }, command: Command) => {
      const config = loadConfig(file);
      const { name } = nodeConfig(config);
      const { deps, close } = composeLeave(config);
      try {
        const { listedUntil, openedUntil } = await leaveNetwork(deps, AbortSignal.timeout(60_000));
        printer(command)(
          `${name} leaves: the authorities are told, and no new path leads over it once a list says so.`,
          `Keep it running until ${shortTime(listedUntil)} UTC: no list that is valid after that names it.`,
          ...(openedUntil > listedUntil
            ? [`Until ${shortTime(openedUntil)} UTC receipts and replies can come over it; later its keys are over.`]
            : []),
          'To stay after all: mixmailer leave --undo',
        );
      } finally {
        await close();
      }
    });
};
