import { describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { seededRng } from '../../src/base/random.js';
import type { Rng } from '../../src/base/random.js';
import { createCoverDrop } from '../../src/cover/drops.js';
import type { CoverDrop } from '../../src/cover/drops.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { unwrapPacket } from '../../src/sphinx/packet.js';
import { fakeNetwork, without } from '../fakes/network.js';

const crypto = chooseCrypto();
const { network, nodes, now } = fakeNetwork({ nodes: 6, exits: 3 });
const rngOf = (seed: number) => seededRng(new Uint8Array(32).fill(seed));

const dropOf = (rng: Rng, list = network): CoverDrop =>
  createCoverDrop(crypto, {
    network: list,
    now: now(),
    rng,
    length: 3,
    senderProvider: 'mix4.test',
    recipientDomains: [],
    allow: new Set(),
  });

/** Where a packet goes, and what is done with it there. */
const journey = ({ firstHop, packet }: Omit<CoverDrop, 'lastHop'>): readonly { name: number; kind: string }[] => {
  const name = nodes.findIndex(({ nodeId }) => nodeId === firstHop);
  const seed = nodes[name]?.key.seed ?? expect.fail('no such node');
  const found = unwrapPacket(crypto, expandKey(crypto, seed), packet);
  const rest = found.kind === 'forward' ? journey({ firstHop: found.nextHop, packet: found.packet }) : [];
  return [{ name, kind: found.kind }, ...rest];
};

describe('a cover drop', () => {
  it('goes over a whole path by the rules of a real packet, and ends where that would', () => {
    const rng = rngOf(1);
    const ends = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const drop = dropOf(rng);
      const hops = journey(drop);
      expect(hops.map(({ kind }) => kind)).toEqual(['forward', 'forward', 'drop']);
      expect(new Set(hops.map(({ name }) => name)).size).toBe(3);
      expect(nodes[hops[2]?.name ?? -1]?.nodeId).toBe(drop.lastHop);
      // The sender's own provider has the fourth node.
      expect(hops[0]?.name).not.toBe(3);
      ends.add(hops[2]?.name ?? -1);
    }
    expect([...ends].toSorted()).toEqual([0, 1, 2]);
  });

  it('is the same twice under one seed', () => {
    expect(dropOf(rngOf(2))).toEqual(dropOf(rngOf(2)));
    expect(dropOf(rngOf(2))).not.toEqual(dropOf(rngOf(3)));
  });

  it('is not made where a real packet has no way', () => {
    const few = nodes.slice(2).reduce((list, { nodeId }) => without(list, nodeId), network);
    expect(() => dropOf(rngOf(4), few)).toThrow('no path');
  });
});
