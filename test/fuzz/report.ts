import type { Ending } from './pool.js';
import type { Task } from './worker.js';

export interface Row {
  readonly task: Task;
  readonly ending: Ending;
}

const widths = [20, 10, 10, 6, 9, 10] as const;
const columns = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[i] ?? 0))).join('');

export const headLine = `${columns(['target', 'inputs', 'values', 'kept', 'slowest', 'inputs/s'])}  outcomes`;

const mostOutcomes = 8;

/** The outcomes, the most frequent first. */
const outcomesOf = (labels: ReadonlyMap<string, number>): string => {
  const all = [...labels].sort(([, a], [, b]) => b - a).map(([label]) => label);
  const more = all.length - mostOutcomes;
  return `${all.length}: ${all.slice(0, mostOutcomes).join(', ')}${more > 0 ? `, ${more} more` : ''}`;
};

export const lineOf = ({ task, ending }: Row): string => {
  if (ending.kind === 'died') return `${columns([task.target, `${ending.inputs}`, '', '', '', ''])}  ${ending.why}`;
  const { inputs, values, kept, slowestMs, tookMs, labels } = ending.done;
  const perSecond = Math.round((1000 * inputs) / Math.max(1, tookMs));
  return `${columns([task.target, `${inputs}`, `${values}`, `${kept}`, `${slowestMs.toFixed(0)} ms`, `${perSecond}`])}  ${outcomesOf(labels)}`;
};

/** `N inputs, N findings`. */
export const sumLine = (rows: readonly Row[]): string => {
  const inputs = rows.reduce(
    (sum, { ending }) => sum + (ending.kind === 'done' ? ending.done.inputs : ending.inputs),
    0,
  );
  return `${inputs} inputs, ${findingsIn(rows)} findings`;
};

export const findingsIn = (rows: readonly Row[]): number =>
  rows.reduce((sum, { ending }) => sum + (ending.kind === 'done' ? ending.done.found.length : 1), 0);
