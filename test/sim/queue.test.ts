import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventQueue } from '../../src/sim/queue.js';

it('gives what is due in the order of time, and what is due at one time in the order it came', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (times) => {
      const queue = new EventQueue<{ at: number; order: number }>();
      times.forEach((at, order) => queue.add(at, { at, order }));
      const taken = [];
      while (queue.size > 0) {
        taken.push(queue.take());
      }
      const expected = times.map((at, order) => ({ at, order })).sort((a, b) => a.at - b.at || a.order - b.order);
      expect(taken).toEqual(expected);
      expect(queue.take()).toBeUndefined();
      expect(queue.nextAt).toBe(Infinity);
    }),
  );
});
