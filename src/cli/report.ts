import type { Command } from 'commander';
import type { Telling } from '../ports/talk.js';
import { printer } from './print.js';
import { progressOf } from './progress.js';

/** One thing that was found, with what more is to be said of it or what to do. */
interface Found {
  readonly kind: 'good' | 'note' | 'wrong';
  readonly text: string;
  readonly more: string[];
}

/** What was found, a line each; counts what has to be mended, and keeps all for programs. */
export class Report {
  readonly #command: Command;
  readonly #print: (...lines: readonly string[]) => void;
  readonly #look: 'lines' | 'json';
  readonly #found: Found[] = [];
  /** Says that this is going on, where people see it, until it has ended in whatever way. */
  readonly during: Telling['during'];
  constructor(command: Command, look: 'lines' | 'json') {
    this.#command = command;
    this.#print = printer(command);
    this.#look = look;
    this.during = progressOf(command);
  }
  get problems(): number {
    return this.#found.filter(({ kind }) => kind === 'wrong').length;
  }
  good(line: string): void {
    this.#add({ kind: 'good', text: line, more: [] }, `ok     ${line}`);
  }
  detail(line: string): void {
    this.#found.at(-1)?.more.push(line);
    this.#say(`       ${line}`);
  }
  note(line: string): void {
    this.#add({ kind: 'note', text: line, more: [] }, `note   ${line}`);
  }
  wrong(line: string, remedy: readonly string[]): void {
    const lines = [`WRONG  ${line}`, ...remedy.map((step) => `       ${step}`)];
    this.#add({ kind: 'wrong', text: line, more: [...remedy] }, ...lines);
  }
  /** Says how it ends. @throws CommanderError when there is something to mend */
  conclude(): void {
    const { problems } = this;
    const isWell = problems === 0;
    if (this.#look === 'json') this.#print(JSON.stringify({ well: isWell, findings: this.#found }, undefined, 2));
    if (!isWell) this.#command.error(this.#look === 'json' ? '' : `${problems} to mend`, { exitCode: 1 });
    this.#say('ok     all is well');
  }
  #add(found: Found, ...lines: readonly string[]): void {
    this.#found.push(found);
    this.#say(...lines);
  }
  #say(...lines: readonly string[]): void {
    if (this.#look === 'lines') this.#print(...lines);
  }
}
