import { parseArgs } from 'node:util';
import { type FaultKind, faultKinds } from './plan.js';
import { type Size, sizes } from './stage.js';

/** How a run was asked for. */
export interface Options {
  /** Real time in which letters are written and things go wrong. */
  readonly minutes: number;
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  readonly faults: number;
  readonly letters: number;
  readonly size: Size;
  /** How much faster the clocks of the processes run. */
  readonly factor: number;
  /** How long what is under way may take afterwards. */
  readonly drainMinutes: number;
  /** A folder for what the processes say, and their databases at the end. */
  readonly logs: string | undefined;
}

const kindsOf = (text: string): readonly FaultKind[] =>
  text
    .split(',')
    .filter((name) => name !== '' && name !== 'none')
    .map((name) => {
      const kind = faultKinds.find((known) => known === name);
      if (kind === undefined) throw new Error(`--faults: ${name} is not known; there are: ${faultKinds.join(', ')}`);
      return kind;
    });

const sizeOf = (name: string): Size => {
  const size = Object.entries<Size>(sizes).find(([known]) => known === name)?.[1];
  if (size === undefined) throw new Error(`--size: ${name} is not known; there are: ${Object.keys(sizes).join(', ')}`);
  return size;
};

/** @throws Error for what is no number, or an unknown flag, kind or size */
export const readOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '60' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      faults: { type: 'string', default: faultKinds.join(',') },
      'faults-per-minute': { type: 'string', default: '6' },
      'letters-per-minute': { type: 'string', default: '38' },
      size: { type: 'string', default: 'usual' },
      factor: { type: 'string', default: '30' },
      'drain-minutes': { type: 'string', default: '45' },
      logs: { type: 'string' },
    },
  });
  const numberOf = (
    name: 'minutes' | 'seed' | 'faults-per-minute' | 'letters-per-minute' | 'factor' | 'drain-minutes',
  ) => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name}: expected a number, got ${values[name]}`);
    return value;
  };
  const minutes = numberOf('minutes');
  return {
    minutes,
    seed: numberOf('seed'),
    kinds: kindsOf(values.faults),
    faults: numberOf('faults-per-minute') * minutes,
    letters: numberOf('letters-per-minute') * minutes,
    size: sizeOf(values.size),
    factor: numberOf('factor'),
    drainMinutes: numberOf('drain-minutes'),
    logs: values.logs,
  };
};
