import { describe, expect, it } from 'vitest';
import { parametersFor } from '../../src/directory/ballot.js';
import type { Role } from '../../src/route/descriptor.js';
import { defaultNetworkParameters, type Network, type NetworkParameters } from '../../src/route/network.js';
import { started } from '../fakes/directory.js';
import { layeredOf, manyNodes, standingOf } from '../route/nodes.js';

const layers: NetworkParameters = { ...defaultNetworkParameters, topology: { kind: 'layers', successors: [4] } };
const kindAfter = (previous: Network | undefined, configured = layers): string =>
  parametersFor(configured, previous).topology.kind;

/** That many mixes, of which the first ones are exits. */
const mixes = (count: number, exits: number): Network =>
  layeredOf(manyNodes(count, (i): readonly Role[] => (i < exits ? ['mix', 'exit'] : ['mix'])));

describe('layers are voted for', () => {
  it('only where the list before has nodes and exits of enough operators', () => {
    expect(kindAfter(undefined)).toBe('free');
    expect(kindAfter(mixes(9, 3))).toBe('layers');
    expect(kindAfter(mixes(8, 3))).toBe('free');
    expect(kindAfter(mixes(9, 2))).toBe('free');
    expect(kindAfter(mixes(30, 2))).toBe('free');
    expect(kindAfter(mixes(9, 3), { ...layers, pathLength: 4 })).toBe('free');
  });

  it('counting operators, not nodes, and not those that go', () => {
    const network = mixes(9, 3);
    const [first, second] = network.nodes.map(({ nodeId }) => nodeId);
    if (first === undefined || second === undefined) throw new Error('no nodes');
    const together = new Map([first, second].map((nodeId) => [nodeId, standingOf('one.example')]));
    expect(kindAfter({ ...network, standings: together })).toBe('free');
    const leaving = new Map([[first, standingOf('p0.example', { leaving: true })]]);
    expect(kindAfter({ ...network, standings: leaving })).toBe('free');
  });

  it('not where they are not wanted; all else is as configured', () => {
    expect(parametersFor(defaultNetworkParameters, mixes(9, 3))).toEqual(defaultNetworkParameters);
    expect(parametersFor(layers, mixes(9, 3))).toEqual(layers);
    expect(parametersFor(layers, undefined)).toEqual({ ...layers, topology: { kind: 'free' } });
  });

  it('by all authorities alike, from the second list on', async () => {
    const directory = await started({ parameters: { topology: layers.topology }, probesPerPeriod: 0 });
    const kinds = (): readonly (string | undefined)[] =>
      directory.authorities.map((authority) => authority.list()?.parameters.topology.kind);
    expect(kinds()).toEqual(['free', 'free', 'free', 'free']);
    await directory.periods(1);
    expect(kinds()).toEqual(['layers', 'layers', 'layers', 'layers']);
  });
});
