import type { Command } from 'commander';
import { stderrLog } from '../adapters/stderr-log.js';
import { bookFor, keepingNode } from '../compose-status.js';
import { composeNode } from '../compose.js';
import { nodeConfig } from '../config.js';
import { networkAt } from '../follow/network-at.js';
import { runMixNode } from '../node/mix-node.js';
import { withConfig } from './config-option.js';
import { loadAndJoin } from './join.js';
import { statusPage, untilStopped, watched } from './stop.js';

export const register = (program: Command): void => {
  withConfig(program.command('node').description('run a mix node on its mailbox'), 'configuration file', 'node')
    .option('--join <invitation>', 'join the network of this invitation; kept for the next start')
    .action(async ({ config: file, join }: { readonly config: string; readonly join?: string }) => {
      const config = loadAndJoin(file, join);
      const { name, exit } = nodeConfig(config);
      const book = bookFor(config);
      const { deps, close } = composeNode(config, book?.log(stderrLog));
      const network = networkAt(deps.directory, deps.clock.now());
      const isListed = network?.byId.has(deps.self) === true;
      if (!isListed && deps.following === undefined)
        deps.log.warn('node/not-in-the-list', { message: 'nobody sends it packets; run mixmailer check' });
      const schedule =
        network === undefined
          ? 'waiting for the first list of nodes, which comes by mail'
          : `flush ${network.parameters.mixSchedule}${isListed ? '' : ', waiting to be in the list'}`;
      const page = await statusPage(config, book, { role: 'node', keeping: keepingNode(config, deps), close });
      const told = watched('node', config.data, page);
      const loopCameHome = book && ((tookMs: number) => book.loopCameHome(tookMs));
      await untilStopped({
        ...told,
        close: async () => {
          await page?.close();
          await close();
        },
        work: async (signal) => {
          const running = `running ${name}${exit ? ' (exit)' : ''} on ${config.mail.address}, ${schedule}`;
          process.stdout.write(`${[running, ...(page?.lines ?? [])].join('\n')}\n`);
          await runMixNode({ ...deps, loopCameHome }, signal, told.vitals);
        },
      });
    });
};
