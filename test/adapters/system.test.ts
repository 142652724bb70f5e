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

test('gives no bytes twice, whatever lengths are asked for', () => {
  const seen = new Set<string>();
  const lengths = [16, 64, 65, 33, 17, 4096, 4097];
  for (let i = 0; i < 7000; i++) {
    const bytes = systemRng(lengths[i % lengths.length] ?? 16);
    expect(bytes.length).toBe(lengths[i % lengths.length]);
    seen.add(Buffer.from(bytes.subarray(0, 16)).toString('hex'));
  }
  expect(seen.size).toBe(7000);
});
