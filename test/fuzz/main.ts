import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fromHex, toHex } from '../../src/base/bytes.js';
import { replayed } from './engine.js';
import { type Ending, runAll } from './pool.js';
import { findingsIn, headLine, lineOf, type Row, sumLine } from './report.js';
import { targetOf } from './target.js';
import { allTargets, inputsOf } from './targets.js';
import { judged } from './verdict.js';
import type { Task } from './worker.js';

/*
 * `npm run fuzz -- [--inputs N] [--minutes M] [--seed S] [--only NAME] [--threads T] [--out FOLDER]`: gives each decoder its
 * part of the inputs, prints a table, and last `N inputs, N findings`; exit code 1 if there are findings, each of which is
 * written to a file. `--only NAME --seed S --replay CHAIN` gives one input again, `--only NAME --hex FILE` one that a file
 * holds. docs/testing.md explains.
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    threads: { type: 'string', default: '2' },
    out: { type: 'string', default: 'fuzz-findings' },
    replay: { type: 'string' },
    hex: { type: 'string' },
  },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const [seed, inputs, threads] = [values.seed, values.inputs, values.threads].map(Number) as [number, number, number];
const specs = allTargets.filter(({ name }) => values.only === undefined || name === values.only);
const [only] = specs;
if (only === undefined)
  throw new Error(`no target ${values.only ?? ''}; there are ${allTargets.map(({ name }) => name).join(', ')}`);

/** Says what comes of one input. */
const again = async (): Promise<boolean> => {
  const target = await targetOf(only);
  const input =
    values.hex === undefined
      ? replayed(target, seed, values.replay ?? '')
      : fromHex(/^hex (.*)$/m.exec(readFileSync(values.hex, 'utf8'))?.[1] ?? '?');
  if (input === undefined) throw new Error('no such input');
  print(toHex(input));
  const outcome = await judged(target, input);
  print(`${outcome.kind}: ${outcome.kind === 'finding' ? outcome.text : outcome.label} (${outcome.ms.toFixed(1)} ms)`);
  return outcome.kind !== 'finding';
};

/** Writes what was found: how to have it again, and the input in hex. */
const write = ({ target }: Task, number: number, lines: readonly string[]): void => {
  mkdirSync(values.out, { recursive: true });
  const file = join(values.out, `${target}-${seed}-${number}.txt`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  print(`  finding in ${file}: ${lines[0] ?? ''}`);
};

const report = (task: Task, ending: Ending): void => {
  print(lineOf({ task, ending }));
  if (ending.kind === 'died') {
    write(task, 0, [ending.why, `target ${task.target}`, `seed ${seed}`, `hex ${toHex(ending.input)}`]);
    return;
  }
  ending.done.found.forEach(({ key, text, chain, input, minimized }, i) =>
    write(task, i + 1, [
      text,
      `key ${key}`,
      `again npm run fuzz -- --only ${task.target} --seed ${seed} --replay ${chain}`,
      `hex ${toHex(minimized)}`,
      `whole ${toHex(input)}`,
    ]),
  );
};

const run = async (): Promise<boolean> => {
  const counts = inputsOf(specs, inputs);
  const minutes = values.minutes === undefined ? Infinity : Number(values.minutes);
  const longestMs = (60_000 * minutes * threads) / specs.length;
  const rows: Row[] = [];
  // The fast ones first: they are most of the inputs.
  const inOrder = specs.toSorted((a, b) => b.weight - a.weight);
  const tasks = inOrder.map(({ name: target }) => ({ target, seed, inputs: counts.get(target) ?? 1, longestMs }));
  print(`seed ${seed}, ${inputs} inputs, node ${process.version}`);
  print(headLine);
  await runAll(tasks, threads, (task, ending) => {
    rows.push({ task, ending });
    report(task, ending);
  });
  print(sumLine(rows));
  return findingsIn(rows) === 0;
};

const isWell = await (values.replay === undefined && values.hex === undefined ? run() : again());
process.exitCode = isWell ? 0 : 1;
