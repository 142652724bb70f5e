import type { Command } from 'commander';
import { parseMail } from '../adapters/mime.js';
import { ConfigError, RouteError, StoreError, SubmissionError } from '../base/errors.js';
import { readSendmailArguments, untilDotLine } from '../client/sendmail.js';
import { composeQueue } from '../compose.js';
import { clientConfig, loadConfig } from '../config.js';
import { usualConfig } from './config-option.js';

// sysexits.h, which mail programs read.
const exitCodes = { usage: 64, data: 65, temporary: 75, config: 78 } as const;

const readInput = async (mostBytes: number): Promise<Uint8Array> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) {
      throw new SubmissionError('submission/too-large', `Mails here may have at most ${mostBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};

const send = async (args: readonly string[]): Promise<void> => {
  const read = readSendmailArguments(args);
  if (read.kind === 'usage') {
    process.stderr.write(`mixmailer sendmail: ${read.what}\n`);
    process.exitCode = exitCodes.usage;
    return;
  }
  const { request } = read;
  const config = loadConfig(request.configFile ?? usualConfig('client'));
  const input = await readInput(clientConfig(config).submission.maxMailBytes);
  const raw = request.dotsAreText ? input : untilDotLine(input);
  const inHeader = request.recipientsFromHeader ? (await parseMail(raw)).recipients : [];
  const queue = composeQueue(config);
  try {
    await queue.submit({ recipients: [...request.recipients, ...inHeader], raw });
  } finally {
    queue.close();
  }
};

const codeFor = (error: unknown): number | undefined => {
  if (error instanceof SubmissionError) return exitCodes.data;
  if (error instanceof RouteError || error instanceof StoreError) return exitCodes.temporary;
  return error instanceof ConfigError ? exitCodes.config : undefined;
};

export const register = (program: Command): void => {
  program
    .command('sendmail')
    .description('take a mail from standard input into the queue, with the flags of sendmail (-t -i -f ... recipients)')
    .helpOption(false)
    .addHelpText(
      'after',
      `
-t takes recipients from To, Cc and Bcc; -i and -oi let a line with a single dot be text; -C FILE names the configuration, where it is not the
client.toml that init wrote. Other flags of sendmail for handing a mail in say nothing here: the sender is the client's own account.`,
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
    .argument('[arguments...]')
    .action(async (args: readonly string[], _options: object, command: Command) => {
      if (args.length === 1 && args[0] === '--help') {
        command.outputHelp();
        return;
      }
      try {
        await send(args);
      } catch (error) {
        const code = codeFor(error);
        if (code === undefined || !(error instanceof Error)) throw error;
        process.stderr.write(`mixmailer sendmail: ${error.message}\n`);
        process.exitCode = code;
      }
    });
};
