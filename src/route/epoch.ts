import type { Descriptor, MixKeyOffer } from './descriptor.js';
import { dayMs } from '../base/units.js';

/** How long a mix key lives. Epochs are counted from 1970 on, so that all nodes change keys together. */
export interface EpochRule {
  /** Milliseconds in which senders use a key. */
  readonly lengthMs: number;
  /** Milliseconds in which a node still unwraps with it afterwards: for slow mail and reply blocks. */
  readonly graceMs: number;
}

export const defaultEpochRule: EpochRule = { lengthMs: 7 * dayMs, graceMs: 7 * dayMs };

export interface EpochSpan {
  readonly notBefore: number;
  /** The first moment of the next epoch. */
  readonly notAfter: number;
  /** `notAfter` plus the grace period; then key and replay tags are destroyed. */
  readonly expiresAt: number;
}

/** The number of the epoch that moment is in. */
export const epochAt = (rule: EpochRule, at: number): number => Math.floor(at / rule.lengthMs);

/** The span of epoch `epoch`. */
export const epochSpan = (rule: EpochRule, epoch: number): EpochSpan => {
  const notBefore = epoch * rule.lengthMs;
  const notAfter = notBefore + rule.lengthMs;
  return { notBefore, notAfter, expiresAt: notAfter + rule.graceMs };
};

/**
 * The key senders use for that node at that moment: of those valid then the one that began last, so that a node can
 * replace a key before its end. Undefined if the node has none, and then it can't be on a path.
 */
export const mixKeyAt = (descriptor: Descriptor, at: number): MixKeyOffer | undefined => {
  let found: MixKeyOffer | undefined;
  for (const key of descriptor.mixKeys)
    if (key.notBefore <= at && at < key.notAfter && (found === undefined || key.notBefore > found.notBefore))
      found = key;
  return found;
};
