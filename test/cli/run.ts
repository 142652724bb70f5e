import { Command, CommanderError } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** What a command printed, and how it ended; errors other than commander's come through as rejections. */
export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export const run = async (register: (program: Command) => void, ...argv: readonly string[]): Promise<Ran> => {
  let out = '';
  let err = '';
  const program = new Command('mixmailer')
    .exitOverride()
    .configureOutput({ writeOut: (text) => void (out += text), writeErr: (text) => void (err += text) });
  register(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return { exitCode: 0, out, err };
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode, out, err };
    throw error;
  }
};

/** A folder of its own for a test file, gone at the end. */
export const testFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'mixmailer-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
};

/** The configuration of a node, written; each has a data folder of its own. */
export const writeNodeConfig = (folder: string, name: string, more = ''): string => {
  const file = join(folder, `${name}.toml`);
  writeFileSync(
    file,
    `data = "data-${name}"
[mail]
address = "mix@${name}.example"
[mail.imap]
host = "imap.${name}.example"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.${name}.example"
[node]
name = "${name}"
exit = true
${more}`,
  );
  return file;
};
