import { parentPort } from 'node:worker_threads';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { createOne, fixture, unwrapOne } from './packet-work.js';

/** What a worker is asked to do; it answers with anything when it is done. */
export interface Order {
  readonly backend: 'noble' | 'node';
  readonly work: 'unwrap' | 'create' | 'spin';
  readonly times: number;
}

const fixtures = { noble: fixture(nobleCrypto), node: fixture(chooseCrypto()) };

/** Arithmetic that touches no memory: what two threads of this machine can be at best, just now. */
const spin = (): number => {
  let state = 1;
  for (let i = 0; i < 100_000; i++) state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
  return state;
};

parentPort?.on('message', ({ backend, work, times }: Order) => {
  const on = fixtures[backend];
  for (let i = 0; i < times; i++)
    if (work === 'unwrap') unwrapOne(on);
    else if (work === 'create') createOne(on);
    else spin();
  parentPort?.postMessage(times);
});
