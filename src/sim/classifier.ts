import { Bug } from '../base/errors.js';
import { shuffled } from '../base/random.js';
import type { Rng } from '../base/random.js';

/** Something that is of the one kind or the other, and what is known of it. */
export interface Sample {
  readonly isFirst: boolean;
  /** The same number of them for every sample. */
  readonly features: readonly number[];
}

/** Higher for what looks like the first kind; the logarithm of the odds. */
export type Classifier = (features: readonly number[]) => number;

/**
 * How well two kinds can be told apart: the chance that of one of each kind the first is recognized. 0.5 is guessing, 1
 * is certainty. `low` and `high` hold the true value with 95 % confidence.
 */
export interface Separation {
  readonly auc: number;
  readonly low: number;
  readonly high: number;
}

/** Weight of the penalty on large weights (ridge): as much as this many samples. */
const ridge = 3;
const mostSteps = 25;
const enough = 1e-6;

/**
 * Solves a symmetric positive definite system by Cholesky's way; both arguments are overwritten.
 *
 * @param matrix by rows, of which the lower triangle is read
 */
const solve = (matrix: readonly Float64Array[], right: Float64Array): Float64Array => {
  const at = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  matrix.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      row[j] = i === j ? Math.sqrt(sum) : sum / at(j, j);
    }
  });
  for (let i = 0; i < right.length; i++) {
    let sum = right[i] ?? 0;
    for (let k = 0; k < i; k++) sum -= at(i, k) * (right[k] ?? 0);
    right[i] = sum / at(i, i);
  }
  for (let i = right.length - 1; i >= 0; i--) {
    let sum = right[i] ?? 0;
    for (let k = i + 1; k < right.length; k++) sum -= at(k, i) * (right[k] ?? 0);
    right[i] = sum / at(i, i);
  }
  return right;
};

/** Farther from the mean than this many deviations nothing counts more: one odd day shall not decide. */
const mostDeviations = 4;

/** Brings features to mean 0 and deviation 1 as they have it in the samples, and adds a constant. */
const scalerOf = (samples: readonly Sample[]): ((features: readonly number[]) => Float64Array) => {
  const width = samples[0]?.features.length ?? 0;
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (const { features } of samples)
    features.forEach((value, i) => {
      means[i] = (means[i] ?? 0) + value / samples.length;
      squares[i] = (squares[i] ?? 0) + value ** 2 / samples.length;
    });
  const spreads = squares.map((square, i) => Math.sqrt(Math.max(0, square - (means[i] ?? 0) ** 2)));
  return (features) => {
    const scaled = new Float64Array(width + 1);
    features.forEach((value, i) => {
      const [mean = 0, spread = 0] = [means[i], spreads[i]];
      // What hardly varies beside its own size is rounding.
      const off = spread <= 1e-9 * Math.abs(mean) ? 0 : (value - mean) / spread;
      scaled[i] = Math.min(mostDeviations, Math.max(-mostDeviations, off));
    });
    scaled[width] = 1;
    return scaled;
  };
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/**
 * Learns to tell the two kinds apart: logistic regression with a ridge penalty, by Newton's steps.
 *
 * The weakest classifier that finds whatever shifts a feature; what only shows in how features go together it misses.
 */
export const learn = (samples: readonly Sample[]): Classifier => {
  const scale = scalerOf(samples);
  const rows = samples.map(({ features }) => scale(features));
  const width = rows[0]?.length ?? 0;
  const weights = new Float64Array(width);
  for (let step = 0; step < mostSteps; step++) {
    const slope = weights.map((weight, i) => (i === width - 1 ? 0 : -ridge * weight));
    const curve = Array.from({ length: width }, (_, i) => {
      const row = new Float64Array(width);
      row[i] = i === width - 1 ? enough : ridge;
      return row;
    });
    rows.forEach((row, n) => {
      const chance = 1 / (1 + Math.exp(-dot(row, weights)));
      const miss = (samples[n]?.isFirst === true ? 1 : 0) - chance;
      const weight = chance * (1 - chance);
      for (let i = 0; i < width; i++) {
        const value = row[i] as number;
        (slope[i] as number) += miss * value;
        const line = curve[i] as Float64Array;
        for (let j = 0; j <= i; j++) (line[j] as number) += weight * value * (row[j] as number);
      }
    });
    const change = solve(curve, slope);
    change.forEach((by, i) => (weights[i] = (weights[i] as number) + by));
    if (Math.max(...change.map(Math.abs)) < enough) break;
  }
  return (features) => dot(scale(features), weights);
};

/** Chance that a score of the first kind is higher than one of the second; equal ones count half. */
const areaUnder = (first: readonly number[], second: readonly number[]): number => {
  const all = [
    ...first.map((score) => ({ score, isFirst: true })),
    ...second.map((score) => ({ score, isFirst: false })),
  ];
  all.sort((a, b) => a.score - b.score);
  let [area, lower, at] = [0, 0, 0];
  while (at < all.length) {
    let [firsts, seconds] = [0, 0];
    const { score } = all[at] ?? { score: NaN };
    for (; all[at]?.score === score; at++)
      if (all[at]?.isFirst === true) firsts++;
      else seconds++;
    area += firsts * (lower + seconds / 2);
    lower += seconds;
  }
  return area / (first.length * second.length);
};

/** Standard error of an area under the curve (Hanley and McNeil 1982). */
const errorOf = (auc: number, first: number, second: number): number => {
  const [one, two] = [auc / (2 - auc), (2 * auc ** 2) / (1 + auc)];
  const variance = auc * (1 - auc) + (first - 1) * (one - auc ** 2) + (second - 1) * (two - auc ** 2);
  return Math.sqrt(variance / (first * second));
};

const folds = 10;
/**
 * What the tenths have learned from is mostly the same, so their areas err together: over 120 trials with two kinds that
 * were the same, the area's deviation was 1.25 to 1.5 times the standard error of scores that are independent.
 */
const errTogether = 1.5;

/**
 * How well a classifier that has learned from some samples tells the others apart (tenfold cross-validation). The area
 * under the curve is reckoned within each tenth, because scores of classifiers that learned from others can't be compared,
 * and averaged: two kinds that are the same give 0.5 on average, not less.
 *
 * @param samples at least ten of each kind
 */
export const crossValidate = (samples: readonly Sample[], rng: Rng): Separation => {
  const kinds = [true, false].map((isFirst) =>
    shuffled(
      rng,
      samples.filter((sample) => sample.isFirst === isFirst),
    ),
  );
  const [first = [], second = []] = kinds;
  if (first.length < folds || second.length < folds)
    throw new Bug('a tenth of the samples has to hold one of each kind');
  let area = 0;
  for (let fold = 0; fold < folds; fold++) {
    const isHeld = (_: Sample, i: number): boolean => i % folds === fold;
    const scoreOf = learn(kinds.flatMap((kind) => kind.filter((sample, i) => !isHeld(sample, i))));
    const scores = (kind: readonly Sample[]): number[] => kind.filter(isHeld).map(({ features }) => scoreOf(features));
    area += areaUnder(scores(first), scores(second));
  }
  const auc = area / folds;
  const margin = 1.96 * errTogether * errorOf(auc, first.length, second.length);
  return { auc, low: Math.max(0, auc - margin), high: Math.min(1, auc + margin) };
};
