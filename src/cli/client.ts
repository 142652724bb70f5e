import type { Command } from 'commander';
import { stderrLog } from '../adapters/stderr-log.js';
import { submissionServer } from '../adapters/submission.js';
import { systemRng } from '../adapters/system.js';
import { tokenFrom } from '../adapters/token-file.js';
import { runClient } from '../client/client.js';
import { composeClient, composeQueue } from '../compose.js';
import { clientConfig, loadConfig } from '../config.js';
import { untilStopped } from './stop.js';

export const register = (program: Command): void => {
  program
    .command('client')
    .description('run the agent that mail programs on this machine send through')
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { readonly config: string }) => {
      const config = loadConfig(file);
      const { host, port, user, tokenFile, maxMailBytes } = clientConfig(config).submission;
      const token = tokenFrom(tokenFile, systemRng);
      const { deps, close } = composeClient(config);
      const queue = composeQueue(config);
      try {
        const server = await submissionServer({
          host,
          port,
          user,
          token,
          maxMailBytes,
          accept: queue.submit,
          log: stderrLog,
        });
        try {
          await untilStopped(async (signal) => {
            process.stdout.write(
              [
                'In your mail program, as outgoing (SMTP) server:',
                `  server    ${host}`,
                `  port      ${server.port}`,
                '  security  none (it never leaves this machine)',
                `  user      ${user}`,
                `  password  ${token}`,
                '',
              ].join('\n'),
            );
            await runClient(deps, signal);
          });
        } finally {
          await server.close();
        }
      } finally {
        queue.close();
        await close();
      }
    });
};
