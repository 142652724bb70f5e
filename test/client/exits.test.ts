import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/base/ids.js';
import { nextTarget, pickExit, wishFor } from '../../src/client/exits.js';
import type { ExitDeps } from '../../src/client/exits.js';
import type { Sending } from '../../src/ports/client-store.js';
import { networkOf, nodeAt, now, rngOf } from '../route/nodes.js';

const retry = { intervalMs: 1, otherExitAfter: 2 };
const depsOf = (receipts: ExitDeps['receipts'] = { retry }): ExitDeps => ({
  rng: rngOf('exits'),
  rules: { senderProvider: 'home.test', allow: new Set() },
  receipts,
});
const nodes = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'].map((provider) =>
  nodeAt(provider, `node-${provider}`),
);
const alias = 'abcdefghij234567';

const exitsFor = (recipient: string, among = nodes, deps = depsOf()): readonly string[] => {
  const wish = wishFor(deps, recipient, { network: networkOf(among), now });
  return [...new Set(Array.from({ length: 100 }, () => pickExit(deps, wish).provider))].toSorted();
};

describe('an exit', () => {
  it('is not at the recipient’s provider', () => {
    expect(exitsFor('bob@c.test')).toEqual(['a.test', 'b.test', 'd.test', 'e.test']);
  });

  it('is the one whose alias the recipient is, at whatever provider, and no other one', () => {
    expect(exitsFor(`node-c.test+${alias}@c.test`)).toEqual(['c.test']);
    expect(exitsFor(`NODE-c.test+${alias.toUpperCase()}@c.test`)).toEqual(['c.test']);
    // Neither of these is an alias of a listed exit.
    expect(exitsFor('node-c.test+news@c.test')).not.toContain('c.test');
    expect(exitsFor(`somebody+${alias}@c.test`)).not.toContain('c.test');
    const mixOnly = nodes.map((node) => (node.provider === 'c.test' ? { ...node, roles: ['mix'] as const } : node));
    expect(exitsFor(`node-c.test+${alias}@c.test`, mixOnly)).not.toContain('c.test');
  });

  it('is one with a way back, if receipts are wanted', () => {
    // Three mixes and somebody who only hands over: from one of the three no three others lead back.
    const few = [...nodes.slice(0, 3), nodeAt('last.test', 'last', ['exit'])];
    expect(exitsFor('bob@friend.test', few)).toEqual(['last.test']);
    expect(exitsFor('bob@friend.test', few, { ...depsOf(), receipts: undefined })).toHaveLength(4);
    const three = nodes.slice(0, 3);
    expect(exitsFor('bob@friend.test', three, { ...depsOf(), receipts: undefined })).toHaveLength(3);
    expect(() => exitsFor('bob@friend.test', three)).toThrow('no way back');
  });
});

describe('the next exit', () => {
  const heard = (provider: string, more: Partial<Sending> = {}): Sending => {
    const exit: NodeId = nodeAt(provider, `node-${provider}`).nodeId;
    const unasked = { askAt: undefined, asked: 0, hearBy: undefined };
    const sent = { exit, bytes: new Uint8Array(1), confirmed: [1], unanswered: 1, sentAt: 0, closed: undefined };
    return { ...sent, ...unasked, ...more };
  };
  const next = (sendings: readonly Sending[], among = nodes) => {
    const deps = depsOf();
    const wish = wishFor(deps, 'bob@friend.test', { network: networkOf(among), now });
    return nextTarget(deps, wish, sendings);
  };

  it('is the last one until it has been silent twice', () => {
    const last = heard('b.test', { unanswered: 1 });
    expect(next([last, heard('a.test')])).toMatchObject({ exit: { provider: 'b.test' }, known: last });
    const target = next([heard('b.test', { unanswered: 2 }), heard('a.test')]);
    expect(['c.test', 'd.test', 'e.test']).toContain(target?.exit.provider);
    expect(target?.known).toBeUndefined();
  });

  it('is, when all have been tried, the one tried longest ago, and what it said before doesn’t count', () => {
    const all = ['e.test', 'd.test', 'c.test', 'b.test', 'a.test'].map((one) => heard(one, { unanswered: 2 }));
    expect(next(all)).toMatchObject({ exit: { provider: 'a.test' }, known: { confirmed: [], unanswered: 0 } });
    const closed = all.map((one, i) => (i === 4 ? { ...one, closed: 'gave-up' as const } : one));
    expect(next(closed)?.exit.provider).toBe('b.test');
  });

  it('is none when all have closed; but a list without a way is no such answer', () => {
    const closed = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'].map((one) => heard(one, { closed: 'expired' }));
    expect(next(closed)).toBeUndefined();
    expect(() => next(closed, nodes.slice(0, 2))).toThrow('no path');
    expect(() => next([], nodes.slice(0, 2))).toThrow('no path');
  });
});
