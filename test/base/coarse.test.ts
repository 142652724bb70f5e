import { describe, expect, it } from 'vitest';
import { coarseAt, coarseCount, toOneDigit } from '../../src/base/coarse.js';

describe('what is told of a process', () => {
  it('is no count below ten, and one digit of others, rounded down', () => {
    expect([0, 1, 9, 10, 11, 19, 20, 99, 100, 199, 54_321].map(coarseCount)).toEqual([
      0, 0, 0, 10, 10, 10, 20, 90, 100, 100, 50_000,
    ]);
    for (let count = 0; count < 2000; count++) expect(coarseCount(count)).toBeLessThanOrEqual(count);
  });

  it('changes for few packets only: most of them are not seen', () => {
    const changes = Array.from({ length: 1000 }, (_, count) => coarseCount(count) !== coarseCount(count + 1));
    expect(changes.filter(Boolean)).toHaveLength(19);
  });

  it('is a time of ten minutes', () => {
    expect(new Date(coarseAt(Date.UTC(2026, 0, 15, 12, 39, 59, 999))).toISOString()).toBe('2026-01-15T12:30:00.000Z');
  });

  it('is rounded as is asked for', () => {
    expect([toOneDigit(0.4, Math.round), toOneDigit(0.6, Math.round), toOneDigit(0, Math.floor)]).toEqual([0, 1, 0]);
    expect([toOneDigit(149, Math.round), toOneDigit(150, Math.round), toOneDigit(199, Math.floor)]).toEqual([
      100, 200, 100,
    ]);
  });
});
