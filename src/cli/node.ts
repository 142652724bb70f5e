import type { Command } from 'commander';
import { composeNode } from '../compose.js';
import { nodeConfig } from '../config.js';
import { networkAt } from '../follow/network-at.js';
import { runMixNode } from '../node/mix-node.js';
import { loadAndJoin } from './join.js';
import { untilStopped, watched } from './stop.js';

export const register = (program: Command): void => {
  program
    .command('node')
    .description('run a mix node on its mailbox')
    .requiredOption('-c, --config <file>', 'configuration file')
    .option('--join <invitation>', 'join the network of this invitation; kept for the next start')
    .action(async ({ config: file, join }: { readonly config: string; readonly join?: string }) => {
      const config = loadAndJoin(file, join);
      const { name, exit } = nodeConfig(config);
      const { deps, close } = composeNode(config);
      const network = networkAt(deps.directory, deps.clock.now());
      const isListed = network?.byId.has(deps.self) === true;
      if (!isListed && deps.following === undefined)
        deps.log.warn('node/not-in-the-list', { message: 'nobody sends it packets; run mixmailer check' });
      const schedule =
        network === undefined
          ? 'waiting for the first list of nodes, which comes by mail'
          : `flush ${network.parameters.mixSchedule}${isListed ? '' : ', waiting to be in the list'}`;
      const told = watched('node', config.data);
      await untilStopped({
        ...told,
        close,
        work: async (signal) => {
          process.stdout.write(`running ${name}${exit ? ' (exit)' : ''} on ${config.mail.address}, ${schedule}\n`);
          await runMixNode(deps, signal, told.vitals);
        },
      });
    });
};
