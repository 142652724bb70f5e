import { describe, expect, it } from 'vitest';
import { started } from '../fakes/directory.js';
import { nextRound } from './liar.js';
import { at, digestsOf, namesIn } from './stories.js';

// Clocks that go wrong and mail that is slow. A phase is an eighth of a period: three hours of a day.

const small = { nodes: 3, probesPerPeriod: 0 } as const;

type Directory = Awaited<ReturnType<typeof started>>;

const numbersOf = ({ authorities }: Directory): readonly (number | undefined)[] =>
  authorities.map((authority) => authority.list()?.consensus?.number);

/** How many authorities' votes made the list of that number: who was heard in time. */
const votersOf = ({ authorities }: Directory, number: number): readonly string[] =>
  at(authorities, 0)
    .store.councilDocuments(number, 'vote')
    .map(({ authority }) => authority);

const signersOf = (directory: Directory): readonly (string | undefined)[] =>
  [...(at(directory.authorities, 0).list()?.text ?? '').matchAll(/^signature ([0-9a-f]{64})$/gm)]
    .map(([, key]) => key)
    .filter((key) => directory.configured.some((one) => one.key === key));

describe('an authority whose clock is wrong', () => {
  it.each([-1 / 2, 1 / 2])('by %s of a phase takes part', async (phases) => {
    const directory = await started(small);
    const odd = at(directory.authorities, 3);
    odd.skewMs = (phases * directory.periodMs) / 8;
    const { number } = nextRound(directory);
    await directory.periods(1);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(numbersOf(directory)).toEqual([number, number, number, number]);
    expect(votersOf(directory, number)).toContain(odd.key);
    expect(signersOf(directory).length).toBeGreaterThanOrEqual(3);
  });

  it.each([-3 / 2, 3 / 2])('by %s phases costs the others nothing', async (phases) => {
    const directory = await started(small);
    const odd = at(directory.authorities, 3);
    odd.skewMs = (phases * directory.periodMs) / 8;
    const { number } = nextRound(directory);
    await directory.periods(2);
    const others = directory.authorities.slice(0, 3);
    expect(new Set(others.map(({ list }) => list()?.digest)).size).toBe(1);
    expect(others.map(({ list }) => list()?.consensus?.number)).toEqual([number + 1, number + 1, number + 1]);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    for (const { store } of others) expect(store.contradictions()).toEqual([]);
    // Its clock put right, it is one of them again.
    odd.skewMs = 0;
    await directory.periods(2);
    expect(new Set(digestsOf(directory)).size).toBe(1);
  });
});

describe('mail', () => {
  it('that takes half a phase is in time', async () => {
    const directory = await started(small);
    directory.delay = () => directory.periodMs / 16;
    const { number } = nextRound(directory);
    await directory.periods(2);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(numbersOf(directory)).toEqual([number + 1, number + 1, number + 1, number + 1]);
  });

  it('of one authority that takes longer than a phase costs its own vote', async () => {
    const directory = await started(small);
    const slow = at(directory.authorities, 3);
    directory.delay = ({ from }) => (from === slow.account.address ? (3 * directory.periodMs) / 16 : 0);
    const { number } = nextRound(directory);
    await directory.periods(1);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(numbersOf(directory)).toEqual([number, number, number, number]);
  });

  it('between two of them that is lost comes round by the others', async () => {
    const directory = await started(small);
    const [a, b] = [at(directory.authorities, 0), at(directory.authorities, 1)];
    const pair = new Set([a.account.address, b.account.address]);
    directory.delay = ({ from, to }) => (pair.has(from) && pair.has(to) ? undefined : 0);
    const { number } = nextRound(directory);
    await directory.periods(1);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(numbersOf(directory)).toEqual([number, number, number, number]);
  });

  it('with a node’s descriptor that reaches three of four gets it in, and the fourth proves it itself', async () => {
    const directory = await started(small);
    const last = at(directory.authorities, 3);
    const late = directory.addNode('mix4');
    directory.delay = ({ from, to }) => (from === late.account.address && to === last.account.address ? undefined : 0);
    await late.announce();
    await directory.periods(1);
    expect(namesIn(directory)).toContain('mix4');
    expect(last.store.member(late.nodeId)).toBeUndefined();
    directory.delay = () => 0;
    await directory.periods(1);
    expect(last.store.member(late.nodeId)).toBeDefined();
  });
});
