import { describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { toHex } from '../../src/base/bytes.js';
import { dayMs } from '../../src/base/units.js';
import { chooseBlockPath, createBlock } from '../../src/client/blocks.js';
import type { PathException } from '../../src/path/path.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { networkOf, nodeAt, now, rngOf } from '../route/nodes.js';

const crypto = chooseCrypto();
const rulesOf = (...allow: readonly PathException[]) => ({ senderProvider: 'home.test', allow: new Set(allow) });

/** The providers of many paths for reply blocks, hop by hop. */
const providersOf = (
  exit: ReturnType<typeof nodeAt>,
  nodes: readonly ReturnType<typeof nodeAt>[],
  rules = rulesOf(),
): readonly (readonly string[])[] => {
  const rng = rngOf('paths');
  const moment = { network: networkOf(nodes), now };
  return Array.from({ length: 200 }, () =>
    chooseBlockPath({ rules, rng }, exit, moment).map(({ provider }) => provider),
  );
};

describe('the path of a reply block', () => {
  const exit = nodeAt('gmail.com', 'exit');
  const others = ['a.test', 'b.test', 'c.test', 'd.test', 'home.test'].map((provider) =>
    nodeAt(provider, `at-${provider}`),
  );

  it('never touches a node of the exit’s operator, under whatever name, nor ends at the user’s own provider', () => {
    const sibling = nodeAt('googlemail.com', 'sibling');
    const paths = providersOf(exit, [exit, sibling, ...others]);
    expect(paths.flat()).not.toContain('gmail.com');
    expect(paths.flat()).not.toContain('googlemail.com');
    expect(paths.every((path) => path.length === 3 && new Set(path).size === 3)).toBe(true);
    expect(new Set(paths.map((path) => path[2]))).toEqual(new Set(['a.test', 'b.test', 'c.test', 'd.test']));
    expect(new Set(paths.map((path) => path[0])).size).toBe(5);
  });

  it('needs no exit at its end', () => {
    const mixes = others.map((node) => ({ ...node, roles: ['mix'] as const }));
    expect(providersOf(exit, [exit, ...mixes])).toHaveLength(200);
  });

  it('stays away from the exit’s operator even where rules are given up', () => {
    const siblings = ['one', 'two', 'three'].map((name) => nodeAt('gmail.com', name));
    const given = rulesOf('same-provider', 'entry-at-own-provider', 'exit-at-recipient-provider');
    expect(() => providersOf(exit, [exit, ...siblings], given)).toThrow(
      /receipts and replies.*client\.receipts = false/,
    );
    expect(providersOf(exit, [exit, ...siblings, ...others], given).flat()).not.toContain('gmail.com');
  });
});

describe('a reply block', () => {
  const withKey = (provider: string, expiresAt: number) => {
    const { publicKey } = expandKey(crypto, rngOf(provider)(32));
    const node = nodeAt(provider, provider);
    return { ...node, mixKeys: [{ publicKey, notBefore: now - dayMs, notAfter: now + dayMs, expiresAt }] };
  };

  it('lives as long as the first of the keys it needs', () => {
    const exit = withKey('exit.test', now + 2 * dayMs);
    const nodes = [9, 7, 8].map((days) => withKey(`p${days}.test`, now + days * dayMs));
    const deps = { crypto, rng: rngOf('block'), rules: rulesOf(), from: 'alice@home.test' };
    const blocks = [1, 2].map(() => createBlock(deps, exit, { network: networkOf([exit, ...nodes]), now }));
    expect(blocks.map(({ expiresAt }) => expiresAt)).toEqual([now + 7 * dayMs, now + 7 * dayMs]);
    expect(new Set(blocks.map(({ id }) => toHex(id))).size).toBe(2);
    expect(blocks.map(({ surb }) => surb.length)).toEqual([7162, 7162]);
    expect(blocks.every((block) => block.exit === exit.nodeId)).toBe(true);
  });
});
