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
    expect(digest).toBe('19a5486c05c91688cf3d42569096ca8e2a87c7f711344d7c6e5a6b2993217558');
  });
});
