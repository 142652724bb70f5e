#!/usr/bin/env node
import { Command } from 'commander';
import { ConfigError, MailError, RouteError, StoreError } from './base/errors.js';
import { version } from './version.js';

// Loaded when asked for: what a node needs takes half a second, and `sendmail` runs at every mail.
const commands: Readonly<Record<string, () => Promise<{ readonly register: (program: Command) => void }>>> = {
  keygen: () => import('./cli/keygen.js'),
  descriptor: () => import('./cli/descriptor.js'),
  network: () => import('./cli/network.js'),
  check: () => import('./cli/check.js'),
  node: () => import('./cli/node.js'),
  client: () => import('./cli/client.js'),
  sendmail: () => import('./cli/sendmail.js'),
};

const program = new Command('mixmailer')
  .description('A mix network carried by ordinary e-mail.')
  .version(version)
  .showHelpAfterError('(add --help for the options)');
const wanted = commands[process.argv[2] ?? ''];
for (const load of wanted === undefined ? Object.values(commands) : [wanted]) (await load()).register(program);

try {
  await program.parseAsync();
} catch (error) {
  const passes =
    error instanceof StoreError ||
    error instanceof MailError ||
    // The next list may come, or the clock be set, while systemd tries again; after 78 it doesn't.
    (error instanceof RouteError && (error.code === 'route/expired' || error.code === 'route/not-yet-valid'));
  if (!passes && !(error instanceof ConfigError) && !(error instanceof RouteError)) throw error;
  process.stderr.write(`mixmailer: ${error.message}\n`);
  process.exitCode = passes ? 75 : 78;
}
