#!/usr/bin/env node
import { Command } from 'commander';
import { ConfigError, MailError, RouteError, StoreError } from './base/errors.js';
import { version } from './version.js';

// Loaded when asked for: what a node needs takes half a second, and `sendmail` runs at every mail.
const commands: ReadonlyMap<string, () => Promise<{ readonly register: (program: Command) => void }>> = new Map(
  Object.entries({
    init: () => import('./cli/init.js'),
    keygen: () => import('./cli/keygen.js'),
    keys: () => import('./cli/keys.js'),
    descriptor: () => import('./cli/descriptor.js'),
    network: () => import('./cli/network.js'),
    check: () => import('./cli/check.js'),
    doctor: () => import('./cli/doctor.js'),
    node: () => import('./cli/node.js'),
    health: () => import('./cli/health.js'),
    backup: async () => ({ register: (await import('./cli/backup.js')).registerBackup }),
    restore: async () => ({ register: (await import('./cli/backup.js')).registerRestore }),
    leave: () => import('./cli/leave.js'),
    authority: () => import('./cli/authority.js'),
    client: () => import('./cli/client.js'),
    sendmail: () => import('./cli/sendmail.js'),
    queue: () => import('./cli/queue.js'),
    simulate: () => import('./cli/simulate.js'),
  }),
);

const program = new Command('mixmailer')
  .description('A mix network carried by ordinary e-mail.')
  .version(version)
  // What stands behind a command is the command's: `sendmail -V` is no question for our version.
  .enablePositionalOptions();
const wanted = commands.get(process.argv[2] ?? '');
for (const load of wanted === undefined ? commands.values() : [wanted]) (await load()).register(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof ConfigError) {
    process.stderr.write(`mixmailer: ${error.message}\n`);
    process.exitCode = 78;
  } else if (error instanceof RouteError || error instanceof StoreError || error instanceof MailError) {
    process.stderr.write(`mixmailer: ${error.message}\n`);
    process.exitCode = 75;
  } else throw error;
}
