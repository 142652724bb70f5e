import { parentPort, workerData } from 'node:worker_threads';
import { startCoverage } from './coverage.js';
import { type Found, fuzz } from './engine.js';
import { minimized } from './minimize.js';
import { targetOf } from './target.js';
import { allTargets } from './targets.js';

/* The thread behind main: answers each Task with one Done, and says in shared memory what it is at. */

export interface Task {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly longestMs: number;
}

/** A finding, and a shorter input that shows the same. */
export type Reported = Found & { readonly minimized: Uint8Array };

export interface Done {
  readonly inputs: number;
  readonly values: number;
  readonly labels: ReadonlyMap<string, number>;
  readonly kept: number;
  readonly slowestMs: number;
  readonly tookMs: number;
  readonly found: readonly Reported[];
}

/** What the thread is at: input number 4 | its length 4 | its bytes. */
export const atBytes = 1024 * 1024;

const port = parentPort;
if (port !== null) {
  const shared = workerData as SharedArrayBuffer;
  const [numbers, bytes] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
  const coverage = startCoverage((url) => url.includes('/dist/src/'));
  const before = (input: Uint8Array): void => {
    bytes.set(input.subarray(0, bytes.length));
    numbers[1] = Math.min(input.length, bytes.length);
    Atomics.add(numbers, 0, 1);
  };
  const work = async ({ target: name, seed, inputs, longestMs }: Task): Promise<Done> => {
    const spec = allTargets.find((one) => one.name === name);
    if (spec === undefined) throw new Error(`no target ${name}`);
    const target = await targetOf(spec);
    const result = await fuzz(target, { seed, inputs, until: performance.now() + longestMs, coverage, before });
    const found: Reported[] = [];
    for (const one of result.found)
      found.push({ ...one, minimized: await minimized(target, one.input, { key: one.key, before }) });
    return { ...result, found };
  };
  // A rejection ends this thread, and the parent hears of it.
  port.on('message', (task: Task) => void work(task).then((done) => port.postMessage(done)));
}
