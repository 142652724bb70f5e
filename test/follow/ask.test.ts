import { describe, expect, it } from 'vitest';
import { dayMs, hourMs } from '../../src/base/units.js';
import { type AskView, chooseSource, nameOf, planAfter, planAt, type Source, sourcesOf } from '../../src/follow/ask.js';
import { now, rngOf } from '../route/nodes.js';
import { authorities, listOf, today } from './lists.js';

const keptOf = (number: number) => ({ number, digest: '00'.repeat(32), periodMs: dayMs, acceptedAt: now });
const viewOf = (more: Partial<AskView> = {}): AskView => ({
  periodMs: dayMs,
  newest: keptOf(today - 1),
  plan: undefined,
  prefers: 'nodes',
  askedFor: () => 0,
  ...more,
});
const seeds = Array.from({ length: 200 }, (_, i) => rngOf(`ask ${i}`));
const whenever = (view: AskView, at: number): readonly number[] => seeds.map((rng) => planAt(view, at, rng).at);
const least = (times: readonly number[]): number => (Math.min(...times) - now) / dayMs;
const most = (times: readonly number[]): number => (Math.max(...times) - now) / dayMs;

describe('a list is asked for', () => {
  it('by clients in the first eighth of its period, by nodes in the sixteenth before it, at random', () => {
    const clients = whenever(viewOf(), now - dayMs / 8);
    const nodes = whenever(viewOf({ prefers: 'authorities' }), now - dayMs / 8);
    expect(least(clients)).toBeGreaterThanOrEqual(0);
    expect(most(clients)).toBeLessThan(1 / 8);
    expect(most(clients)).toBeGreaterThan(1 / 9);
    expect(least(nodes)).toBeGreaterThan(-1 / 16);
    expect(most(nodes)).toBeLessThanOrEqual(0);
    expect(new Set([...clients, ...nodes]).size).toBe(400);
  });

  it('soon by who comes late, and at once by who has no list, or one that is about to end', () => {
    const late = whenever(viewOf(), now + dayMs / 2);
    expect(least(late)).toBeGreaterThanOrEqual(1 / 2);
    expect(most(late)).toBeLessThan(1 / 2 + 1 / 32);
    for (const newest of [undefined, keptOf(today - 2)])
      expect(new Set(whenever(viewOf({ newest }), now + hourMs))).toEqual(new Set([now + hourMs]));
  });

  it('again with ever longer waits: no more than six times in a period, or nine without a list', () => {
    for (const [newest, times] of [
      [keptOf(today - 1), 6],
      [undefined, 9],
    ] as const)
      for (const rng of seeds.slice(0, 20)) {
        let asked = 0;
        let view = viewOf({ newest, askedFor: () => asked });
        let plan = planAt(view, now, rng);
        while (plan.at < now + (dayMs * 7) / 8) {
          asked++;
          plan = planAfter(view, plan, plan.at, rng);
          view = { ...view, plan };
          expect(planAt(view, Math.min(plan.at - 1, now + dayMs / 2), rng)).toBe(plan);
        }
        expect(asked).toBeGreaterThan(3);
        expect(asked).toBeLessThanOrEqual(times);
      }
  });

  it('for comparison once, when it is at hand and all should have it, and then no more', () => {
    const plan = { number: today, kind: 'ask', at: now } as const;
    const view = viewOf({ newest: keptOf(today), plan });
    const times = whenever(view, now);
    expect(least(times)).toBeGreaterThanOrEqual(1 / 8);
    expect(most(times)).toBeLessThan(3 / 4);
    const [rng = rngOf('')] = seeds;
    const compare = planAt(view, now, rng);
    const after = planAfter({ ...view, plan: compare }, compare, compare.at, rng);
    expect(planAt({ ...view, plan: after }, now + (dayMs * 6) / 8, rng)).toBe(after);
    expect(after.at).toBeGreaterThan(now + 1000 * dayMs);
    // The next one.
    expect(planAt({ ...view, plan: after }, now + (dayMs * 7) / 8, rng)).toMatchObject({
      number: today + 1,
      kind: 'ask',
    });
  });
});

describe('who is asked', () => {
  const network = listOf({ nodes: ['mia', 'noa', 'oli'] });
  const urls = ['https://lists.example/a'];
  const all = sourcesOf({ authorities, urls }, network, ['other@noa.example', 'mix@NOA.example']);
  const order = (prefers: 'authorities' | 'nodes', sources: readonly Source[], count: number, seed: string) => {
    const asked: string[] = [];
    const kinds: string[] = [];
    const rng = rngOf(seed);
    for (let i = 0; i < count; i++) {
      const source = chooseSource(sources, asked, prefers, rng);
      if (source === undefined) break;
      asked.push(nameOf(source));
      kinds.push(source.kind);
    }
    return { asked, kinds };
  };

  it('is everybody who may have the list but the asker', () => {
    expect(all.map(nameOf)).toEqual([
      'ann@council.example',
      'ben@council.example',
      'cyd@council.example',
      'mix@mia.example',
      'mix@oli.example',
      'https://lists.example/a',
    ]);
    expect(sourcesOf({ authorities, urls: [] }, undefined, ['x@y.example'])).toHaveLength(3);
  });

  it('are two of different kinds first, then the others, and nobody twice while there is somebody else', () => {
    for (let i = 0; i < 50; i++) {
      const nodes = order('nodes', all, 6, `n${i}`);
      expect(new Set(nodes.kinds.slice(0, 2))).toEqual(new Set(['node', 'url']));
      expect(nodes.kinds[2]).toBe('authority');
      expect(new Set(nodes.asked).size).toBe(6);
      const { kinds } = order('authorities', all, 3, `a${i}`);
      expect(new Set([kinds[0], kinds[2]])).toEqual(new Set(['authority', 'url']));
      expect(kinds[1]).toBe('node');
    }
  });

  it('are mailboxes of different operators', () => {
    const nodes = ['mia', 'noa', 'oli'].map((name, i) => ({
      kind: 'node' as const,
      address: `mix@${name}.example`,
      operator: i === 2 ? 'small.example' : 'large.example',
    }));
    for (let i = 0; i < 30; i++) {
      const { asked } = order('nodes', nodes, 2, `o${i}`);
      expect(asked).toContain('mix@oli.example');
    }
  });

  it('is whoever was asked the longest ago when there is nobody else, and nobody where there is none', () => {
    const two = all.slice(0, 2);
    const { asked } = order('nodes', two, 4, 'few');
    expect(asked.slice(2)).toEqual(asked.slice(0, 2));
    expect(order('nodes', [], 3, 'none').asked).toEqual([]);
  });

  it('is drawn from all alike', () => {
    const count = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      const [name = ''] = order('nodes', all.slice(3, 5), 1, `d${i}`).asked;
      count.set(name, (count.get(name) ?? 0) + 1);
    }
    expect([...count.values()].every((times) => times > 110)).toBe(true);
  });
});
