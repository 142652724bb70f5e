import { Worker } from 'node:worker_threads';
import { atBytes, type Done, type Task } from './worker.js';

/** How a task ended. */
export type Ending =
  | { readonly kind: 'done'; readonly done: Done }
  /** The thread died, or came to a stand, over that input. */
  | { readonly kind: 'died'; readonly why: string; readonly input: Uint8Array; readonly inputs: number };

/** A thread that is at one input for so long will not come back. */
const standingMs = 180_000;
/** Of a thread's heap; the largest input has 128 KB, and nothing made of it has hundreds of megabytes. */
const heapMegabytes = 512;

const file = new URL('worker.js', import.meta.url);

/** Does one task after another in a thread of its own; after one that killed it, in a new one. */
const worker = (): { readonly run: (task: Task) => Promise<Ending>; readonly end: () => Promise<unknown> } => {
  const shared = new SharedArrayBuffer(atBytes);
  const numbers = new Int32Array(shared, 0, 2);
  let thread: Worker | undefined;
  const started = (): Worker =>
    (thread ??= new Worker(file, { workerData: shared, resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }));
  const run = (task: Task): Promise<Ending> =>
    new Promise((resolve) => {
      const mine = started();
      const begun = Atomics.load(numbers, 0);
      let last = -1;
      const end = (ending: Ending): void => {
        clearInterval(watch);
        mine.removeAllListeners();
        resolve(ending);
      };
      const died = (why: string): void => {
        thread = undefined;
        const input = new Uint8Array(shared.slice(8, 8 + (numbers[1] ?? 0)));
        end({ kind: 'died', why, input, inputs: Math.min(task.inputs, Atomics.load(numbers, 0) - begun) });
        void mine.terminate();
      };
      const watch = setInterval(() => {
        const at = Atomics.load(numbers, 0);
        if (at === last) died(`no answer in ${standingMs / 1000} s`);
        last = at;
      }, standingMs);
      mine.on('message', (done: Done) => end({ kind: 'done', done }));
      mine.on('error', (error: Error) => died(`the thread died: ${error.name}: ${error.message.split('\n')[0] ?? ''}`));
      mine.on('exit', (code) => died(`the thread ended with exit code ${code}`));
      mine.postMessage(task);
    });
  return { run, end: async () => thread?.terminate() };
};

/** Shares tasks out among so many threads. @param ended hears of each as it ends */
export const runAll = async (
  tasks: readonly Task[],
  threads: number,
  ended: (task: Task, ending: Ending) => void,
): Promise<void> => {
  const waiting = [...tasks];
  const turns = async (): Promise<void> => {
    const mine = worker();
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) ended(task, await mine.run(task));
    await mine.end();
  };
  await Promise.all(Array.from({ length: threads }, turns));
};
