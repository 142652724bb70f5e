import type { Command } from 'commander';
import { composeLeave } from '../compose-joined.js';
import { loadConfig, nodeConfig } from '../config.js';
import { leaveNetwork, stayInNetwork } from '../node/leave.js';
import { withConfig } from './config-option.js';
import { printer, shortTime } from './print.js';

/** `mixmailer leave`: the node goes, and nothing on its way is lost. */
export const register = (program: Command): void => {
  withConfig(
    program
      .command('leave')
      .description('tell the authorities that a node leaves the network; it runs on until nobody sends it packets'),
    'configuration of the node',
    'node',
  )
    .option('--undo', 'stay after all')
    .action(async ({ config: file, undo }: { readonly config: string; readonly undo?: true }, command: Command) => {
      const config = loadConfig(file);
      const { name } = nodeConfig(config);
      const { deps, close } = composeLeave(config);
      try {
        if (undo === true) {
          stayInNetwork(deps);
          printer(command)(`${name} stays, and says so to the authorities while it runs.`);
          return;
        }
        const { listedUntil, openedUntil } = await leaveNetwork(deps, AbortSignal.timeout(60_000));
        printer(command)(
          `${name} leaves: the authorities are told, and no new path leads over it once a list says so.`,
          `Keep it running until ${shortTime(listedUntil)} UTC: no list that is valid after that names it.`,
          ...(openedUntil > listedUntil
            ? [`Until ${shortTime(openedUntil)} UTC receipts and replies can come over it; later its keys are over.`]
            : []),
          `To stay after all: mixmailer leave --undo --config ${config.file}`,
        );
      } finally {
        await close();
      }
    });
};
