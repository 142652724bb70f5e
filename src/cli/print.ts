import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ConfigError } from '../base/errors.js';

/** Writes lines where the program's output goes. */
export const printer =
  (command: Command) =>
  (...lines: readonly string[]): void =>
    command.configureOutput().writeOut?.(`${lines.join('\n')}\n`);

/** A text file named on the command line. @throws ConfigError when it can't be read */
export const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError(`${path}: can't be read (${code})`);
  }
};

/** Rows as columns of equal width, two spaces apart. */
export const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

/** `2026-11-22 00:00` in UTC. */
export const shortTime = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
