import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii, toHex } from '../../src/base/bytes.js';
import { nodeIdOf, type NodeId } from '../../src/base/ids.js';
import { shuffled } from '../../src/base/random.js';
import type { Descriptor, Role } from '../../src/route/descriptor.js';
import type { Network } from '../../src/route/network.js';
import { type Places, placesOf } from '../../src/path/topology.js';
import { layeredOf, manyNodes, networkOf, nodeAt, rngOf, standingOf } from '../route/nodes.js';

const placed = (network: Network): Places => {
  const places = placesOf(network);
  if (places === undefined) throw new Error('no layers');
  return places;
};
const namesIn = ({ layers }: Places): readonly (readonly string[])[] =>
  layers.map((nodes) => nodes.map(({ name }) => name));
const sizesOf = ({ layers }: Places): readonly number[] => layers.map(({ length }) => length);
const idsOf = (nodes: readonly Descriptor[]): readonly NodeId[] => nodes.map(({ nodeId }) => nodeId);

/** Whom packets reach from that node after that many steps. */
const reachedFrom = ({ successors }: Places, nodeId: NodeId, steps: number): ReadonlySet<NodeId> => {
  let reached: ReadonlySet<NodeId> = new Set([nodeId]);
  for (let step = 0; step < steps; step++) reached = new Set([...reached].flatMap((id) => idsOf(successors(id))));
  return reached;
};

/** Networks of all small shapes: some without exits, some with more nodes that only hand over than mixes. */
const shapes = fc.record({
  roles: fc.array(fc.constantFrom<readonly Role[]>(['mix'], ['exit'], ['mix', 'exit']), {
    minLength: 1,
    maxLength: 80,
  }),
  pathLength: fc.integer({ min: 2, max: 5 }),
  successors: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 5, maxLength: 5 }),
  randomness: fc.string({ unit: 'grapheme-ascii', maxLength: 5 }),
});

describe('layers', () => {
  it('are alike in size, and each node stands in one of them', () => {
    const nodes = manyNodes(200);
    const places = placed(layeredOf(nodes));
    expect(sizesOf(places)).toEqual([67, 66, 67]);
    expect(new Set(places.layers.flat())).toEqual(new Set(nodes));
    for (const [i, layer] of places.layers.entries())
      for (const { nodeId } of layer) expect(places.layerOf(nodeId)).toBe(i + 1);
    expect(placed(layeredOf(nodes))).not.toBe(places);
    const network = layeredOf(nodes);
    expect(placesOf(network)).toBe(placesOf(network));
  });

  it('end with exits: a share of them if there are many, all if there are few', () => {
    const few = placed(layeredOf(manyNodes(30, (i) => (i < 4 ? ['mix', 'exit'] : ['mix']))));
    expect(sizesOf(few)).toEqual([13, 13, 4]);
    expect(new Set(few.layers[2]?.map(({ name }) => name))).toEqual(new Set(['n0', 'n1', 'n2', 'n3']));
    const many = placed(layeredOf(manyNodes(30, (i) => (i < 20 ? ['mix', 'exit'] : ['mix']))));
    expect(sizesOf(many)).toEqual([10, 10, 10]);
    expect(many.layers[2]?.every(({ roles }) => roles.includes('exit'))).toBe(true);
    expect(sizesOf(placed(layeredOf(manyNodes(9, () => ['mix']))))).toEqual([5, 4, 0]);
  });

  it('have no place for exits that relay nothing and are too many, for those that leave, and for those without a role', () => {
    const nodes = manyNodes(12, (i) => (i < 6 ? ['exit'] : i < 11 ? ['mix'] : []));
    const leaving = nodes[6] as Descriptor;
    const standings = new Map([[leaving.nodeId, standingOf('p6.example', { leaving: true })]]);
    const network = layeredOf(nodes, { standings });
    const places = placed(network);
    expect(sizesOf(places)).toEqual([2, 2, 4]);
    expect(places.layerOf(leaving.nodeId)).toBeUndefined();
    expect(places.successors(leaving.nodeId)).toEqual([]);
    expect(network.byId.get(leaving.nodeId)).toBe(leaving);
  });

  it('are not in a list that has none, or paths of one hop', () => {
    expect(placesOf(networkOf(manyNodes(9)))).toBeUndefined();
    expect(placesOf(layeredOf(manyNodes(9), { pathLength: 1 }))).toBeUndefined();
  });

  it('are found in a list signed by hand too: by its digest', () => {
    const network = layeredOf(manyNodes(9));
    const byHand = { ...network, consensus: undefined, digest: network.consensus?.randomness ?? '' };
    expect(namesIn(placed(byHand))).toEqual(namesIn(placed(network)));
  });

  it('take in so many of one operator, and of one domain of addresses, and no more', () => {
    // 40 nodes, 24 of them with Google, half of those under domains of their own; 8 more under one domain, of operators of their own.
    const nodes = [
      ...Array.from({ length: 12 }, (_, i) => nodeAt('gmail.com', `g${i}`)),
      ...Array.from({ length: 12 }, (_, i) => nodeAt(`own${i}.example`, `o${i}`)),
      ...Array.from({ length: 8 }, (_, i) => nodeAt('club.example', `c${i}`)),
      ...Array.from({ length: 8 }, (_, i) => nodeAt(`alone${i}.example`, `a${i}`)),
    ];
    const standings = new Map(
      nodes
        .slice(12, 32)
        .map(({ nodeId, name }) => [nodeId, standingOf(name.startsWith('o') ? 'google.com' : `${name}.example`)]),
    );
    const places = placed(layeredOf(nodes, { mostPerOperator: 2, standings }));
    for (const layer of places.layers) {
      expect(layer.filter(({ name }) => /^[go]/.test(name)).length).toBeLessThanOrEqual(2);
      expect(layer.filter(({ name }) => name.startsWith('c')).length).toBeLessThanOrEqual(2);
    }
    // Of each as many as have room: 3 layers x 2, and all who stand for themselves.
    const inAll = places.layers.flat().map(({ name }) => name[0]);
    expect(['g', 'o', 'c', 'a'].map((one) => inAll.filter((name) => name === one).length)).toEqual([
      expect.any(Number),
      expect.any(Number),
      6,
      8,
    ]);
    expect(inAll.filter((name) => name === 'g' || name === 'o')).toHaveLength(6);
  });
});

describe('a place', () => {
  it('follows from node id and randomness alone, in whatever order the list has its nodes', () => {
    const nodes = manyNodes(60);
    const places = namesIn(placed(layeredOf(nodes)));
    expect(namesIn(placed(layeredOf(shuffled(rngOf('order'), nodes))))).toEqual(places);
    expect(namesIn(placed(layeredOf(nodes, { randomness: 'another' })))).not.toEqual(places);
    const renamed = nodes.map((node) => ({ ...node, name: `x${node.name}`, mixKeys: [], publishedAt: 0 }));
    expect(placed(layeredOf(renamed)).layers.map(idsOf)).toEqual(placed(layeredOf(nodes)).layers.map(idsOf));
  });

  it('is nothing a node can choose: another id, or another randomness, puts it in any layer as often', () => {
    const others = manyNodes(29);
    const counts = (layerOf: (i: number) => number | undefined): readonly number[] => {
      const found = Array.from({ length: 900 }, (_, i) => layerOf(i));
      return [1, 2, 3].map((layer) => found.filter((one) => one === layer).length);
    };
    const byId = counts((i) => {
      const nodeId = nodeIdOf(sha256(ascii(`key ${i}`)));
      return placed(layeredOf([...others, { ...nodeAt('evil.example', 'evil'), nodeId }])).layerOf(nodeId);
    });
    const evil = nodeAt('evil.example', 'evil');
    const byChance = counts((i) =>
      placed(layeredOf([...others, evil], { randomness: `round ${i}` })).layerOf(evil.nodeId),
    );
    // 300 each; 5 standard deviations are 71.
    for (const count of [...byId, ...byChance]) expect(Math.abs(count - 300)).toBeLessThan(71);
  });
});

describe('successors', () => {
  it.each([2, 3, 4, 5])(
    'in %i layers of one size are as many as the list says, and so are predecessors',
    (pathLength) => {
      const places = placed(layeredOf(manyNodes(40 * pathLength), { pathLength, successors: 8 }));
      expect(sizesOf(places)).toEqual(Array(pathLength).fill(40));
      for (const { nodeId } of places.layers.flat()) {
        expect(new Set(idsOf(places.successors(nodeId))).size).toBe(8);
        expect(new Set(idsOf(places.predecessors(nodeId))).size).toBe(8);
      }
    },
  );

  it('of layers may differ in number; two steps lead to as many nodes as there are ways, or to all', () => {
    for (const [count, successors] of [
      [30, [3, 3, 2]],
      [30, [4, 3, 1]],
      [96, [4, 3, 1]],
      [300, [3, 3, 2]],
      [150, [8, 6, 3]],
      [3000, [16, 16, 16]],
    ] as const) {
      const places = placed(layeredOf(manyNodes(count), { successors }));
      const size = count / 3;
      for (const [l, layer] of places.layers.entries())
        for (const { nodeId } of layer) expect(places.successors(nodeId)).toHaveLength(successors[l] ?? 0);
      const ways = successors[0] * successors[1];
      for (const { nodeId } of places.layers[0] ?? [])
        expect(reachedFrom(places, nodeId, 2).size).toBeGreaterThanOrEqual(Math.min(ways, size - 1));
    }
  });

  it('lead home in as many ways as the last layer has successors, with no other node in common', () => {
    for (const [count, successors] of [
      [30, [3, 3, 2]],
      [30, [3, 3, 1]],
      [300, [3, 3, 2]],
      [99, [4, 4, 4]],
      [240, [6, 4, 3]],
    ] as const) {
      const places = placed(layeredOf(manyNodes(count), { successors }));
      const next = (nodeId: NodeId): readonly NodeId[] => idsOf(places.successors(nodeId));
      for (const { nodeId: self } of places.layers.flat()) {
        const loops = next(self).flatMap((a) => next(a).flatMap((b) => (next(b).includes(self) ? [[a, b]] : [])));
        const apart = (taken: readonly NodeId[], from: number): number =>
          Math.max(
            0,
            ...loops
              .slice(from)
              .map((loop, i) =>
                loop.some((id) => taken.includes(id)) ? 0 : 1 + apart([...taken, ...loop], from + i + 1),
              ),
          );
        expect(apart([], 0)).toBeGreaterThanOrEqual(successors[2]);
      }
    }
  });

  it('are other nodes by another randomness', () => {
    const nodes = manyNodes(90);
    const reached = (randomness: string): readonly string[] => {
      const places = placed(layeredOf(nodes, { randomness }));
      return (places.layers[0] ?? []).map(({ nodeId }) =>
        places
          .successors(nodeId)
          .map(({ name }) => name)
          .join(' '),
      );
    };
    expect(reached('one')).toEqual(reached('one'));
    expect(reached('one')).not.toEqual(reached('two'));
  });

  it('in layers of any size: each node sends and gets at least from one, and none much more than its share', () => {
    let checked = 0;
    fc.assert(
      fc.property(shapes, ({ roles, ...options }) => {
        const places = placed(
          layeredOf(
            manyNodes(roles.length, (i) => roles[i] ?? []),
            options,
          ),
        );
        const sizes = sizesOf(places);
        if (sizes.includes(0)) return;
        checked++;
        const slots = Math.max(...sizes);
        for (const [i, layer] of places.layers.entries()) {
          const next = places.layers[(i + 1) % sizes.length] ?? [];
          const before = (i + sizes.length - 1) % sizes.length;
          const share = (of: number): number =>
            Math.ceil(slots / layer.length) * Math.min(slots, options.successors[of] ?? 0);
          for (const { nodeId } of layer) {
            const following = places.successors(nodeId);
            expect(following.every((node) => next.includes(node))).toBe(true);
            expect(new Set(following).size).toBe(following.length);
            expect(following.length).toBeGreaterThanOrEqual(1);
            expect(following.length).toBeLessThanOrEqual(share(i));
            expect(places.predecessors(nodeId).length).toBeGreaterThanOrEqual(1);
            expect(places.predecessors(nodeId).length).toBeLessThanOrEqual(share(before));
            for (const one of following) expect(idsOf(places.predecessors(one.nodeId))).toContain(nodeId);
          }
          for (const { nodeId } of next)
            for (const one of places.predecessors(nodeId))
              expect(idsOf(places.successors(one.nodeId))).toContain(nodeId);
        }
      }),
      { numRuns: 200, seed: 3 },
    );
    expect(checked).toBeGreaterThan(50);
  });

  it('lead every node once around the ring back to itself, whatever the sizes of layers', () => {
    let checked = 0;
    fc.assert(
      fc.property(shapes, ({ roles, ...options }) => {
        const places = placed(
          layeredOf(
            manyNodes(roles.length, (i) => roles[i] ?? []),
            options,
          ),
        );
        if (sizesOf(places).includes(0)) return;
        for (const { nodeId } of places.layers.flat()) {
          checked++;
          expect(reachedFrom(places, nodeId, options.pathLength).has(nodeId)).toBe(true);
        }
      }),
      { numRuns: 200, seed: 4 },
    );
    expect(checked).toBeGreaterThan(500);
  });

  it('are all nodes of the next layer where there are few', () => {
    const places = placed(layeredOf(manyNodes(12), { successors: 4 }));
    for (const { nodeId } of places.layers[0] ?? []) expect(places.successors(nodeId)).toEqual(places.layers[1]);
    for (const { nodeId } of places.layers[0] ?? []) expect(places.predecessors(nodeId)).toEqual(places.layers[2]);
  });

  it('of a list of 100,000 nodes are found in seconds, and those of a node at once', () => {
    const like = nodeAt('like.example', 'like');
    const nodes = Array.from({ length: 100_000 }, (_, i): Descriptor => {
      const nodeId = toHex(sha256(ascii(`${i}`))) as NodeId;
      return { ...like, nodeId, name: `n${i}`, address: `n${i}@p${i}.example`, provider: `p${i}.example` };
    });
    const network = layeredOf(nodes, { successors: 16 });
    const began = performance.now();
    const places = placed(network);
    expect(performance.now() - began).toBeLessThan(40_000);
    const at = performance.now();
    for (let i = 0; i < 1000; i++) expect(places.successors(nodes[i]?.nodeId as NodeId)).toHaveLength(16);
    expect(performance.now() - at).toBeLessThan(5000);
  });
});
