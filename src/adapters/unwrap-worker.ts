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

const into = (slot: Uint8Array, bytes: Uint8Array): Uint8Array => {
  slot.set(bytes);
  return slot.subarray(0, bytes.length);
};

/** The same result with its large bytes where its packet came from: one piece of memory travels in place of many. */
const movedInto = (slot: Uint8Array, result: UnwrapResult): UnwrapResult => {
  if (result.kind === 'drop') return result;
  const { unwrapped } = result;
  if (unwrapped.kind === 'forward')
    return { ...result, unwrapped: { ...unwrapped, packet: into(slot, unwrapped.packet) } };
  if (unwrapped.kind === 'exit' || unwrapped.kind === 'to-mailbox')
    return { ...result, unwrapped: { ...unwrapped, payload: into(slot, unwrapped.payload) } };
  return result;
};

const port = parentPort;
if (!port) throw new Bug('unwrap-worker runs as a worker only');
const unwrapper = inlineUnwrapper(chooseCrypto());

port.on('message', ({ id, packets, keys }: WorkerRequest) => {
  const slots = split(packets);
  // A rejection is a Bug: unhandled, it ends this thread, and the parent hears of it.
  void unwrapper.unwrap(slots, keys).then((results) => {
    const moved = results.map((result, i) => movedInto(slots[i] ?? packets, result));
    port.postMessage({ id, results: moved } satisfies WorkerReply, [packets.buffer]);
  });
});
