import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { register as descriptor } from '../../src/cli/descriptor.js';
import { register as keygen } from '../../src/cli/keygen.js';
import { register as network } from '../../src/cli/network.js';
import { register as queue } from '../../src/cli/queue.js';

// Beside this file when it is compiled; in dist/ when a test runner runs it from its source.
const compiled = new URL('../../src/main.js', import.meta.url);
const main = fileURLToPath(existsSync(compiled) ? compiled : new URL('../../dist/src/main.js', import.meta.url));

/** Runs one `mixmailer` command to its end. @returns what it printed on standard output */
export const mixmailer = async (...args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let trouble = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (trouble += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`mixmailer ${args.join(' ')} ended with ${String(code)}: ${trouble || out}`);
  return out;
};

/**
 * The same in this process, for what is asked again and again or of every node: to start a process takes most of a second of
 * computing, the command itself some milliseconds.
 */
export const mixmailerHere = async (...args: readonly string[]): Promise<string> => {
  let out = '';
  const program = new Command('mixmailer')
    .exitOverride()
    .configureOutput({ writeOut: (text) => void (out += text), writeErr: () => undefined });
  for (const register of [keygen, descriptor, network, queue]) register(program);
  await program.parseAsync(args, { from: 'user' });
  return out;
};

/** How a process ended: one of the two is not null. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process ended that was to go on. */
export class ProcessEnded extends Error {
  readonly ended: Ended;

  constructor(message: string, ended: Ended) {
    super(message);
    this.ended = ended;
  }
}

/** A `mixmailer` process that keeps running. */
export class Running {
  readonly name: string;
  readonly #child: ChildProcess;
  #out = '';
  #trouble = '';
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<Ended>;

  /** @param what its name; and which program it is, if not the one that was built */
  constructor(what: string | { readonly name: string; readonly program: string }, ...args: readonly string[]) {
    const { name, program } = typeof what === 'string' ? { name: what, program: main } : what;
    this.name = name;
    this.#child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#trouble += text));
    this.ended = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve({ code, signal })));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Everything it has said on standard error. */
  get log(): string {
    return this.#trouble;
  }

  /** Everything it has said. */
  get said(): string {
    return `${this.#out}${this.#trouble}`;
  }

  /** Resolves with the match when its standard output matches; rejects when it ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#out);
      if (found !== null) return found;
      const { exitCode: code, signalCode: signal } = this.#child;
      if (code !== null || signal !== null)
        throw new ProcessEnded(`${this.name} ended: ${this.#trouble || this.#out}`, { code, signal });
      const stdout = this.#child.stdout;
      if (stdout === null) throw new Error(`${this.name} has no output`);
      await Promise.race([once(stdout, 'data'), once(this.#child, 'close')]);
    }
  }

  async #gone(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#gone();
  }

  /** As a power cut does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone();
  }
}
