import { nodeCrypto } from '../../src/adapters/node-crypto.js';
import { Bug, PacketError, type DropReason } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng, type Rng } from '../../src/base/random.js';
import type { LastCommand } from '../../src/sphinx/commands.js';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import type { Hop } from '../../src/sphinx/header.js';
import { expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { unwrapPacket, type Unwrapped } from '../../src/sphinx/packet.js';

/** The backend under test on this Node, and both. */
export const native = nodeCrypto();
export const backends: readonly SphinxCrypto[] = [nobleCrypto, native];

export const rngOf = (seed: number): Rng => seededRng(new Uint8Array(32).fill(seed));

export const filled = (lengthBytes: number, byte: number): Uint8Array => new Uint8Array(lengthBytes).fill(byte);

/** A node of a small network: what senders know of it, and its secret. */
export interface TestNode {
  readonly hop: Hop;
  readonly seed: Uint8Array;
  readonly key: ExpandedKey;
}

export const testNode = (crypto: SphinxCrypto, i: number): TestNode => {
  const seed = filled(32, i);
  const key = expandKey(crypto, seed);
  return { hop: { nodeId: nodeIdOf(filled(32, 0xa0 + i)), publicKey: key.publicKey, delayMs: 1000 * i }, seed, key };
};

/** Five nodes, their keys expanded by the fast backend. */
export const nodes: readonly TestNode[] = [1, 2, 3, 4, 5].map((i) => testNode(native, i));
export const nodeAt = (i: number): TestNode => {
  const node = nodes[i];
  if (!node) throw new Bug('there are five test nodes');
  return node;
};
export const hopsOf = (count: number): readonly Hop[] => nodes.slice(0, count).map(({ hop }) => hop);

export const lastCommands: readonly LastCommand[] = [
  { kind: 'exit' },
  { kind: 'to-mailbox', surbId: filled(16, 0x51), address: 'alice@example.org' },
  { kind: 'loop', loopId: filled(16, 0x10) },
  { kind: 'drop' },
];

/** Every packet on the way, the first as it was created, and what the last hop found. */
export interface Travelled {
  readonly packets: readonly Uint8Array[];
  readonly steps: readonly Unwrapped[];
  readonly end: Unwrapped;
}

/** Sends a packet along the nodes 0, 1, 2, ... until one doesn't send it on. */
export const travel = (packet: Uint8Array, crypto = native): Travelled => {
  const packets = [packet];
  const steps: Unwrapped[] = [];
  let current = packet;
  for (const { key } of nodes) {
    const step = unwrapPacket(crypto, key, current);
    steps.push(step);
    if (step.kind !== 'forward') return { packets, steps, end: step };
    current = step.packet;
    packets.push(current);
  }
  throw new Bug('a packet went on behind the last node');
};

/** The drop reason a call ends in, or 'accepted'. Any other error is a failure of the test. */
export const reasonOf = (call: () => unknown): DropReason | 'accepted' => {
  try {
    call();
    return 'accepted';
  } catch (error) {
    if (error instanceof PacketError) return error.code;
    throw error;
  }
};

/** A copy with one bit changed. */
export const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const out = bytes.slice();
  out[bit >> 3] = (out[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return out;
};
