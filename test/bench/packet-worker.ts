import { parentPort } from 'node:worker_threads';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { createOne, fixture, unwrapOne } from './packet-work.js';

/** What a worker is asked to do; it answers with anything when it is done. */
export interface Order {
  readonly backend: 'noble' | 'node';
  readonly work: 'unwrap' | 'create';
  readonly times: number;
}

const fixtures = { noble: fixture(nobleCrypto), node: fixture(chooseCrypto()) };

parentPort?.on('message', ({ backend, work, times }: Order) => {
  const on = fixtures[backend];
  for (let i = 0; i < times; i++)
    if (work === 'unwrap') unwrapOne(on);
    else createOne(on);
  parentPort?.postMessage(times);
});
