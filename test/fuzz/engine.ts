import { diceOf } from './dice.js';
import type { Coverage } from './coverage.js';
import { type Material, mutated } from './mutate.js';
import { bytesOf, type Target } from './target.js';
import { judged, type Outcome } from './verdict.js';

/** How long and with what one target is fuzzed. */
export interface Round {
  readonly seed: number;
  readonly inputs: number;
  /** Epoch of `performance.now`, in ms, at which it ends all the same. */
  readonly until: number;
  readonly coverage: Coverage | undefined;
  /** Told before each input is run, for who has to say on which one everything came to a stand. */
  readonly before: (input: Uint8Array) => void;
}

/** The first input that showed something, and how to have it again. */
export interface Found {
  readonly key: string;
  readonly text: string;
  /** A sample, and the indexes of the mutations it went through, with dots between. */
  readonly chain: string;
  readonly input: Uint8Array;
}

export interface Result {
  readonly inputs: number;
  readonly values: number;
  /** How often each word of an outcome came: of values, and codes of errors. */
  readonly labels: ReadonlyMap<string, number>;
  /** Inputs that reached new code, and were mutated further. */
  readonly kept: number;
  readonly slowestMs: number;
  readonly tookMs: number;
  readonly found: readonly Found[];
}

interface Entry {
  readonly chain: string;
  readonly input: Uint8Array;
}

/** One look at what code ran costs as much as some hundred inputs of a fast decoder; where nothing is new, looks get rare. */
const batchInputs = { least: 128, most: 1024 } as const;
/** Inputs of a batch are kept until the look, and run again if it shows something: large ones take long. */
const batchBytes = 1024 * 1024;
/** New inputs are mutated from those that reached new code so often, of 100. */
const grownPercent = 60;
const streams = { choice: 1, mutation: 2 } as const;

const commonTokens = [
  ...['\r\n', '\n\n', '\r\n.\r\n', '\r', '\0', ' ', '\t', '.', '..', '%00', '%', '\\', '"', '=', '-', '--', '+'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'undefined', 'null', 'NaN', 'Infinity'],
  // UTF-8: a line separator, a smile, a half of a pair, an overlong slash, a byte order mark; Latin letters.
  ...['\xe2\x80\xa8', '\xf0\x9f\x98\x80', '\xed\xa0\x80', '\xc0\xaf', '\xef\xbb\xbf', '\xe4\xf6', '\xc4\xb0'],
];

const materialOf = ({ samples, tokens, longestBytes }: Target): Material => ({
  samples,
  tokens: [...commonTokens, ...tokens, ...tokens].map(bytesOf),
  longestBytes,
});

const next = (
  target: Target,
  material: Material,
  { seed, index, parent }: { seed: number; index: number; parent: Entry },
): Entry => ({
  chain: `${parent.chain}.${index}`,
  input: mutated(parent.input, diceOf(seed, index, streams.mutation), material),
});

/**
 * The input of that chain.
 *
 * @returns undefined if it is none of this target
 */
export const replayed = (target: Target, seed: number, chain: string): Uint8Array | undefined => {
  const [sample = NaN, ...indexes] = chain.split('.').map(Number);
  const input = target.samples[sample];
  if (input === undefined) return undefined;
  const material = materialOf(target);
  let entry: Entry = { chain: String(sample), input };
  for (const index of indexes) entry = next(target, material, { seed, index, parent: entry });
  return entry.input;
};

/** Counts outcomes. */
class Tally {
  inputs = 0;
  values = 0;
  slowestMs = 0;
  readonly labels = new Map<string, number>();
  readonly found = new Map<string, Found>();
  add({ chain, input }: Entry, outcome: Outcome): void {
    this.inputs++;
    this.slowestMs = Math.max(this.slowestMs, outcome.ms);
    if (outcome.kind === 'finding') {
      const { key, text } = outcome;
      if (!this.found.has(key)) this.found.set(key, { key, text, chain, input });
      return;
    }
    if (outcome.kind === 'value') this.values++;
    this.labels.set(outcome.label, (this.labels.get(outcome.label) ?? 0) + 1);
  }
}

/** Those of these inputs that ran code which none before them ran, found by halves. They are run once more for it. */
const thoseNew = async (
  entries: readonly Entry[],
  coverage: Coverage,
  rerun: (entry: Entry) => Promise<unknown>,
): Promise<readonly Entry[]> => {
  for (const entry of entries) await rerun(entry);
  const ran = coverage.take();
  if (!coverage.isNew(ran)) return [];
  if (entries.length > 1) {
    const half = entries.length >> 1;
    return [
      ...(await thoseNew(entries.slice(0, half), coverage, rerun)),
      ...(await thoseNew(entries.slice(half), coverage, rerun)),
    ];
  }
  coverage.learn(ran);
  return entries;
};

/**
 * Gives a decoder its samples, and then mutations of them and of inputs that reached new code, as many as asked for. The
 * same seed gives the same inputs, as far as V8 counts alike; each one comes again from its chain, whatever V8 counts.
 */
export const fuzz = async (target: Target, round: Round): Promise<Result> => {
  const { seed, inputs, until, coverage, before } = round;
  const begunAt = performance.now();
  const material = materialOf(target);
  const samples = target.samples.map((input, i): Entry => ({ chain: String(i), input }));
  const grown: Entry[] = [];
  const tally = new Tally();
  const run = async (entry: Entry): Promise<void> => {
    before(entry.input);
    tally.add(entry, await judged(target, entry.input));
  };
  const rerun = ({ input }: Entry): Promise<unknown> => {
    before(input);
    return judged(target, input);
  };
  for (const entry of samples) await run(entry);
  coverage?.learn(coverage.take());
  let size: number = batchInputs.least;
  while (tally.inputs < inputs && performance.now() < until) {
    const batch: Entry[] = [];
    let bytes = 0;
    const most = Math.min(size, inputs - tally.inputs);
    while (batch.length < most && bytes < batchBytes && performance.now() < until) {
      const index = tally.inputs;
      const dice = diceOf(seed, index, streams.choice);
      const parent = dice.of(grown.length > 0 && dice.below(100) < grownPercent ? grown : samples);
      const entry = next(target, material, { seed, index, parent });
      batch.push(entry);
      bytes += entry.input.length;
      await run(entry);
    }
    size = Math.min(batchInputs.most, 2 * size);
    const ran = coverage?.take();
    if (coverage === undefined || ran === undefined || !coverage.isNew(ran)) continue;
    size = batchInputs.least;
    grown.push(...(await thoseNew(batch, coverage, rerun)));
    // What only runs at times, such as the filling of a cache, is not looked for again.
    coverage.learn(ran);
  }
  const { values, labels, slowestMs, found } = tally;
  return {
    inputs: tally.inputs,
    values,
    labels,
    kept: grown.length,
    slowestMs,
    tookMs: performance.now() - begunAt,
    found: [...found.values()],
  };
};
