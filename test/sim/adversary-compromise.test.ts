import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/base/ids.js';
import { atProviders, compromisedPaths, nodesOfLargest, someNodes } from '../../src/sim/adversary-compromise.js';
import { layeredOf, networkOf, nodeAt, now, rngOf } from '../route/nodes.js';

const paths = 4000;
/** Thirty nodes, each at a provider of its own. */
const apart = Array.from({ length: 30 }, (_, i) => nodeAt(`p${i}.example`, `n${i}`));
/** Twelve at one provider, six at another, twelve at ones of their own. */
const crowded = atProviders(networkOf(apart), [12, 6]).nodes;

describe('compromised nodes', () => {
  it('have both ends of as many paths as there are pairs of them', () => {
    const network = networkOf(apart);
    const compromised = someNodes(network, 0.2, rngOf('nodes'));
    expect(compromised.size).toBe(6);
    const found = compromisedPaths({ network, now, compromised, paths }, rngOf('paths'));
    expect(found.entry).toBeCloseTo(0.2, 1);
    expect(Math.abs(found.entryAndExit - (6 * 5) / (30 * 29))).toBeLessThan(0.01);
    expect(Math.abs(found.all - (6 * 5 * 4) / (30 * 29 * 28))).toBeLessThan(0.005);
  });

  it('have every path when they are all there is, and none when there are none', () => {
    const network = networkOf(apart);
    const all = new Set(network.nodes.map(({ nodeId }) => nodeId));
    expect(compromisedPaths({ network, now, compromised: all, paths: 50 }, rngOf('all'))).toEqual({
      entry: 1,
      exit: 1,
      entryAndExit: 1,
      all: 1,
    });
    const none = new Set<NodeId>();
    expect(compromisedPaths({ network, now, compromised: none, paths: 50 }, rngOf('none')).entry).toBe(0);
  });

  it('of one provider never have two hops of a path, however many they are, with layers and without', () => {
    for (const network of [networkOf(crowded), layeredOf(crowded)]) {
      const compromised = nodesOfLargest(network, 1);
      expect(compromised.size).toBe(12);
      const found = compromisedPaths({ network, now, compromised, paths }, rngOf('one provider'));
      expect(found.entry).toBeGreaterThan(0.05);
      expect(found.exit).toBeGreaterThan(0.05);
      expect(found.entryAndExit).toBe(0);
    }
  });

  it('of one provider have both ends of every eighth path or more where the rule is given up', () => {
    const network = networkOf(crowded);
    const compromised = nodesOfLargest(network, 1);
    const allow = new Set(['same-provider'] as const);
    const found = compromisedPaths({ network, now, compromised, paths, allow }, rngOf('given up'));
    expect(found.entryAndExit).toBeGreaterThan(0.12);
  });

  it('of two providers have both ends of some paths, and never all three hops', () => {
    const network = networkOf(crowded);
    const compromised = nodesOfLargest(network, 2);
    expect(compromised.size).toBe(18);
    const found = compromisedPaths({ network, now, compromised, paths }, rngOf('two providers'));
    expect(found.entryAndExit).toBeGreaterThan(0);
    expect(found.all).toBe(0);
  });
});
