import { describe, expect, it } from 'vitest';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { applyDiff } from '../../src/council/diff.js';
import { formatRequest } from '../../src/council/request.js';
import { answerCache, usualAnswerBounds } from '../../src/follow/answer.js';
import { now } from '../route/nodes.js';
import { documentsOf, type Follower, type FollowerOptions, followWorld } from './follower.js';
import { endorsementOf, listAfter, listOf, signedBy, today } from './lists.js';

const first = listOf();
const second = listAfter(first, { nodes: ['mia', 'noa', 'oli'] });
const askedBy = (from: string | undefined, have?: string) => [formatRequest({ have }), { from }] as const;

const setUp = (options: FollowerOptions = {}) => {
  const world = followWorld();
  world.setNow(now + dayMs);
  const node = world.follower('mix@mia.example', { prefers: 'authorities', ...options });
  node.take(first.text);
  node.take(second.text);
  for (const name of ['ann', 'ben']) node.take(endorsementOf(second, name));
  const answers = async (): Promise<readonly { readonly to: string; readonly kinds: readonly string[] }[]> => {
    await node.post();
    return world.mail.observed.map(({ to, raw }) => ({ to, kinds: documentsOf(raw).map(({ kind }) => kind) }));
  };
  for (const name of ['alice', 'bob', 'carol', 'dave']) world.mail.account(`${name}@home.example`);
  return { ...world, node, answers };
};

describe('a request', () => {
  it.each([
    ['the whole list, to who has none', undefined, ['network', 'endorsement', 'endorsement']],
    ['the whole list, to who has one that nobody knows', '77'.repeat(32), ['network', 'endorsement', 'endorsement']],
    ['a difference, to who has the list before', first.digest, ['diff', 'endorsement', 'endorsement']],
    ['what was signed, to who has the list', second.digest, ['endorsement', 'endorsement']],
  ])('gets %s', async (_what, have, kinds) => {
    const { node, answers } = setUp();
    node.take(...askedBy('alice@home.example', have));
    expect(await answers()).toEqual([{ to: 'alice@home.example', kinds }]);
  });

  it('gets a difference that fits a copy with other signatures', async () => {
    const { mail, node, answers } = setUp();
    node.take(...askedBy('alice@home.example', first.digest));
    await answers();
    const [diff] = documentsOf(mail.observed[0]?.raw ?? new Uint8Array());
    expect(applyDiff(signedBy(first, ['cyd', 'ben']), diff?.text ?? '', 1_000_000)).toBe(second.text);
  });

  it('gets nothing where there is no list', () => {
    const world = followWorld();
    const node = world.follower('mix@mia.example');
    expect(node.take(...askedBy('alice@home.example'))).toBe(true);
    expect(node.store.outgoingCount()).toBe(0);
  });

  it('gets nothing from a client', () => {
    const { node } = setUp({ answers: undefined });
    node.take(...askedBy('alice@home.example'));
    expect(node.store.outgoingCount()).toBe(0);
  });

  it.each([
    ['without an author', { from: undefined }],
    ['from the own address', { from: 'MIX@mia.example' }],
    ['in an automatic mail', { from: 'alice@home.example', isAutomatic: true }],
  ])('gets nothing %s', (_what, mail) => {
    const { node } = setUp();
    node.take(formatRequest({ have: undefined }), mail);
    expect(node.store.outgoingCount()).toBe(0);
  });

  it('that is damaged gets nothing', () => {
    const { node } = setUp();
    const text = formatRequest({ have: undefined }).replace('\n', '\nhave 7\n');
    expect(node.take({ kind: 'request', text })).toBe(true);
    expect(node.store.outgoingCount()).toBe(0);
  });
});

describe('answers are bounded', () => {
  const ask = (node: Follower, from: string): void => void node.take(...askedBy(from));

  it('to four a period for one mailbox, whatever stands behind its plus', () => {
    const { node, setNow } = setUp();
    for (let i = 0; i < 10; i++) ask(node, `alice${i % 2 === 0 ? '' : `+${i}`}@home.example`);
    expect(node.store.outgoingCount()).toBe(4);
    ask(node, 'bob@home.example');
    expect(node.store.outgoingCount()).toBe(5);
    setNow(now + 2 * dayMs + 1);
    ask(node, 'alice@home.example');
    expect(node.store.outgoingCount()).toBe(6);
  });

  it('to a number and to bytes a period for all', () => {
    const few = setUp({ answers: { bounds: { ...usualAnswerBounds, count: 3 }, cache: answerCache() } });
    for (let i = 0; i < 9; i++) ask(few.node, `a${i}@home.example`);
    expect(few.node.store.outgoingCount()).toBe(3);
    const small = setUp({ answers: { bounds: { ...usualAnswerBounds, bytes: 12_000 }, cache: answerCache() } });
    for (let i = 0; i < 9; i++) ask(small.node, `a${i}@home.example`);
    const { count, bytes } = small.node.store.answersSince(0);
    expect(count).toBe(small.node.store.outgoingCount());
    expect(count).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(12_000);
  });

  it('across a restart, and keeps no address', () => {
    const { node } = setUp();
    for (let i = 0; i < 4; i++) ask(node, 'alice@home.example');
    const asker = node.store.answersTo('alice@home.example', 0);
    expect(asker).toBe(0);
    expect(node.store.answersSince(now).count).toBe(4);
  });
});

describe('what is compressed', () => {
  it('is compressed once for all who have the same, and again when there is more to say', () => {
    let times = 0;
    const compression = {
      ...nodeCompression,
      deflate: (bytes: Uint8Array) => {
        times++;
        return nodeCompression.deflate(bytes);
      },
    };
    const { node, setNow } = setUp({ compression });
    for (let i = 0; i < 20; i++) {
      node.take(...askedBy(`a${i}@home.example`, first.digest));
      node.take(...askedBy(`b${i}@home.example`));
    }
    expect(times).toBe(2);
    node.take(endorsementOf(second, 'cyd'));
    node.take(...askedBy('c@home.example', first.digest));
    expect(times).toBe(3);
    setNow(now + 2 * dayMs + hourMs);
    node.take(listAfter(second).text);
    node.take(...askedBy('d@home.example', first.digest));
    node.take(...askedBy('e@home.example', first.digest));
    expect(times).toBe(4);
    expect(node.store.consensuses()[0]?.number).toBe(today + 2);
  });
});
