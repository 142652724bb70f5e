import { Worker } from 'node:worker_threads';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { workerUnwrapper } from '../../src/adapters/unwrap-workers.js';
import { keyIdOf } from '../../src/sphinx/kem.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { measure, type Job, type Section } from './measure.js';
import { createOne, dropOne, fixture, primitivesOne, unwrapOne, type Fixture } from './packet-work.js';
import type { Order } from './packet-worker.js';

const loop =
  (on: Fixture, one: (on: Fixture) => unknown): Job['run'] =>
  (times) => {
    for (let i = 0; i < times; i++) one(on);
  };

/** Gives `times` operations to the workers in equal shares and waits for all. */
const sharedAmong =
  (workers: readonly Worker[], order: Omit<Order, 'times'>): Job['run'] =>
  (times) =>
    Promise.all(
      workers.map(
        (worker) =>
          new Promise((resolve) => {
            worker.once('message', resolve);
            worker.postMessage({ ...order, times: Math.ceil(times / workers.length) } satisfies Order);
          }),
      ),
    );

/** Packets on one thread, on workers, and against the primitives they are made of. */
export const packetBench = async (rounds: number): Promise<Section> => {
  const crypto = chooseCrypto();
  const [node, noble] = [fixture(crypto), fixture(nobleCrypto)];
  const workers = [0, 1].map(() => new Worker(new URL('./packet-worker.js', import.meta.url)));
  const pools = [workerUnwrapper(1), workerUnwrapper(2)];
  const keys = [{ keyId: keyIdOf(crypto, node.key.publicKey), seed: node.seed }];

  const onThread = [node, noble].flatMap((on): Job[] => [
    { name: `unwrap, ${on.crypto.name}`, run: loop(on, unwrapOne) },
    { name: `sum of primitives, ${on.crypto.name}`, run: loop(on, primitivesOne) },
    { name: `create over 3 hops, ${on.crypto.name}`, run: loop(on, createOne) },
    { name: `create a drop, ${on.crypto.name}`, run: loop(on, dropOne) },
  ]);
  const onWorkers = (['node', 'noble'] as const).flatMap((backend) =>
    (['unwrap', 'create'] as const).flatMap((work) =>
      [1, 2].map((count): Job => ({
        name: `${work}, ${backend}, ${count} worker${count > 1 ? 's' : ''}`,
        run: sharedAmong(workers.slice(0, count), { backend, work }),
      })),
    ),
  );
  const spinning = [1, 2].map((count): Job => ({
    name: `spin, ${count} worker${count > 1 ? 's' : ''}`,
    run: sharedAmong(workers.slice(0, count), { backend: 'node', work: 'spin' }),
  }));
  const inPools = pools.map((pool, i): Job => ({
    name: `unwrap through workerUnwrapper(${i + 1})`,
    run: (times) =>
      pool.unwrap(
        Array.from({ length: times }, () => node.packet),
        keys,
      ),
  }));

  try {
    // In long turns: a backend that has its turn after the other one runs slowly until it is compiled for itself again,
    // and what one thread leaves to collect keeps the other core busy for a while.
    const turnMs = 120;
    const threads = await measure(onThread, rounds, turnMs);
    const parallel = await measure([...onWorkers, ...spinning, ...inPools], rounds, turnMs);
    const nativeMlKem = crypto.mlKemSecret !== nobleCrypto.mlKemSecret;
    return {
      title: `packets (${crypto.name} backend, ML-KEM ${nativeMlKem ? 'native' : 'from @noble'})`,
      rows: [...threads.rows, ...parallel.rows],
      ratios: [
        {
          name: 'unwrap: noble / node:crypto',
          ...threads.ratio('unwrap, noble', 'unwrap, node'),
          goal: { atLeast: nativeMlKem ? 8 : 3 },
        },
        {
          name: 'unwrap / sum of primitives, node',
          ...threads.ratio('unwrap, node', 'sum of primitives, node'),
          goal: { atMost: 1.2 },
        },
        {
          name: 'unwrap / sum of primitives, noble',
          ...threads.ratio('unwrap, noble', 'sum of primitives, noble'),
          goal: { atMost: 1.2 },
        },
        {
          name: 'create: noble / node:crypto',
          ...threads.ratio('create over 3 hops, noble', 'create over 3 hops, node'),
        },
        // The machine's own ratio in the same rounds: below 2 something else is running, or the cores are shared.
        { name: 'spin: 2 workers / 1', ...parallel.ratio('spin, 1 worker', 'spin, 2 workers') },
        ...(['unwrap, node', 'create, node', 'unwrap, noble', 'create, noble'] as const).map((name) => ({
          name: `${name}: 2 workers / 1`,
          ...parallel.ratio(`${name}, 1 worker`, `${name}, 2 workers`),
          goal: { atLeast: 1.5 },
        })),
        {
          // With the main thread, which copies packets in and out, that is three threads: on two cores there is no goal.
          name: 'workerUnwrapper: 2 / 1',
          ...parallel.ratio('unwrap through workerUnwrapper(1)', 'unwrap through workerUnwrapper(2)'),
        },
      ],
    };
  } finally {
    await Promise.all([...workers.map((worker) => worker.terminate()), ...pools.map((pool) => pool.close())]);
  }
};
