import { randomFillSync } from 'node:crypto';
import type { Rng } from '../base/random.js';
import type { Clock } from '../ports/clock.js';

export const systemClock: Clock = { now: () => Date.now() };

// A call to the system's generator costs 2 us however little it gives, and a mix draws a few bytes at a time.
const drawn = new Uint8Array(4096);
const smallBytes = 64;
let left = 0;

/** The system's generator. Bytes drawn ahead are given out once and wiped where they lay. */
export const systemRng: Rng = (lengthBytes) => {
  if (lengthBytes > smallBytes) return randomFillSync(new Uint8Array(lengthBytes));
  if (left < lengthBytes) {
    randomFillSync(drawn);
    left = drawn.length;
  }
  const out = drawn.slice(left - lengthBytes, left);
  drawn.fill(0, left - lengthBytes, left);
  left -= lengthBytes;
  return out;
};
