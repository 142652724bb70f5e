import { describe, expect, it } from 'vitest';
import { phaseOf } from '../../src/path/phase.js';
import { placesOf } from '../../src/path/topology.js';
import { layeredOf, manyNodes, networkOf, nodeAt, standingOf } from '../route/nodes.js';

/** The longest time in which nobody has a turn, as a part of the interval. */
const longestGap = (phases: readonly number[]): number => {
  const sorted = phases.toSorted((a, b) => a - b);
  return Math.max(...sorted.map((phase, i) => (sorted[i + 1] ?? 1 + (sorted[0] ?? 0)) - phase));
};

describe('a turn', () => {
  it('is in the interval, and those of a layer are spread over it, whatever its size', () => {
    const shapes = [
      layeredOf(manyNodes(30)),
      layeredOf(manyNodes(31, (i) => (i < 4 ? ['mix', 'exit'] : ['mix']))),
      layeredOf(manyNodes(100), { pathLength: 5 }),
    ];
    for (const network of shapes)
      for (const layer of placesOf(network)?.layers ?? expect.unreachable()) {
        const phases = layer.map(({ nodeId }) => phaseOf(network, nodeId));
        for (const phase of phases) expect(phase >= 0 && phase < 1).toBe(true);
        expect(longestGap(phases)).toBeLessThan(1.001 / layer.length);
      }
  });

  it('comes soon after that of the node before: an eighth of an interval after, and later for further successors', () => {
    for (const [count, randomness] of [
      [30, 'a'],
      [30, 'b'],
      [300, 'c'],
    ] as const) {
      const network = layeredOf(manyNodes(count), { successors: [3, 3, 2], randomness });
      const places = placesOf(network) ?? expect.unreachable();
      const waits = (layer: number): readonly number[] => {
        const [{ nodeId } = expect.unreachable()] = places.layers[layer] ?? [];
        const from = phaseOf(network, nodeId);
        return places
          .successors(nodeId)
          .map((next) => (phaseOf(network, next.nodeId) - from + 2) % 1)
          .toSorted((a, b) => a - b);
      };
      const step = 3 / count;
      for (const [layer, apart] of [
        [0, 1 / 9],
        [1, 1 / 3],
      ] as const)
        waits(layer).forEach((wait, j) => expect(Math.abs(wait - 1 / 8 - j * apart)).toBeLessThan(step));
    }
  });

  it('in lists without layers, and of nodes without a place, is drawn by id and randomness', () => {
    const nodes = manyNodes(200);
    const free = networkOf(nodes);
    const other = { ...free, digest: 'ab'.repeat(32) };
    const phases = nodes.map(({ nodeId }) => phaseOf(free, nodeId));
    for (let tenth = 0; tenth < 10; tenth++)
      // 20 each; 5 standard deviations are 21.
      expect(phases.filter((phase) => Math.floor(phase * 10) === tenth).length).toBeGreaterThan(4);
    expect(nodes.map(({ nodeId }) => phaseOf(other, nodeId))).not.toEqual(phases);
    const leaving = nodeAt('gone.example', 'gone');
    const standings = new Map([[leaving.nodeId, standingOf('gone.example', { leaving: true })]]);
    const phase = phaseOf(layeredOf([...nodes, leaving], { standings }), leaving.nodeId);
    expect(phase > 0 && phase < 1).toBe(true);
  });
});
