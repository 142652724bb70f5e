import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { addBundles, addLeaving } from '../../src/post/bundles.js';
import type { Leaving } from '../../src/post/bundles.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeNetwork } from '../fakes/network.js';

describe('the mails of a flush', () => {
  it('leave in an order that says nothing of how many packets are for whom', () => {
    const { network, now, rng } = fakeNetwork();
    const [one = expect.fail('no node'), other = expect.fail('no node')] = network.nodes;
    const packet = new Uint8Array(geometry.packetBytes).fill(1);
    const firsts: string[] = [];
    for (let flush = 0; flush < 200; flush++) {
      // Both are bundles of four. Who has more packets is drawn first more often.
      const leaving: Leaving = new Map();
      for (const { nodeId } of [one, one, one, one, other, other])
        addLeaving(leaving, { kind: 'node', nextHop: nodeId }, 0n);
      const sent: string[] = [];
      const store = {
        takeFromPool: () => packet,
        addOutgoing: ({ to }: { to: string }) => void sent.push(to),
      };
      const deps = { crypto: chooseCrypto(), base64: nodeBase64, rng, from: 'node@mix9.test' };
      addBundles({ ...deps, store: store as never }, leaving, network, now());
      expect(sent.toSorted()).toEqual([one.address, other.address].toSorted());
      firsts.push(sent[0] ?? '');
    }
    // Four standard deviations.
    const first = firsts.filter((to) => to === one.address).length;
    expect(first).toBeGreaterThan(71);
    expect(first).toBeLessThan(129);
  });
});
