import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { defaultEpochRule, epochAt, epochSpan, mixKeyAt } from '../../src/route/epoch.js';
import { nodeAt, now, plainMixKey } from './nodes.js';

describe('an epoch', () => {
  it('lasts a week, and its keys are destroyed a week later', () => {
    const { notBefore, notAfter, expiresAt } = epochSpan(defaultEpochRule, epochAt(defaultEpochRule, now));
    expect([notAfter - notBefore, expiresAt - notAfter]).toEqual([7 * dayMs, 7 * dayMs]);
  });

  it('of any moment is the one whose span holds it, and spans follow one another without gap', () => {
    fc.assert(
      fc.property(fc.nat(4e12), fc.integer({ min: 1, max: 90 * dayMs }), (at, lengthMs) => {
        const rule = { lengthMs, graceMs: 5 };
        const epoch = epochAt(rule, at);
        const span = epochSpan(rule, epoch);
        expect(span.notBefore).toBeLessThanOrEqual(at);
        expect(at).toBeLessThan(span.notAfter);
        expect(epochSpan(rule, epoch + 1).notBefore).toBe(span.notAfter);
        expect(epochAt(rule, span.notAfter)).toBe(epoch + 1);
      }),
    );
  });
});

describe('the mix key to use', () => {
  const key = (notBefore: number, notAfter: number) => ({
    publicKey: plainMixKey(),
    notBefore,
    notAfter,
    expiresAt: notAfter,
  });
  const node = (...mixKeys: ReturnType<typeof key>[]) => ({ ...nodeAt('a.example', 'a'), mixKeys });

  it('is the one of the running epoch, from its first moment until the first of the next', () => {
    const [first, second] = [key(0, 100), key(100, 200)];
    const descriptor = node(first, second);
    expect(mixKeyAt(descriptor, 0)).toBe(first);
    expect(mixKeyAt(descriptor, 99)).toBe(first);
    expect(mixKeyAt(descriptor, 100)).toBe(second);
    expect(mixKeyAt(descriptor, 200)).toBeUndefined();
    expect(mixKeyAt(descriptor, -1)).toBeUndefined();
  });

  it('is the younger one where two are valid', () => {
    const [old, young] = [key(0, 100), key(50, 100)];
    expect(mixKeyAt(node(young, old), 60)).toBe(young);
    expect(mixKeyAt(node(old, young), 60)).toBe(young);
    expect(mixKeyAt(node(old, young), 49)).toBe(old);
  });
});
