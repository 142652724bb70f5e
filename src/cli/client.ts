import type { Command } from 'commander';
import { stderrLog } from '../adapters/stderr-log.js';
import { submissionServer } from '../adapters/submission.js';
import { systemRng } from '../adapters/system.js';
import { tokenFrom } from '../adapters/token-file.js';
import { runClient } from '../client/client.js';
import { networkAt } from '../follow/network-at.js';
import { bookFor, keepingClient } from '../compose-status.js';
import { composeClient, composeQueue } from '../compose.js';
import { clientConfig } from '../config.js';
import type { ClientConfig } from '../config.js';
import { withConfig } from './config-option.js';
import { loadAndJoin } from './join.js';
import { statusPage, untilStopped, watched } from './stop.js';

/** One line: what the user will hear of their mails. */
export const receiptsLine = (address: string, { receipts, deliverTo }: ClientConfig): string => {
  const inbox = deliverTo === undefined ? 'by `mixmailer queue` alone' : `in the inbox of ${address}`;
  const where = deliverTo?.kind === 'maildir' ? `in ${deliverTo.path}` : inbox;
  if (receipts === undefined)
    return `Receipts are off: what is lost on the way is not sent again, and nobody tells you. What could not be sent at all is told ${where}.`;
  return `Receipts are on: what is not confirmed is sent again, and what fails is told ${where}.`;
};

export const register = (program: Command): void => {
  withConfig(
    program.command('client').description('run the agent that mail programs on this machine send through'),
    'configuration file',
    'client',
  )
    .option('--join <invitation>', 'join the network of this invitation; kept for the next start')
    .action(async ({ config: file, join }: { readonly config: string; readonly join?: string }) => {
      const config = loadAndJoin(file, join);
      const client = clientConfig(config);
      const { host, port, user, tokenFile, maxMailBytes } = client.submission;
      const token = tokenFrom(tokenFile, systemRng);
      const book = bookFor(config);
      const { deps, close } = composeClient(config, book?.log(stderrLog));
      const queue = composeQueue(config);
      const release = async (): Promise<void> => {
        queue.close();
        await close();
      };
      const listen = { host, port, user, token, maxMailBytes, accept: queue.submit, log: stderrLog };
      const server = await submissionServer(listen).catch(async (error: unknown) => {
        await release();
        throw error;
      });
      const stop = async (): Promise<void> => {
        await server.close();
        await release();
      };
      const page = await statusPage(config, book, {
        role: 'client',
        keeping: keepingClient(config, deps),
        close: stop,
      });
      const told = watched('client', config.data, page);
      await untilStopped({
        ...told,
        close: async () => {
          await page?.close();
          await stop();
        },
        work: async (signal) => {
          process.stdout.write(
            [
              'In your mail program, as outgoing (SMTP) server:',
              `  server    ${host}`,
              `  port      ${server.port}`,
              '  security  none (it never leaves this machine)',
              `  user      ${user}`,
              `  password  ${token}`,
              receiptsLine(config.mail.address, client),
              ...(networkAt(deps.directory, deps.clock.now()) === undefined
                ? ['The first list of nodes is asked for by mail; until it is there, mails are refused for now.']
                : []),
              ...(page?.lines ?? []),
              '',
            ].join('\n'),
          );
          await runClient(deps, signal, told.vitals);
        },
      });
    });
};
