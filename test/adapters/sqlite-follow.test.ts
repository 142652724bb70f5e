import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientSchema, sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { followStore, followTables } from '../../src/adapters/sqlite-follow.js';
import { mixSchema, sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { openStore } from '../../src/adapters/sqlite.js';
import { dayMs } from '../../src/base/units.js';
import type { FollowStore } from '../../src/ports/follow.js';

const digestOf = (n: number): string => `${n}`.padStart(64, '0');
const keep = (store: FollowStore, number: number, history: readonly number[] = []): void =>
  store.keepConsensus({
    number,
    digest: digestOf(number),
    periodMs: dayMs,
    acceptedAt: 7.9,
    text: `list ${number}`,
    history: history.map((past) => ({ number: past, digest: digestOf(past) })),
  });
const forkAt = (number: number, other = 99) => ({
  number,
  digests: [digestOf(number), digestOf(other)] as const,
  authorities: ['a', 'b'],
  evidence: 'text',
  seenAt: 5,
});

describe.each([
  ['a node', (): FollowStore => sqliteMixStore(':memory:')],
  ['a client', (): FollowStore => sqliteClientStore(':memory:')],
  ['a role of its own', (): FollowStore => followStore(openStore(':memory:', [followTables]).sql)],
])('what %s keeps of lists', (_name, open) => {
  let store: FollowStore;
  beforeEach(() => (store = open()));

  it('is four lists, and the digests of 64', () => {
    for (const number of [10, 12, 11]) keep(store, number);
    expect(store.consensuses()).toEqual(
      [12, 11, 10].map((number) => ({ number, digest: digestOf(number), periodMs: dayMs, acceptedAt: 7 })),
    );
    keep(store, 13, [12, 11, 10, 9]);
    keep(store, 14);
    expect(store.consensuses().map(({ number }) => number)).toEqual([14, 13, 12, 11]);
    expect(store.consensusText(digestOf(10))).toBeUndefined();
    expect(store.consensusText(digestOf(14))).toBe('list 14');
    expect([8, 9, 10].map(store.pastDigest)).toEqual([undefined, digestOf(9), digestOf(10)]);
    for (let number = 15; number < 90; number++) keep(store, number);
    expect([25, 26].map(store.pastDigest)).toEqual([undefined, digestOf(26)]);
  });

  it('is what was known first of a number', () => {
    keep(store, 10);
    store.keepConsensus({
      number: 11,
      digest: digestOf(11),
      periodMs: dayMs,
      acceptedAt: 1,
      text: '',
      history: [{ number: 10, digest: digestOf(77) }],
    });
    expect(store.pastDigest(10)).toBe(digestOf(10));
  });

  it('is a few forks, until they are forgotten with the lists from the first one on', () => {
    for (const number of [10, 11, 12]) keep(store, number);
    expect(store.forgetForks()).toBe(0);
    store.setAskPlan({ number: 13, kind: 'ask', at: 1 });
    for (let i = 0; i < 6; i++) store.addFork(forkAt(12, 90 + i));
    store.addFork(forkAt(12, 90));
    expect(store.forks()).toHaveLength(4);
    expect(store.forks()[0]).toEqual(forkAt(12, 90));
    expect(store.forgetForks()).toBe(4);
    expect(store.forks()).toEqual([]);
    expect(store.consensuses().map(({ number }) => number)).toEqual([11, 10]);
    expect(store.pastDigest(12)).toBeUndefined();
    expect(store.askPlan()).toBeUndefined();
  });

  it('is two endorsements of an authority and number', () => {
    const said = (n: number, digest: number) => ({
      number: n,
      authority: 'a',
      digest: digestOf(digest),
      text: `${n} ${digest}`,
    });
    expect([said(1, 1), said(1, 1), said(1, 2), said(1, 3), said(2, 3)].map(store.keepEndorsement)).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(store.endorsements(1)).toEqual([said(1, 1), said(1, 2)]);
    store.forgetEndorsements(2);
    expect([1, 2].map((number) => store.endorsements(number).length)).toEqual([0, 1]);
  });

  it('is whom it asked, and what it is about to ask', () => {
    expect([store.askPlan(), store.asks(1)]).toEqual([undefined, []]);
    store.setAskPlan({ number: 1, kind: 'ask', at: 5.5 });
    store.setAskPlan({ number: 1, kind: 'compare', at: Infinity });
    expect(store.askPlan()).toEqual({ number: 1, kind: 'compare', at: Number.MAX_SAFE_INTEGER });
    store.addAsk(1, 'x', 10);
    store.addAsk(1, 'y', 20);
    store.addAsk(2, 'x', 15);
    expect(store.asks(1)).toEqual([
      { source: 'x', at: 10 },
      { source: 'y', at: 20 },
    ]);
    store.forgetAsks(2);
    expect([store.asks(1), store.asks(2)]).toEqual([[], [{ source: 'x', at: 15 }]]);
  });

  it('is what it answered', () => {
    store.countAnswer('x', 10, 100);
    store.countAnswer('x', 20, 200);
    store.countAnswer('y', 20, 300);
    expect([store.answersTo('x', 10), store.answersTo('x', 11), store.answersTo('z', 0)]).toEqual([2, 1, 0]);
    expect(store.answersSince(11)).toEqual({ count: 2, bytes: 500 });
    store.forgetAnswers(20);
    expect(store.answersSince(0)).toEqual({ count: 2, bytes: 500 });
  });
});

describe('databases of earlier versions', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'follow-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a node', mixSchema, sqliteMixStore],
    ['a client', clientSchema, sqliteClientStore],
  ] as const)('of %s get the tables', (_name, schema, open) => {
    const file = path.join(folder, 'data', 'mixmailer.db');
    const at = schema.indexOf(followTables);
    openStore(file, schema.slice(0, at)).close();
    const store = open(file);
    keep(store, 1);
    expect(store.consensuses()).toHaveLength(1);
    store.close();
  });
});
