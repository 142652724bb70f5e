#!/usr/bin/env node
import { Command } from 'commander';
import { probeImap } from './adapters/imap-inbox.js';
import { probeSmtp } from './adapters/smtp-outbox.js';
import { ConfigError, MailError, RouteError, StoreError } from './base/errors.js';
import { register as check } from './cli/check.js';
import { register as client } from './cli/client.js';
import { register as descriptor } from './cli/descriptor.js';
import { register as keygen } from './cli/keygen.js';
import { register as network } from './cli/network.js';
import { register as node } from './cli/node.js';
import { register as sendmail } from './cli/sendmail.js';
import { version } from './version.js';

const program = new Command('mixmailer')
  .description('A mix network carried by ordinary e-mail.')
  .version(version)
  .showHelpAfterError('(add --help for the options)');
for (const register of [keygen, descriptor, network, node, client, sendmail]) register(program);
check(program, { imap: probeImap, smtp: probeSmtp });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof ConfigError || error instanceof RouteError) {
    process.stderr.write(`mixmailer: ${error.message}\n`);
    process.exitCode = 78;
  } else if (error instanceof StoreError || error instanceof MailError) {
    process.stderr.write(`mixmailer: ${error.message}\n`);
    process.exitCode = 75;
  } else throw error;
}
