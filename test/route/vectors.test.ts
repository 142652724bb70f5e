import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { readDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf } from '../../src/route/document.js';
import { addSignature, defaultNetworkParameters, readNetwork, signNetwork } from '../../src/route/network.js';
import { now, secretOf, signedNode } from './nodes.js';

// Files of docs/spec-network.md for other implementations. Secret keys are SHA-256 of "secret of <name>".
const vector = (name: string): string => readFileSync(`test/vectors/${name}`, 'utf8');

describe('the vectors', () => {
  it('descriptor.txt is what alice signs, byte for byte', () => {
    expect(signedNode('alice')).toBe(vector('descriptor.txt'));
    expect(readDescriptor(vector('descriptor.txt')).name).toBe('alice');
  });

  it('network.txt is what ann and ben sign, byte for byte', () => {
    const [ann, ben] = [secretOf('ann'), secretOf('ben')];
    const byAnn = signNetwork(
      {
        validFrom: now,
        validUntil: now + 6 * dayMs,
        parameters: defaultNetworkParameters,
        descriptors: [signedNode('alice'), signedNode('bob', { roles: ['mix'] })],
      },
      ann,
    );
    expect(addSignature(byAnn, ben)).toBe(vector('network.txt'));
    const trust = { authorities: [publicKeyOf(ann), publicKeyOf(ben)], threshold: 2 };
    const { digest } = readNetwork(vector('network.txt'), trust, now);
    expect(digest).toBe('6541310ab3694f0d2966f6a51fe45f8231dbb569a1107f922a0dbd7c264ad9ab');
  });
});
