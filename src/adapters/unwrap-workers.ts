import { Worker } from 'node:worker_threads';
import { Bug, PacketError } from '../base/errors.js';
import type { LiveKey, Unwrapper, UnwrapResult } from '../ports/unwrapper.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { geometry } from '../sphinx/geometry.js';
import { expandKey, type ExpandedKey } from '../sphinx/kem.js';
import { unwrapPacket } from '../sphinx/packet.js';

const { packetBytes } = geometry;

interface ReadyKey {
  readonly keyId: string;
  readonly key: ExpandedKey;
}

/** Tries each key: the MAC says whether it was the right one, and every other verdict is final. */
const unwrapOne = (crypto: SphinxCrypto, packet: Uint8Array, keys: readonly ReadyKey[]): UnwrapResult => {
  for (const { keyId, key } of keys) {
    try {
      return { kind: 'unwrapped', keyId, unwrapped: unwrapPacket(crypto, key, packet) };
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      if (error.code !== 'packet/bad-mac') return { kind: 'drop', reason: error.code };
    }
  }
  return { kind: 'drop', reason: packet.length === packetBytes ? 'packet/bad-mac' : 'packet/bad-length' };
};

/**
 * Unwraps on this thread: nothing else runs meanwhile (0.2 to 0.6 ms a packet with the native backend).
 *
 * Keys are kept expanded while they are among the keys of a call, and forgotten at the first call without them.
 */
export const inlineUnwrapper = (crypto: SphinxCrypto): Unwrapper => {
  let ready: readonly ReadyKey[] = [];
  const makeReady = (keys: readonly LiveKey[]): readonly ReadyKey[] =>
    keys.map(
      ({ keyId, seed }) => ready.find((known) => known.keyId === keyId) ?? { keyId, key: expandKey(crypto, seed) },
    );
  return {
    unwrap: (packets, keys) =>
      new Promise((resolve) => {
        ready = makeReady(keys);
        resolve(packets.map((packet) => unwrapOne(crypto, packet, ready)));
      }),
    close: () => {
      ready = [];
      return Promise.resolve();
    },
  };
};

/** What goes to a worker: packets of 32,768 bytes, one after the other. */
export interface WorkerRequest {
  readonly id: number;
  readonly packets: Uint8Array<ArrayBuffer>;
  readonly keys: readonly LiveKey[];
}

/** What comes back. */
export interface WorkerReply {
  readonly id: number;
  readonly results: readonly UnwrapResult[];
}

interface Waiting {
  readonly resolve: (results: readonly UnwrapResult[]) => void;
  readonly reject: (error: Error) => void;
}

class UnwrapThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #dead: Error | undefined;

  constructor(file: URL) {
    this.#worker = new Worker(file);
    this.#worker.on('message', ({ id, results }: WorkerReply) => {
      this.#waiting.get(id)?.resolve(results);
      this.#waiting.delete(id);
    });
    this.#worker.on('error', (cause) => this.#die(new Bug('an unwrap worker threw', { cause })));
    this.#worker.on('exit', () => this.#die(new Bug('an unwrap worker has ended')));
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
  }

  /** How many batches it has been given and not answered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** `packets` is a fresh copy, whose memory goes to the worker. */
  run(packets: Uint8Array<ArrayBuffer>, keys: readonly LiveKey[]): Promise<readonly UnwrapResult[]> {
    return new Promise((resolve, reject) => {
      if (this.#dead) {
        reject(this.#dead);
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, packets, keys } satisfies WorkerRequest, [packets.buffer]);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

const joined = (packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(packets.length * packetBytes);
  packets.forEach((packet, i) => out.set(packet, i * packetBytes));
  return out;
};

// Large enough that a message's own cost (0.05 ms) doesn't show, small enough that the workers end together.
const largestBatch = 8;

const batchesOf = (packets: readonly Uint8Array[], threads: number): readonly (readonly Uint8Array[])[] => {
  const size = Math.min(largestBatch, Math.ceil(packets.length / threads));
  const batches: (readonly Uint8Array[])[] = [];
  for (let from = 0; from < packets.length; from += size) batches.push(packets.slice(from, from + size));
  return batches;
};

/**
 * Unwraps on `count` worker threads, each with its own backend and expanded keys. A packet is copied once, into memory
 * that is handed to the worker and comes back with the results in it: up to 8 results share one piece.
 *
 * A call without packets makes every worker forget the keys that are not in it. Calls rejected after `close` or when a
 * worker died: Bug.
 *
 * @param file the compiled unwrap-worker
 */
export const workerUnwrapper = (
  count: number,
  file: URL = new URL('./unwrap-worker.js', import.meta.url),
): Unwrapper => {
  if (count < 1) throw new Bug('an unwrapper has at least one worker');
  const threads = Array.from({ length: count }, () => new UnwrapThread(file));
  return {
    unwrap: async (packets, keys) => {
      if (packets.length === 0) await Promise.all(threads.map((thread) => thread.run(joined([]), keys)));
      const batches = batchesOf(
        packets.filter((packet) => packet.length === packetBytes),
        count,
      ).entries();
      const done: (readonly UnwrapResult[])[] = [];
      const pull = async (thread: UnwrapThread): Promise<void> => {
        for (const [i, batch] of batches) done[i] = await thread.run(joined(batch), keys);
      };
      // Whoever is free takes the next batch; two at a time each, so that a worker never waits for this thread.
      const idlest = threads.toSorted((a, b) => a.waiting - b.waiting);
      await Promise.all([...idlest, ...idlest].map(pull));
      const results = done.flat().values();
      const badLength: UnwrapResult = { kind: 'drop', reason: 'packet/bad-length' };
      return packets.map(({ length }) => {
        if (length !== packetBytes) return badLength;
        const { value } = results.next();
        if (!value) throw new Bug('a worker lost a packet');
        return value;
      });
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.end()));
    },
  };
};
