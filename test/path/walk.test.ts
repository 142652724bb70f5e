import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteError } from '../../src/base/errors.js';
import type { Descriptor, Role } from '../../src/route/descriptor.js';
import type { Network } from '../../src/route/network.js';
import {
  chooseExit,
  chooseLoopPath,
  choosePath,
  type PathException,
  pathExceptions,
  type PathWish,
} from '../../src/path/path.js';
import { operatorIn } from '../../src/route/standing.js';
import { type Places, placesOf } from '../../src/path/topology.js';
import { layeredOf, manyNodes, networkOf, nodeAt, now, rngOf, standingOf } from '../route/nodes.js';

const wishFor = (network: Network, more: Partial<PathWish> = {}): PathWish => ({
  network,
  now,
  rng: rngOf('walks'),
  length: network.parameters.pathLength,
  senderProvider: 'sender.example',
  recipientDomains: ['recipient.example'],
  allow: new Set(),
  ...more,
});

const placed = (network: Network): Places => {
  const places = placesOf(network);
  if (places === undefined) throw new Error('no layers');
  return places;
};

const messageOf = (choose: () => unknown): string => {
  try {
    choose();
  } catch (error) {
    if (error instanceof RouteError && error.code === 'route/no-path') return error.message;
    throw error;
  }
  return 'found';
};

const namesOf = (path: readonly Descriptor[]): string => path.map(({ name }) => name).join('-');

/** Every path the rules permit, by trying all: the definition the code is held against. */
const allPaths = (wish: PathWish): Descriptor[][] => {
  const { network, allow, length, senderProvider, recipientDomains, lastRole = 'exit' } = wish;
  const places = placed(network);
  const sending = wish.from && network.byId.get(wish.from);
  const first =
    sending !== undefined
      ? places.successors(sending.nodeId)
      : wish.exit === undefined && wish.entry === undefined
        ? (places.layers[0] ?? [])
        : network.nodes;
  const extend = (path: Descriptor[]): Descriptor[][] => {
    if (path.length === length) return [path];
    const isLast = path.length === length - 1;
    const before = path.at(-1);
    return (before === undefined ? first : places.successors(before.nodeId))
      .filter((node) => {
        const operator = operatorIn(network, node);
        return (
          !path.includes(node) &&
          (sending === undefined || operator !== operatorIn(network, sending)) &&
          (allow.has('same-provider') || !path.some((other) => operatorIn(network, other) === operator)) &&
          (before !== undefined || allow.has('entry-at-own-provider') || operator !== senderProvider) &&
          node.roles.includes(isLast ? lastRole : 'mix') &&
          (before !== undefined || wish.entry === undefined || node.nodeId === wish.entry) &&
          (!isLast || wish.exit === undefined || node.nodeId === wish.exit) &&
          (!isLast || wish.avoidExits?.has(node.nodeId) !== true) &&
          (!isLast || allow.has('exit-at-recipient-provider') || !recipientDomains.includes(operator))
        );
      })
      .flatMap((node) => extend([...path, node]));
  };
  return extend([]);
};

/** Chi-square of that many draws against these shares (they need not add up to 1). */
const expectShares = (shares: ReadonlyMap<string, number>, draws: number, drawOne: () => string): void => {
  const total = [...shares.values()].reduce((a, b) => a + b, 0);
  const counts = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const path = drawOne();
    if (!shares.has(path)) throw new Error(`${path} is not permitted`);
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  let chiSquare = 0;
  for (const [path, share] of shares) {
    const expected = (draws * share) / total;
    chiSquare += ((counts.get(path) ?? 0) - expected) ** 2 / expected;
  }
  const freedom = shares.size - 1;
  expect(chiSquare).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom));
  expect(chiSquare).toBeGreaterThan(freedom - 5 * Math.sqrt(2 * freedom));
};

/** Some of one operator, some at sender's and recipient's, few exits; 4 successors of 11 slots. */
const town = [
  ...manyNodes(18, (i) => (i % 2 === 0 ? ['mix', 'exit'] : ['mix'])),
  ...['big1', 'big2', 'big3', 'big4', 'big5', 'big6'].map((name) => nodeAt('big.example', name)),
  nodeAt('sender.example', 's1'),
  nodeAt('sender.example', 's2'),
  nodeAt('recipient.example', 'x1'),
  nodeAt('recipient.example', 'x2'),
  nodeAt('recipient.example', 'x3'),
];
const network = layeredOf(town, { successors: 4 });
const exitsIn = (one: Network): readonly Descriptor[] => placed(one).layers.at(-1) ?? [];

describe('a path in layers', () => {
  it('goes from the first layer to the last along successors, each of its hops as often as the one before sends there', () => {
    const { layers, successors } = placed(network);
    const wish = wishFor(network);
    const shares = new Map(
      allPaths(wish).map((path) => [
        namesOf(path),
        path.reduce(
          (share, _, i) =>
            share / (i === 0 ? (layers[0]?.length ?? 0) : successors((path[i - 1] as Descriptor).nodeId).length),
          1,
        ),
      ]),
    );
    expect(shares.size).toBeGreaterThan(50);
    expectShares(shares, shares.size * 40, () => namesOf(choosePath(wish)));
  });

  it('to a fixed exit is any of those that end there, drawn backwards', () => {
    const { predecessors } = placed(network);
    const exit = exitsIn(network).find(({ name }) => name.startsWith('n')) as Descriptor;
    const wish = wishFor(network, { exit: exit.nodeId });
    const shares = new Map(
      allPaths(wish).map((path) => [
        namesOf(path),
        path.slice(1).reduce((share, node) => share / predecessors(node.nodeId).length, 1),
      ]),
    );
    expect(shares.size).toBeGreaterThan(5);
    expectShares(shares, shares.size * 60, () => namesOf(choosePath(wish)));
  });

  it('from a fixed first node is any of those that begin there, each of its hops as often as the one before sends there', () => {
    const { layers, successors } = placed(network);
    const entry = layers[0]?.find(({ name }) => name.startsWith('n')) as Descriptor;
    const wish = wishFor(network, { entry: entry.nodeId });
    const shares = new Map(
      allPaths(wish).map((path) => [
        namesOf(path),
        path.slice(1).reduce((share, _, i) => share / successors((path[i] as Descriptor).nodeId).length, 1),
      ]),
    );
    expect(shares.size).toBeGreaterThan(5);
    expectShares(shares, shares.size * 60, () => namesOf(choosePath(wish)));
  });

  it('from a fixed first node to a fixed exit is any of those between them, and none where there is none', () => {
    const { layers } = placed(network);
    let found = 0;
    for (const entry of layers[0] ?? [])
      for (const exit of exitsIn(network)) {
        const wish = wishFor(network, { entry: entry.nodeId, exit: exit.nodeId });
        const shares = new Map(allPaths(wish).map((path) => [namesOf(path), 1]));
        found += shares.size;
        if (shares.size > 1) expectShares(shares, shares.size * 60, () => namesOf(choosePath(wish)));
        else if (shares.size === 1) expect([...shares.keys()]).toEqual([namesOf(choosePath(wish))]);
        else expect(messageOf(() => choosePath(wish))).not.toBe('found');
      }
    expect(found).toBeGreaterThan(50);
  });

  it('to an exit that stands in another layer goes around the ring', () => {
    const { layers } = placed(network);
    const exit = layers[0]?.find(({ name, roles }) => name.startsWith('n') && roles.includes('exit')) as Descriptor;
    const wish = wishFor(network, { exit: exit.nodeId });
    const permitted = new Set(allPaths(wish).map(namesOf));
    for (let i = 0; i < 100; i++) expect(permitted).toContain(namesOf(choosePath(wish)));
    expect(layers[1]).toContain(choosePath(wish)[0]);
  });

  it('of a reply block begins with a successor of the exit, ends with a mix of its layer, and meets nobody of its operator', () => {
    for (const exit of exitsIn(network)) {
      const wish = wishFor(network, { from: exit.nodeId, lastRole: 'mix', senderProvider: exit.provider });
      const permitted = new Set(allPaths(wish).map(namesOf));
      const path = choosePath(wish);
      expect(permitted).toContain(namesOf(path));
      expect(placed(network).successors(exit.nodeId)).toContain(path[0]);
      expect(exitsIn(network)).toContain(path[2]);
      expect(path.every((node) => node.provider !== exit.provider)).toBe(true);
    }
  });

  it.each([2, 3, 4, 5])(
    'of %i hops comes home as a loop, from every node, over each way around as often',
    (pathLength) => {
      const nodes = manyNodes(20 * pathLength);
      const some = layeredOf(nodes, { pathLength, successors: 3 });
      const { successors } = placed(some);
      const loop = { network: some, now, rng: rngOf('loops'), length: pathLength, allow: new Set<never>() };
      for (const { nodeId } of nodes) {
        const path = chooseLoopPath({ ...loop, self: nodeId });
        expect(path).toHaveLength(pathLength);
        expect(path.at(-1)?.nodeId).toBe(nodeId);
        path.forEach((node, i) => expect(successors((path[i - 1] ?? path.at(-1))?.nodeId ?? nodeId)).toContain(node));
      }
      const self = nodes[0]?.nodeId ?? expect.unreachable();
      const ways = allPaths(wishFor(some, { exit: self, lastRole: 'mix', allow: new Set(pathExceptions) })).filter(
        ([first]) => first !== undefined && successors(self).includes(first),
      );
      expect(ways.length).toBeGreaterThanOrEqual(3);
      expectShares(new Map(ways.map((path) => [namesOf(path), 1])), ways.length * 60, () =>
        namesOf(chooseLoopPath({ ...loop, self })),
      );
    },
  );

  it('is found exactly when there is one, in networks of all small shapes, whatever rules are given up', () => {
    const node = fc.record({
      provider: fc.constantFrom(
        'a.example',
        'b.example',
        'c.example',
        'd.example',
        'sender.example',
        'recipient.example',
      ),
      roles: fc.constantFrom<readonly Role[]>(['mix'], ['exit'], ['mix', 'exit']),
    });
    const found = { forward: 0, fixed: 0, reply: 0, none: 0 };
    fc.assert(
      fc.property(
        fc.record({
          shapes: fc.array(node, { minLength: 1, maxLength: 16, size: 'max' }),
          pathLength: fc.integer({ min: 2, max: 5 }),
          successors: fc.integer({ min: 1, max: 3 }),
          allow: fc.subarray<PathException>([...pathExceptions]),
          kind: fc.constantFrom('forward', 'fixed', 'reply'),
          which: fc.nat(),
        }),
        ({ shapes, pathLength, successors, allow, kind, which }) => {
          const nodes = shapes.map(({ provider, roles }, i) => nodeAt(provider, `n${i}`, roles));
          const some = layeredOf(nodes, { pathLength, successors });
          const end = nodes[which % nodes.length]?.nodeId ?? expect.unreachable();
          const more = { forward: {}, fixed: { exit: end }, reply: { from: end, lastRole: 'mix' } } as const;
          const wish = wishFor(some, { allow: new Set(allow), ...more[kind] });
          const permitted = new Set(allPaths(wish).map(namesOf));
          const result = messageOf(() => permitted.has(namesOf(choosePath(wish))) || expect.unreachable());
          found[permitted.size === 0 ? 'none' : kind]++;
          expect(result === 'found').toBe(permitted.size > 0);
        },
      ),
      { numRuns: 1500, seed: 11 },
    );
    expect(Math.min(...Object.values(found))).toBeGreaterThan(50);
  });

  it('keeps all rules in networks of any size', () => {
    fc.assert(
      fc.property(
        fc.record({
          count: fc.integer({ min: 40, max: 300 }),
          operators: fc.integer({ min: 12, max: 300 }),
          pathLength: fc.integer({ min: 2, max: 5 }),
          successors: fc.integer({ min: 4, max: 12 }),
          randomness: fc.string({ unit: 'grapheme-ascii', maxLength: 4 }),
        }),
        ({ count, operators, ...options }) => {
          const nodes = Array.from({ length: count }, (_, i) => nodeAt(`p${i % operators}.example`, `n${i}`));
          const some = layeredOf(nodes, options);
          const { layers, successors, layerOf } = placed(some);
          const wish = wishFor(some, { senderProvider: 'p1.example', recipientDomains: ['p2.example', 'p3.example'] });
          const exit = chooseExit(wish);
          const there = choosePath({ ...wish, exit: exit.nodeId });
          const back = choosePath({
            ...wish,
            senderProvider: exit.provider,
            recipientDomains: ['p1.example'],
            from: exit.nodeId,
            lastRole: 'mix',
          });
          for (const path of [there, back]) {
            expect(path.map(({ nodeId }) => layerOf(nodeId))).toEqual(layers.map((_, i) => i + 1));
            expect(new Set(path.map(({ provider }) => provider)).size).toBe(options.pathLength);
            path.slice(1).forEach((node, i) => expect(successors(path[i]?.nodeId ?? exit.nodeId)).toContain(node));
          }
          expect(there[0]?.provider).not.toBe('p1.example');
          expect(['p2.example', 'p3.example']).not.toContain(exit.provider);
          expect(there.at(-1)).toBe(exit);
          expect(successors(exit.nodeId)).toContain(back[0]);
          expect(back.map(({ provider }) => provider)).not.toContain(exit.provider);
          expect(back.at(-1)?.provider).not.toBe('p1.example');
        },
      ),
      { numRuns: 150, seed: 12 },
    );
  });

  it('in a lopsided network of thousands of nodes is found, or found not to be there, in a moment', () => {
    const big = Array.from({ length: 6000 }, (_, i) => nodeAt('big.example', `b${i}`));
    const rare = manyNodes(60);
    const began = performance.now();
    const lopsided = layeredOf([...big, ...rare], { successors: 8 });
    const path = choosePath(wishFor(lopsided));
    expect(path.filter(({ provider }) => provider === 'big.example').length).toBeLessThan(2);
    const hopeless = layeredOf([...big, ...rare.slice(0, 1)], { pathLength: 5, successors: 8 });
    expect(messageOf(() => choosePath(wishFor(hopeless)))).toContain('rule same-provider');
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('has as many hops as its list has layers', () => {
    expect(() => choosePath(wishFor(network, { length: 2 }))).toThrow('BUG');
  });
});

describe('a path in layers that is not there', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => nodeAt(`${name}.example`, name)) as [
    Descriptor,
    Descriptor,
    Descriptor,
  ];
  it.each<[string, readonly Descriptor[], Partial<PathWish>, string]>([
    ['of too few nodes', [a, b], {}, 'no path: 3 hops need 3 nodes; the list has 2'],
    [
      'of too few nodes with places',
      [a, b, { ...c, roles: [] }],
      {},
      'no path: 3 hops need 3 nodes; 2 of 3 nodes of the list have a mix key valid now and a place in a layer',
    ],
    ['without any exit', manyNodes(9, () => ['mix']), {}, 'none of the 9 usable nodes has the role exit'],
    [
      'with a layer that is empty',
      manyNodes(4, (i) => (i < 3 ? ['exit'] : ['mix'])),
      {},
      'no path: 3 hops need 2 mixes before an exit, each a successor of the one before; 3 of 4 nodes of the list have a mix key valid now and a place in a layer',
    ],
    [
      'of one provider',
      Array.from({ length: 9 }, (_, i) => nodeAt('a.example', `a${i}`)),
      {},
      'no path: no 3 nodes of different providers fit (9 usable nodes of 1 providers; rule same-provider)',
    ],
    [
      "with exits at the recipient's provider only",
      [...manyNodes(9, () => ['mix']), nodeAt('recipient.example', 'x')],
      {},
      "no path: no exit fits that is not at a recipient's provider (rule exit-at-recipient-provider)",
    ],
    ['to an exit that is not in the list', manyNodes(9), { exit: a.nodeId }, 'the chosen exit is not in the list'],
    [
      'from an exit that is not in the list',
      manyNodes(9),
      { from: a.nodeId },
      'the exit that sends is not in the list',
    ],
    [
      'when all exits have been tried',
      manyNodes(9, (i) => (i === 0 ? ['mix', 'exit'] : ['mix'])),
      { avoidExits: new Set([nodeAt('p0.example', 'n0').nodeId]) },
      'no path: no other exit is left',
    ],
  ])('%s: the message says why', (_, nodes, more, message) => {
    expect(messageOf(() => choosePath(wishFor(layeredOf(nodes), more)))).toContain(message);
  });

  it("with entries at the sender's provider only: the message says why", () => {
    const nodes = manyNodes(9);
    const first = new Set(placed(layeredOf(nodes)).layers[0]);
    const standings = new Map([...first].map(({ nodeId }) => [nodeId, standingOf('sender.example')]));
    expect(messageOf(() => choosePath(wishFor(layeredOf(nodes, { standings }))))).toContain(
      "no path: no first node fits that is not at the sender's own provider (rule entry-at-own-provider)",
    );
    expect(
      choosePath(wishFor(layeredOf(nodes, { standings }), { allow: new Set(['entry-at-own-provider']) })),
    ).toHaveLength(3);
  });

  it('as a loop: the message says why', () => {
    const nodes = manyNodes(9, (i) => (i < 5 ? ['exit'] : ['mix']));
    const some = layeredOf(nodes);
    const loop = { network: some, now, rng: rngOf('loops'), length: 3, allow: new Set<never>() };
    const unplaced = nodes.find(({ nodeId }) => placed(some).layerOf(nodeId) === undefined)?.nodeId;
    expect(messageOf(() => chooseLoopPath({ ...loop, self: unplaced ?? expect.unreachable() }))).toContain(
      'this node has no place in a layer',
    );
    expect(messageOf(() => chooseLoopPath({ ...loop, self: nodes[6]?.nodeId ?? expect.unreachable() }))).toContain(
      'a loop of 3 hops needs 2 other mixes, each of another provider (same-provider); there are not that many that follow one another',
    );
  });
});

describe.each<[string, (nodes: readonly Descriptor[], standings: Network['standings']) => Network]>([
  ['layers', (nodes, standings) => layeredOf(nodes, { standings, pathLength: 2, successors: 8 })],
  ['free routes', (nodes, standings) => ({ ...networkOf(nodes), standings })],
])('what authorities know of a node, in %s', (_, networkWith) => {
  const nodes = manyNodes(6);
  const [slow, dead, fine] = nodes.map(({ nodeId }) => nodeId) as [
    Descriptor['nodeId'],
    Descriptor['nodeId'],
    Descriptor['nodeId'],
  ];
  /** How often each node is on a path of two, as entry or exit. */
  const visits = (standings: Network['standings']): ((nodeId: Descriptor['nodeId']) => number) => {
    const some = networkWith(nodes, standings);
    const counts = new Map<string, number>();
    const wish = wishFor(some, { length: 2 });
    for (let i = 0; i < 6000; i++)
      for (const { nodeId } of choosePath(wish)) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
    return (nodeId) => counts.get(nodeId) ?? 0;
  };

  it('counts: one that delivers half is drawn about half as often, one that delivers nothing still a fifth as often', () => {
    const layer = placesOf(networkWith(nodes, new Map()))?.layers[0];
    const [half, none, full] = (layer?.map(({ nodeId }) => nodeId) ?? [slow, dead, fine]) as [
      typeof slow,
      typeof dead,
      typeof fine,
    ];
    const measured = (deliveredPerMille: number) => standingOf('x.example', { deliveredPerMille });
    const times = visits(
      new Map([
        [half, { ...measured(500), operator: 'half.example' }],
        [none, { ...measured(0), operator: 'none.example' }],
        [full, { ...measured(1000), operator: 'full.example' }],
      ]),
    );
    // In free routes a node is drawn beside the others, which takes away a little of the difference.
    expect(times(half) / times(full)).toBeGreaterThan(0.45);
    expect(times(half) / times(full)).toBeLessThan(0.62);
    expect(times(none) / times(full)).toBeGreaterThan(0.16);
    expect(times(none) / times(full)).toBeLessThan(0.27);
  });

  it('keeps one that is leaving off every new path, and in the list', () => {
    const standings = new Map([[slow, standingOf('slow.example', { leaving: true })]]);
    expect(visits(standings)(slow)).toBe(0);
    const some = networkWith(nodes, standings);
    expect(some.byId.get(slow)).toBe(nodes[0]);
    expect(messageOf(() => choosePath(wishFor(some, { length: 2, exit: slow })))).toContain('the chosen exit is not');
    expect(
      messageOf(() => chooseLoopPath({ network: some, now, rng: rngOf('l'), length: 2, self: slow, allow: new Set() })),
    ).toContain('or it is leaving');
  });

  it('counts for the rules: who runs a mailbox is not what its name says', () => {
    const standings = new Map(nodes.map(({ nodeId }) => [nodeId, standingOf('google.com')]));
    const some = networkWith(nodes, standings);
    expect(messageOf(() => choosePath(wishFor(some, { length: 2 })))).toContain('6 usable nodes of 1 providers');
    const given = wishFor(some, { length: 2, allow: new Set(['same-provider']) });
    expect(choosePath(given)).toHaveLength(2);
    expect(messageOf(() => choosePath({ ...given, senderProvider: 'gmail.com' }))).toContain('entry-at-own-provider');
    expect(messageOf(() => choosePath({ ...given, recipientDomains: ['googlemail.com'] }))).toContain(
      'exit-at-recipient-provider',
    );
    expect(messageOf(() => choosePath({ ...given, from: fine, lastRole: 'mix' }))).toContain('2 hops need 2 nodes');
  });
});
