import type { Command } from 'commander';
import { tellingOn } from '../adapters/terminal.js';
import type { Telling } from '../ports/talk.js';

const writeTo = (command: Command) => (text: string) => command.configureOutput().writeErr?.(text);

/** Says on standard error what is under way, so that what was found, on standard output, can be piped. */
export const progressOf = (command: Command): Telling['during'] =>
  tellingOn({
    write: writeTo(command),
    look: process.stderr.isTTY ? 'live' : 'plain',
    hasColors: false,
    columns: undefined,
  }).during;

/** The same for a calculation, during which no seconds can be shown: what is under way is said as it begins. */
export const stepsOf =
  (command: Command) =>
  <T>(what: string, calculate: () => T): T => {
    const write = writeTo(command);
    if (!process.stderr.isTTY) {
      write(`...    ${what}\n`);
      return calculate();
    }
    write(`\r...    ${what}\u001b[K`);
    try {
      return calculate();
    } finally {
      write('\r\u001b[K');
    }
  };
