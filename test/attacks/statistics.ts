// Chances under the assumption that there is nothing to see: how often equals look as different as this.

/** ln of the gamma function, Lanczos' approximation with g = 7, good to 13 digits for x > 0. */
const lnGamma = (x: number): number => {
  const terms = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const sum = terms.reduce((all, term, i) => all + term / (x + i), 0.9999999999998099);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
};

/** Probability that chi-square with that many degrees of freedom is at least x: the incomplete gamma function Q. */
export const chiSquareTail = (x: number, degrees: number): number => {
  const [a, half] = [degrees / 2, x / 2];
  if (degrees === 0 || half <= 0) return 1;
  if (half === Infinity) return 0;
  const front = Math.exp(a * Math.log(half) - half - lnGamma(a));
  if (half < a + 1) {
    let [term, sum] = [1 / a, 1 / a];
    for (let n = 1; term > sum * 1e-15; n++) sum += term *= half / (a + n);
    return Math.max(0, 1 - front * sum);
  }
  // Lentz's continued fraction.
  let b = half + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1, change = 0; n < 10_000 && Math.abs(change - 1) > 1e-14; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    change = c * d;
    h *= change;
  }
  return Math.min(1, front * h);
};

/** Probability that a normal deviate is at least that many standard deviations off, on either side. */
export const normalTail = (deviations: number): number => chiSquareTail(deviations ** 2, 1);

/** Below this many counts in both together, chi-square's approximation is none. */
const leastCounts = 10;

/** Chance that two sets of counts of the same things come from equal shares (chi-square); rare things count as one. */
export const sameShares = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [totalA, totalB, rareA, rareB] = [0, 0, 0, 0];
  const bins: (readonly [number, number])[] = [];
  for (let i = 0; i < a.length; i++) {
    const [inA, inB] = [a[i] ?? 0, b[i] ?? 0];
    totalA += inA;
    totalB += inB;
    if (inA + inB >= leastCounts) bins.push([inA, inB]);
    else {
      rareA += inA;
      rareB += inB;
    }
  }
  if (rareA + rareB >= leastCounts) bins.push([rareA, rareB]);
  if (totalA === 0 || totalB === 0) return 1;
  const [scaleA, scaleB] = [Math.sqrt(totalB / totalA), Math.sqrt(totalA / totalB)];
  const x = bins.reduce((sum, [inA, inB]) => sum + (scaleA * inA - scaleB * inB) ** 2 / (inA + inB), 0);
  return chiSquareTail(x, Math.max(0, bins.length - 1));
};

/** Chance that two samples come from one distribution (Kolmogorov and Smirnov); with ties rather too high. */
export const sameDistribution = (a: readonly number[], b: readonly number[]): number => {
  const [x, y] = [a, b].map((sample) => [...sample].sort((one, two) => one - two)) as [number[], number[]];
  let [i, j, farthest] = [0, 0, 0];
  while (i < x.length && j < y.length) {
    const at = Math.min(x[i] ?? 0, y[j] ?? 0);
    while (x[i] === at) i++;
    while (y[j] === at) j++;
    farthest = Math.max(farthest, Math.abs(i / x.length - j / y.length));
  }
  const root = Math.sqrt((x.length * y.length) / (x.length + y.length));
  const lambda = (root + 0.12 + 0.11 / root) * farthest;
  if (lambda < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * (k * lambda) ** 2);
  return Math.min(1, Math.max(0, sum));
};

/** Values of things of two kinds that were together in a draw. */
export interface Stratum {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/**
 * Chance that within each draw it is chance who has which value (Mantel and Haenszel): the draws may differ in how many
 * of a kind are in them and what values there are.
 */
export const sameInDraws = (draws: Iterable<Stratum>): number => {
  let [excess, variance] = [0, 0];
  for (const { a, b } of draws) {
    const all = [...a, ...b];
    if (a.length === 0 || b.length === 0) continue;
    const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
    const squares = all.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    excess += a.reduce((sum, one) => sum + one - mean, 0);
    variance += (a.length * b.length * squares) / (all.length * (all.length - 1));
  }
  return variance === 0 ? 1 : normalTail(excess / Math.sqrt(variance));
};
