import { exponential, type Rng } from '../base/random.js';
import { dayMs } from '../base/units.js';

/** How a network mixes: what leaves a node at a flush, and who decides how long a packet waits. */
export type Strategy =
  /**
   * Timed dynamic pool: while no more than `minimum` packets wait nothing leaves; of more, at least these stay on average.
   * `rate` is the highest probability, above 0 and at most 1, with which a packet leaves at its first flush.
   */
  | { readonly kind: 'pool'; readonly minimum: number; readonly rate: number }
  /** Each packet waits at each hop but the last as long as its sender has drawn: exponentially, this on average. */
  | { readonly kind: 'poisson'; readonly meanMs: number }
  /** Nothing leaves until so many packets wait; then all do. */
  | { readonly kind: 'threshold'; readonly count: number };

/** A sender can't park a packet at a node for longer than this. */
export const longestDelayMs = 7 * dayMs;

/** How long a packet waits in the pool of the node that makes it, before it may leave: only where senders draw delays. */
export const delayFor = (strategy: Strategy, rng: Rng): number =>
  strategy.kind === 'poisson' ? Math.min(Math.round(exponential(rng, strategy.meanMs)), longestDelayMs) : 0;

/**
 * How long a packet is to wait at each of so many hops, in whole milliseconds. The last one is 0: a packet that is at its
 * end has no field for it, and leaves with the next flush.
 *
 * Not capped but at what a node refuses: a cap near the mean biases it.
 *
 * Source: Piotrowska et al., The Loopix Anonymity System (2017), section 4.
 */
export const delaysFor = (strategy: Strategy, rng: Rng, hops: number): readonly number[] =>
  Array.from({ length: hops }, (_, hop) => (hop === hops - 1 ? 0 : delayFor(strategy, rng)));
