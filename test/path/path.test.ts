import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteError } from '../../src/base/errors.js';
import { seededRng } from '../../src/base/random.js';
import { operatorOf } from '../../src/provider/operator.js';
import type { Descriptor, Role } from '../../src/route/descriptor.js';
import {
  chooseExit,
  chooseLoopPath,
  choosePath,
  type PathException,
  pathExceptions,
  type PathWish,
} from '../../src/path/path.js';
import { cpuTimer } from '../cpu-time.js';
import { networkOf, nodeAt, now, rngOf, standingOf } from '../route/nodes.js';

const wishFor = (nodes: readonly Descriptor[], more: Partial<PathWish> = {}): PathWish => ({
  network: networkOf(nodes),
  now,
  rng: rngOf('paths'),
  length: 3,
  senderProvider: 'sender.example',
  recipientDomains: ['recipient.example'],
  allow: new Set(),
  ...more,
});

const messageOf = (choose: () => unknown): string => {
  try {
    choose();
  } catch (error) {
    if (error instanceof RouteError && error.code === 'route/no-path') return error.message;
    throw error;
  }
  return 'found';
};

/** Every path the rules permit, by trying all: the definition the code is held against. */
const allPaths = (wish: PathWish): Descriptor[][] => {
  const { allow, length, network, senderProvider, recipientDomains } = wish;
  const extend = (path: Descriptor[]): Descriptor[][] => {
    if (path.length === length) return [path];
    const first = path.length === 0;
    const last = path.length === length - 1;
    return network.nodes
      .filter(
        (node) =>
          !path.includes(node) &&
          (allow.has('same-provider') ||
            !path.some(({ provider }) => operatorOf(provider) === operatorOf(node.provider))) &&
          (!first || allow.has('entry-at-own-provider') || node.provider !== senderProvider) &&
          (last ? node.roles.includes('exit') : node.roles.includes('mix')) &&
          (!first || wish.entry === undefined || node.nodeId === wish.entry) &&
          (!last || wish.exit === undefined || node.nodeId === wish.exit) &&
          (!last || allow.has('exit-at-recipient-provider') || !recipientDomains.includes(node.provider)),
      )
      .flatMap((node) => extend([...path, node]));
  };
  return extend([]);
};

const namesOf = (path: readonly Descriptor[]): string => path.map(({ name }) => name).join('-');

/** Chi-square of that many draws against "each path alike"; its mean is paths - 1, its variance 2 (paths - 1). */
const expectUniform = (paths: readonly string[], draws: number, drawOne: () => string): void => {
  const counts = new Map(paths.map((path) => [path, 0]));
  for (let i = 0; i < draws; i++) {
    const path = drawOne();
    const count = counts.get(path);
    if (count === undefined) throw new Error(`${path} is not permitted`);
    counts.set(path, count + 1);
  }
  const expected = draws / paths.length;
  let chiSquare = 0;
  for (const count of counts.values()) chiSquare += (count - expected) ** 2 / expected;
  const freedom = paths.length - 1;
  expect(chiSquare).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom));
  expect(chiSquare).toBeGreaterThan(freedom - 5 * Math.sqrt(2 * freedom));
};

const town = [
  nodeAt('gmail.com', 'g1'),
  nodeAt('googlemail.com', 'g2', ['mix']),
  nodeAt('gmail.com', 'g3'),
  nodeAt('posteo.de', 'p1', ['mix']),
  nodeAt('riseup.net', 'r1'),
  nodeAt('riseup.net', 'r2', ['exit']),
  nodeAt('sender.example', 's1'),
  nodeAt('recipient.example', 'x1'),
];

describe('a path', () => {
  it.each([1, 2, 3, 4, 5])('of %i hops is any of those permitted, each as often', (length) => {
    const wish = wishFor(town, { length });
    const paths = allPaths(wish).map(namesOf);
    expect(paths.length).toBeGreaterThan(2);
    expectUniform(paths, paths.length * 40, () => namesOf(choosePath(wish)));
  });

  it.each(pathExceptions)('with %s allowed is any of those permitted then', (rule) => {
    const wish = wishFor(town, { allow: new Set([rule]) });
    const paths = allPaths(wish).map(namesOf);
    expect(paths.length).toBeGreaterThan(allPaths(wishFor(town)).length);
    expectUniform(paths, paths.length * 40, () => namesOf(choosePath(wish)));
  });

  it.each([2, 3, 4])('of %i hops from a fixed first node is any of those permitted, to a fixed exit too', (length) => {
    const [, g2, , p1, r1] = town.map(({ nodeId }) => nodeId);
    const wish = wishFor(town, { length, entry: p1 ?? expect.fail() });
    const paths = allPaths(wish).map(namesOf);
    expectUniform(paths, 200 + paths.length * 40, () => namesOf(choosePath(wish)));
    const both = wishFor(town, { length, entry: g2 ?? expect.fail(), exit: r1 ?? expect.fail() });
    const between = allPaths(both).map(namesOf);
    expect(between.length).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) expect(between).toContain(namesOf(choosePath(both)));
  });

  it('from a first node at the sender’s provider is none: the message says why', () => {
    const own = town.find(({ name }) => name === 's1')?.nodeId ?? expect.fail();
    expect(messageOf(() => choosePath(wishFor(town, { entry: own })))).toMatch(/entry-at-own-provider/);
    const gone = nodeAt('elsewhere.example', 'e1').nodeId;
    expect(messageOf(() => choosePath(wishFor(town, { entry: gone })))).toMatch(
      /the chosen first node is not in the list/,
    );
  });

  it('to a fixed exit is any of those that end there', () => {
    const exit = town[4]?.nodeId;
    const wish = wishFor(town, exit === undefined ? {} : { exit });
    const paths = allPaths(wish).map(namesOf);
    expect(paths.every((path) => path.endsWith('-r1'))).toBe(true);
    expectUniform(paths, paths.length * 60, () => namesOf(choosePath(wish)));
  });

  it('is found exactly when there is one, in networks of all small shapes', () => {
    const node = fc.record({
      provider: fc.constantFrom('a.example', 'b.example', 'c.example', 'sender.example', 'recipient.example'),
      roles: fc.constantFrom<readonly Role[]>(['mix'], ['exit'], ['mix', 'exit']),
    });
    let found = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(node, { maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.subarray<PathException>([...pathExceptions]),
        (shapes, length, allow) => {
          const nodes = shapes.map(({ provider, roles }, i) => nodeAt(provider, `n${i}`, roles));
          const wish = wishFor(nodes, { length, allow: new Set(allow) });
          // A path of one hop needs an exit only; the definition above asks the same of its last hop.
          const permitted = new Set(allPaths(wish).map(namesOf));
          const result = messageOf(() => permitted.has(namesOf(choosePath(wish))) || expect.unreachable());
          if (permitted.size > 0) found++;
          else refused++;
          expect(result === 'found').toBe(permitted.size > 0);
        },
      ),
      { numRuns: 1500, seed: 7 },
    );
    expect(Math.min(found, refused)).toBeGreaterThan(200);
  });

  it('leaves out nodes whose mix keys are over or not begun', () => {
    const late = { ...nodeAt('late.example', 'late'), mixKeys: [] };
    const wish = wishFor([...town, late]);
    for (let i = 0; i < 300; i++) expect(namesOf(choosePath(wish))).not.toContain('late');
  });

  it('is the same under the same seed, and takes no chance from elsewhere', () => {
    const seed = new Uint8Array(32).fill(9);
    const draw = (): string => namesOf(choosePath(wishFor(town, { rng: seededRng(seed), length: 5 })));
    expect(draw()).toBe(draw());
  });

  it('in a lopsided network of thousands of nodes is drawn in milliseconds', () => {
    const big = Array.from({ length: 5000 }, (_, i) => nodeAt('gmail.com', `g${i}`));
    const nodes = [...big, nodeAt('posteo.de', 'p'), nodeAt('riseup.net', 'r')];
    const wish = wishFor(nodes);
    const tookMs = cpuTimer();
    for (let i = 0; i < 20; i++) {
      const names = choosePath(wish).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['p', 'r']));
    }
    expect(tookMs() / 20).toBeLessThan(100);
  });
});

describe('a path over nodes of which some deliver less', () => {
  /** Half of a big operator's nodes deliver half. */
  const lopsided = (count: number): PathWish => {
    const big = Array.from({ length: count }, (_, i) => nodeAt('gmail.com', i % 2 === 0 ? `half${i}` : `full${i}`));
    const nodes = [...big, nodeAt('posteo.de', 'p'), nodeAt('riseup.net', 'r')];
    const standings = new Map(
      big
        .filter(({ name }) => name.startsWith('half'))
        .map(({ nodeId }) => [nodeId, standingOf('google.com', { deliveredPerMille: 500 })]),
    );
    return wishFor(nodes, { network: { ...networkOf(nodes), standings } });
  };

  it.each([
    ['drawn', 4],
    ['counted, because hardly any draw keeps the rules', 200],
  ])('takes these half as often, where paths are %s', (_, count) => {
    const wish = lopsided(count);
    const paths = Array.from({ length: 1500 }, () => choosePath(wish).map(({ name }) => name.replace(/\d+/, '')));
    const halves = paths.filter((path) => path.includes('half')).length;
    // A third, with a standard deviation of 18.
    expect(Math.abs(halves - 500)).toBeLessThan(90);
    // Each of the three may stand anywhere.
    for (const hop of [0, 1, 2]) {
      const there = paths.filter((path) => path[hop] === 'p').length;
      expect(Math.abs(there - 500)).toBeLessThan(90);
    }
  });
});

describe('an exit', () => {
  it('is one a path leads to, as often as paths do', () => {
    const wish = wishFor(town);
    const paths = allPaths(wish);
    const ends = paths.map((path) => path.at(-1)?.name ?? '');
    const counts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const { name } = chooseExit(wish);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const name of new Set(ends)) {
      const share = ends.filter((end) => end === name).length / ends.length;
      expect((counts.get(name) ?? 0) / 4000).toBeCloseTo(share, 1);
    }
    expect(counts.size).toBe(new Set(ends).size);
    expect(counts.has('x1')).toBe(false);
  });

  it('of a reply block is any mix', () => {
    const mixes = [nodeAt('a.example', 'a', ['mix']), nodeAt('b.example', 'b', ['mix'])];
    expect(messageOf(() => choosePath(wishFor(mixes, { length: 2 })))).toContain('has the role exit');
    expect(choosePath(wishFor(mixes, { length: 2, lastRole: 'mix' }))).toHaveLength(2);
  });
});

describe('a path that is not there', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => nodeAt(`${name}.example`, name)) as [
    Descriptor,
    Descriptor,
    Descriptor,
  ];
  const own = nodeAt('sender.example', 'own');

  it.each<[string, readonly Descriptor[], Partial<PathWish>, string]>([
    ['of too few nodes', [a, b], {}, 'no path: 3 hops need 3 nodes; the list has 2'],
    [
      'of too few nodes with keys',
      [a, b, { ...c, mixKeys: [] }],
      {},
      'no path: 3 hops need 3 nodes; 2 of 3 nodes of the list have a mix key valid now',
    ],
    [
      'without any exit',
      [a, b, c].map((node) => ({ ...node, roles: ['mix'] as const })),
      {},
      'none of the 3 usable nodes has the role exit',
    ],
    [
      'with exits only',
      [a, b, c].map((node) => ({ ...node, roles: ['exit'] as const })),
      {},
      '3 hops need 2 mixes before an exit',
    ],
    [
      'of one provider',
      [a, nodeAt('a.example', 'a2'), nodeAt('a.example', 'a3'), b],
      {},
      'no path: no 3 nodes of different providers fit (4 usable nodes of 2 providers; rule same-provider)',
    ],
    [
      "with mixes at the sender's provider only",
      [own, { ...a, roles: ['exit'] }],
      { length: 2 },
      "no path: no first node fits that is not at the sender's own provider (rule entry-at-own-provider)",
    ],
    [
      "with exits at the recipient's provider only",
      [a, b, c],
      { length: 2, recipientDomains: ['a.example', 'b.example', 'C.example'] },
      "no path: no exit fits that is not at a recipient's provider (rule exit-at-recipient-provider)",
    ],
    [
      'where either of two rules would do',
      [
        nodeAt('sender.example', 'o1', ['mix']),
        nodeAt('a.example', 'e', ['mix', 'exit']),
        nodeAt('a.example', 'e2', ['exit']),
      ],
      { length: 2 },
      'rule same-provider), or: no first node',
    ],
    [
      'where two rules stand in the way',
      [nodeAt('sender.example', 'own', ['mix']), nodeAt('recipient.example', 'theirs', ['exit'])],
      { length: 2 },
      "no path: no first node fits that is not at the sender's own provider (rule entry-at-own-provider) and no exit",
    ],
    ['to an exit that is not in the list', [a, b, c], { exit: own.nodeId }, 'the chosen exit is not in the list'],
    ['from an exit that is not in the list', [a, b, c], { from: own.nodeId }, 'the exit that sends is not in the list'],
    [
      'when every exit has been tried',
      [a, b, c],
      { avoidExits: new Set([a.nodeId, b.nodeId, c.nodeId]) },
      'no other exit is left',
    ],
  ])('%s: the message says why', (_, nodes, more, message) => {
    expect(messageOf(() => choosePath(wishFor(nodes, more)))).toContain(message);
  });

  it('does not name recipients', () => {
    const text = messageOf(() =>
      choosePath(wishFor([a, b, c], { length: 2, recipientDomains: ['a.example', 'b.example', 'c.example'] })),
    );
    expect(text).not.toContain('.example');
  });
});

describe('two names of one operator', () => {
  it.each([
    ['gmail.com', 'googlemail.com'],
    ['hotmail.com', 'outlook.com'],
    ['live.co.uk', 'outlook.fr'],
    ['icloud.com', 'ME.com'],
    ['gmx.net', 'web.de'],
    ['yahoo.co.jp', 'ymail.com'],
    ['pm.me', 'protonmail.ch'],
  ])('%s and %s count as one provider', (one, other) => {
    expect(operatorOf(one)).toBe(operatorOf(other));
    const nodes = [nodeAt(one, 'one'), nodeAt(other, 'other')];
    expect(messageOf(() => choosePath(wishFor(nodes, { length: 2 })))).toContain('same-provider');
  });
  it.each(['gmail.com.example', 'notgmail.com', 'live.example.org', 'posteo.de'])('%s stands for itself', (domain) => {
    expect(operatorOf(domain)).toBe(domain);
  });
});

describe('a loop', () => {
  const self = town[0] as Descriptor;
  const loop = {
    network: networkOf(town),
    now,
    rng: rngOf('loops'),
    length: 3,
    self: self.nodeId,
    allow: new Set<PathException>(),
  };

  it('ends at its own node and meets no other of its provider', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) {
      const path = chooseLoopPath(loop);
      expect(path).toHaveLength(3);
      expect(path.at(-1)).toBe(self);
      expect(new Set(path.map(({ provider }) => operatorOf(provider))).size).toBe(3);
      seen.add(namesOf(path));
    }
    // p1, r1, s1, x1 are mixes of other providers: 4 x 3 ways.
    expect(seen.size).toBe(12);
  });

  it('needs no exit role of its own node', () => {
    const mixes = town.map((node) => ({ ...node, roles: ['mix'] as const }));
    expect(chooseLoopPath({ ...loop, network: networkOf(mixes) })).toHaveLength(3);
  });

  it('says why there is none', () => {
    expect(messageOf(() => chooseLoopPath({ ...loop, network: networkOf(town.slice(1)) }))).toContain(
      'this node is not in the list',
    );
    expect(messageOf(() => chooseLoopPath({ ...loop, network: networkOf(town.slice(0, 4)) }))).toContain(
      'needs 2 other mixes, each of another provider',
    );
    const here = networkOf(town.slice(0, 3));
    expect(chooseLoopPath({ ...loop, network: here, allow: new Set(['same-provider']) })).toHaveLength(3);
  });
});
