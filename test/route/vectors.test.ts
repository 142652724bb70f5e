import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { readDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf } from '../../src/route/document.js';
import { addSignature, defaultNetworkParameters, readNetwork, signNetwork } from '../../src/route/network.js';
import { parseNodeId } from '../../src/base/ids.js';
import type { Role } from '../../src/route/descriptor.js';
import { phaseOf } from '../../src/path/phase.js';
import { placesOf } from '../../src/path/topology.js';
import { topologyVector } from '../vectors/topology.js';
import { layeredOf, nodeAt, now, secretOf, signedNode, standingOf } from './nodes.js';

interface TopologyVector {
  readonly pathLength: number;
  readonly successors: readonly number[];
  readonly mostPerOperator: number;
  readonly nodes: readonly {
    readonly name: string;
    readonly id: string;
    readonly roles: readonly Role[];
    readonly operator: string;
    readonly domain: string;
    readonly leaving: boolean;
  }[];
  readonly layers: readonly (readonly string[])[];
  readonly successorsOf: Readonly<Record<string, readonly string[]>>;
  readonly phaseOf: Readonly<Record<string, string>>;
}

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
    expect(digest).toBe('67c7a8d90cd2022982c22da07b806e6a0cb7fdfd9c479d13a42886d7654c4909');
  });

  it('topology.json is what the words of the specification make, and what this program finds', () => {
    const vectorText = vector('topology.json');
    expect(`${JSON.stringify(topologyVector(), null, 2)}\n`).toBe(vectorText);
    const known = JSON.parse(vectorText) as TopologyVector;
    const nodes = known.nodes.map(({ name, id, roles, operator, domain }) => ({
      ...nodeAt(operator, name, roles),
      nodeId: parseNodeId(id) ?? expect.unreachable(),
      address: `mix@${domain}`,
    }));
    const standings = new Map(
      nodes.map(({ nodeId, provider }, i) => [
        nodeId,
        standingOf(provider, { leaving: known.nodes[i]?.leaving ?? false }),
      ]),
    );
    const list = layeredOf(nodes, { ...known, randomness: 'randomness', standings });
    const places = placesOf(list);
    expect(places?.layers.map((layer) => layer.map(({ name }) => name))).toEqual(known.layers);
    for (const { nodeId, name } of nodes)
      expect(
        places
          ?.successors(nodeId)
          .map((node) => node.name)
          .toSorted(),
      ).toEqual(known.successorsOf[name] ?? []);
    for (const { nodeId, name } of nodes) expect(phaseOf(list, nodeId).toFixed(9)).toBe(known.phaseOf[name]);
  });
});
