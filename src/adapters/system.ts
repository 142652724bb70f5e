import { randomFillSync } from 'node:crypto';
import type { Rng } from '../base/random.js';
import type { Clock } from '../ports/clock.js';

export const systemClock: Clock = { now: () => Date.now() };

/** The operating system's generator. */
export const systemRng: Rng = (lengthBytes) => randomFillSync(new Uint8Array(lengthBytes));
