import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { switchVariable } from './switch-off.js';
import type { Switch } from './switch.js';
import { switches } from './switches.js';

/*
 * `npm run attacks:off [-- WORD]`: runs the test of each attack as the program is, and then with its countermeasure
 * switched off, or those with that word in their names. Exit code 1 unless each passes with it and, without it, fails by an assertion.
 */

/** What vitest's JSON report says, of that what is needed here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly failureMessages: readonly string[] }[];
  }[];
}

type File = Report['testResults'][number];

const folder = mkdtempSync(join(tmpdir(), 'mm-attacks-'));

const run = (argv: readonly string[], off?: string): readonly File[] => {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const env = { ...process.env, [switchVariable]: off };
  // The first failure will do.
  const bail = off === undefined ? [] : ['--bail=1'];
  spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project',
      'unit',
      '--reporter=json',
      `--outputFile=${report}`,
      ...bail,
      ...argv,
    ],
    { stdio: 'ignore', env },
  );
  try {
    return (JSON.parse(readFileSync(report, 'utf8')) as Report).testResults;
  } catch {
    return [];
  }
};

/** By an expectation, not because the file could not be read or a test took too long. */
const isAssertion = (message: string): boolean => /^(?:AssertionError|Error: Property failed)/.test(message);

const outcomeOf = (file: File | undefined): 'passes' | 'fails' | 'breaks' => {
  if (file === undefined || file.assertionResults.length === 0) return 'breaks';
  if (file.status === 'passed') return 'passes';
  const messages = file.assertionResults.flatMap(({ failureMessages }) => failureMessages);
  return messages.some(isAssertion) ? 'fails' : 'breaks';
};

const argvOf = ({ test, only }: Switch): readonly string[] => (only === undefined ? [test] : [test, '-t', only]);
const of = (files: readonly File[], { test }: Switch): File | undefined =>
  files.find(({ name }) => name.endsWith(test));

const word = process.argv[2] ?? '';
const chosen = switches.filter(({ name, test }) => name.includes(word) || test.includes(word));
const usual = new Map<string, ReturnType<typeof outcomeOf>>();
const rows = chosen.map((entry) => {
  const { name, test, what } = entry;
  const argv = argvOf(entry);
  const on = usual.get(argv.join()) ?? outcomeOf(of(run(argv), entry));
  usual.set(argv.join(), on);
  const row = [name, test.replace('test/attacks/', ''), what, on, outcomeOf(of(run(argv, name), entry))];
  process.stderr.write(`${row.join(', ')}\n`);
  return row;
});
rmSync(folder, { recursive: true });

const table = [['attack', 'test', 'countermeasure', 'with it', 'without it'], ...rows];
const widths = (table[0] ?? []).map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
for (const row of table)
  process.stdout.write(
    `${row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()}\n`,
  );
const failed = rows.filter(([, , , on, off]) => on !== 'passes' || off !== 'fails').length;
process.stdout.write(`\n${rows.length - failed} of ${rows.length} countermeasures are what their test shows\n`);
process.exitCode = failed === 0 && rows.length > 0 ? 0 : 1;
