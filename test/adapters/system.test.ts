import { expect, test } from 'vitest';
import { systemClock, systemRng } from '../../src/adapters/system.js';

test('the system gives as many random bytes as asked for, others each time', () => {
  expect(systemRng(0).length).toBe(0);
  expect(systemRng(100_000).length).toBe(100_000);
  expect(systemRng(32)).not.toEqual(systemRng(32));
});

test('the system tells the time in milliseconds', () => {
  const before = Date.now();
  expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  expect(systemClock.now()).toBeLessThanOrEqual(Date.now());
});
