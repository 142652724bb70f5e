#!/usr/bin/env node
import { ConfigError, MailError, RouteError, StoreError } from './base/errors.js';
import { programWith } from './cli/program.js';

const program = await programWith(process.argv[2]);

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
