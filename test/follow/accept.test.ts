import { describe, expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { digestOf } from '../../src/route/document.js';
import { now, secretOf } from '../route/nodes.js';
import { defaultNetworkParameters, signNetwork } from '../../src/route/network.js';
import { followWorld } from './follower.js';
import { endorsementOf, keyOf, listAfter, listOf, nodeText, signedBy, today } from './lists.js';

const setUp = () => {
  const world = followWorld();
  return { ...world, alice: world.follower('alice@home.example') };
};
const first = listOf();
const second = listAfter(first);

describe('a list that comes', () => {
  it('is accepted with enough signatures, and is the one in force', () => {
    const { alice, now: at } = setUp();
    expect(() => alice.directory.network(at())).toThrow(expect.objectContaining({ code: 'route/no-list' }));
    expect(alice.take(first.text)).toBe(true);
    expect(alice.directory.network(at()).digest).toBe(first.digest);
    expect(alice.logged).toEqual([`follow/list {"number":${today},"nodes":2}`]);
    alice.take(first.text);
    alice.take(signedBy(first, ['ben', 'cyd']));
    expect(alice.logged).toHaveLength(1);
  });

  it('waits for its hour when it comes before it', () => {
    const { alice, setNow } = setUp();
    setNow(now + (dayMs * 7) / 8);
    alice.take(first.text);
    alice.take(second.text);
    expect(alice.directory.network(now + dayMs - 1).digest).toBe(first.digest);
    expect(alice.directory.network(now + dayMs).digest).toBe(second.digest);
    expect(() => alice.directory.network(now + 4 * dayMs)).toThrow(expect.objectContaining({ code: 'route/expired' }));
  });

  it.each([
    ['too few signatures', listOf({ signers: ['ann'] }).text, 'route/too-few-signatures'],
    ['a stranger among the signers', listOf({ signers: ['ann', 'eve', 'fay'] }).text, 'route/too-few-signatures'],
    [
      'no number',
      signNetwork(
        {
          validFrom: now,
          validUntil: now + dayMs,
          parameters: defaultNetworkParameters,
          descriptors: [nodeText('mia')],
        },
        secretOf('ann'),
      ),
      'route/too-few-signatures',
    ],
    ['another period', listOf({ periodMs: dayMs / 2, number: today * 2 }).text, 'route/bad-document'],
    ['a time that is over', listOf({ number: today - 3 }).text, 'route/expired'],
    ['a time too far ahead', listOf({ number: today + 2 }).text, 'route/not-yet-valid'],
    ['damage', first.text.replace('mix-schedule', 'mix-schedul'), 'route/too-few-signatures'],
    ['half of itself', first.text.slice(0, 2000), 'route/bad-document'],
    ['nothing in it', 'mixmailer-network 1\nend mixmailer-network\n', 'route/bad-document'],
  ])('is refused with %s, and nothing is replaced', (_what, text, code) => {
    const { alice } = setUp();
    expect(alice.take({ kind: 'network', text })).toBe(true);
    expect(alice.store.consensuses()).toEqual([]);
    expect(alice.logged).toEqual([`follow/refused {"why":"${code}"}`]);
  });

  it('is one of four that are kept, newest first, and says what those before it were', () => {
    const { alice, setNow } = setUp();
    let list = first;
    const digests = [first.digest];
    alice.take(list.text);
    for (let i = 1; i < 7; i++) {
      setNow(now + i * dayMs);
      list = listAfter(list);
      digests.unshift(list.digest);
      alice.take(list.text);
    }
    expect(alice.store.consensuses().map(({ digest }) => digest)).toEqual(digests.slice(0, 4));
    expect(alice.store.consensusText(first.digest)).toBeUndefined();
    expect(alice.store.pastDigest(today)).toBe(first.digest);
  });

  it('is accepted with a warning when what lies between it and the last one is too long', () => {
    const { alice, setNow } = setUp();
    alice.take(first.text);
    setNow(now + 40 * dayMs);
    const history = Array.from({ length: 32 }, (_, i) => ({ number: today + 39 - i, digest: digestOf(`list ${i}`) }));
    alice.take(listOf({ number: today + 40, history }).text);
    expect(alice.logged.at(-1)).toBe(`follow/gap {"number":${today + 40}}`);
    expect(alice.store.consensuses()).toHaveLength(2);
  });

  it('is accepted with a warning when it follows from a list before the last one at hand', () => {
    const { alice, setNow } = setUp();
    alice.take(first.text);
    setNow(now + dayMs);
    alice.take(second.text);
    setNow(now + 2 * dayMs);
    alice.take(listAfter(first, { number: today + 2 }).text);
    expect(alice.logged.at(-1)).toBe(`follow/left-out {"number":${today + 2}}`);
    expect(alice.directory.network(now + 2 * dayMs).consensus?.number).toBe(today + 2);
  });
});

describe('an endorsement', () => {
  const other = listOf({ salt: '7' });

  it('of one authority for another list is told of once, and stops nobody', () => {
    const { alice, now: at } = setUp();
    alice.take(first.text);
    for (let i = 0; i < 3; i++) expect(alice.take(endorsementOf(other, 'ben'))).toBe(true);
    expect(alice.logged.slice(1)).toEqual([`follow/other-list {"number":${today},"authority":"${keyOf('ben')}"}`]);
    expect(alice.directory.network(at()).digest).toBe(first.digest);
  });

  it('of enough authorities for another list is a fork, whichever came first', () => {
    const { alice, now: at } = setUp();
    alice.take(endorsementOf(other, 'ben'));
    alice.take(endorsementOf(other, 'cyd'));
    expect(alice.store.forks()).toEqual([]);
    alice.take(first.text);
    expect(alice.store.forks()).toMatchObject([{ number: today, digests: [first.digest, other.digest] }]);
    expect(() => alice.directory.network(at())).toThrow(expect.objectContaining({ code: 'route/fork' }));
  });

  it.each([
    ['of a stranger', endorsementOf(other, 'eve')],
    ['of another number', endorsementOf(listOf({ number: today + 9 }), 'ann')],
    ['that is damaged', endorsementOf(other, 'ann').replace('digest ', 'digest 0')],
    ['whose signature is another one', endorsementOf(other, 'ann').replace(keyOf('ann'), keyOf('ben'))],
  ])('%s is not kept', (_what, text) => {
    const { alice } = setUp();
    alice.take(first.text);
    expect(alice.take({ kind: 'endorsement', text })).toBe(true);
    expect(alice.store.endorsements(today)).toEqual([]);
    expect(alice.store.endorsements(today + 9)).toEqual([]);
  });

  it('is forgotten with its list, and one authority fills no room', () => {
    const { alice, setNow } = setUp();
    alice.take(first.text);
    for (const salt of ['1', '2', '3', '4']) alice.take(endorsementOf(listOf({ salt }), 'ann'));
    expect(alice.store.endorsements(today)).toHaveLength(2);
    let list = first;
    for (let i = 1; i < 6; i++) {
      setNow(now + i * dayMs);
      list = listAfter(list);
      alice.take(list.text);
    }
    expect(alice.store.endorsements(today)).toEqual([]);
  });
});
