import { parentPort } from 'node:worker_threads';
import { Bug } from '../base/errors.js';
import type { UnwrapResult } from '../ports/unwrapper.js';
import { geometry } from '../sphinx/geometry.js';
import { chooseCrypto } from './node-crypto.js';
import { inlineUnwrapper, type WorkerReply, type WorkerRequest } from './unwrap-workers.js';

/* The thread behind `workerUnwrapper`: answers each WorkerRequest with one WorkerReply. */

const { packetBytes } = geometry;

const split = (packets: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: packets.length / packetBytes }, (_, i) =>
    packets.subarray(i * packetBytes, (i + 1) * packetBytes),
  );

/** The memory of the large results, which nothing here looks at again. */
const large = (results: readonly UnwrapResult[]): ArrayBuffer[] =>
  results.flatMap((result) => {
    if (result.kind === 'drop') return [];
    const { unwrapped } = result;
    const bytes = 'packet' in unwrapped ? unwrapped.packet : 'payload' in unwrapped ? unwrapped.payload : undefined;
    return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
  });

const port = parentPort;
if (!port) throw new Bug('unwrap-worker runs as a worker only');
const unwrapper = inlineUnwrapper(chooseCrypto());

port.on('message', ({ id, packets, keys }: WorkerRequest) => {
  // A rejection is a Bug: unhandled, it ends this thread, and the parent hears of it.
  void unwrapper.unwrap(split(packets), keys).then((results) => {
    port.postMessage({ id, results } satisfies WorkerReply, large(results));
  });
});
