import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { refreshed } from './blocks.js';

/*
 * `npm run figures [-- WORD]`: runs the commands of docs/anonymity.md again, or those with that word in them, and writes
 * what they print into the page. Fewer than five minutes on two cores for all.
 */
const page = 'docs/anonymity.md';
const word = process.argv[2] ?? '';

const run = (command: string): string | undefined => {
  if (!command.includes(word)) return undefined;
  process.stdout.write(`${command}\n`);
  const [, ...words] = command.split(' ');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/src/main.js', ...words], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${command}: exit code ${status}\n${stderr}`);
  return stdout;
};

writeFileSync(page, refreshed(readFileSync(page, 'utf8'), run));
