import { describe, expect, it } from 'vitest';
import { diceOf } from './dice.js';
import { startCoverage } from './coverage.js';
import { fuzz, replayed, type Result } from './engine.js';
import { minimized } from './minimize.js';
import { bytesOf, type Target, targetOf, textOf } from './target.js';
import { allTargets, inputsOf } from './targets.js';
import { planted } from './planted.js';
import { judged } from './verdict.js';

const fuzzed = (target: Target, inputs: number, coverage?: ReturnType<typeof startCoverage>): Promise<Result> =>
  fuzz(target, { seed: 1, inputs, until: Infinity, coverage, before: () => undefined });

const plantedTarget = (run: Target['run'], sample = 'nothing'): Target => ({
  name: 'planted',
  samples: [bytesOf(sample)],
  tokens: [],
  longestBytes: 64,
  errors: ['PacketError'],
  run,
});

const keysOf = ({ found }: Result): readonly string[] => found.map(({ key }) => key);

describe('every decoder', () => {
  it.each(allTargets.map((spec) => [spec.name, spec] as const))('%s gives values or its errors', async (_, spec) => {
    const target = await targetOf(spec);
    const { found, values } = await fuzzed(target, target.samples.length + 40 + 5 * spec.weight);
    expect(found.map(({ text, chain }) => `${text} (${chain})`)).toEqual([]);
    expect(values).toBeGreaterThanOrEqual(target.samples.length);
  });

  it('has its part of the inputs', () => {
    const counts = inputsOf(allTargets, 10_000_000);
    expect(counts.size).toBe(allTargets.length);
    expect([...counts.values()].reduce((a, b) => a + b, 0)).toBeCloseTo(10_000_000, -2);
  });
});

describe('the harness', () => {
  it('finds an error that is none of those expected, and says how to have it again', async () => {
    const target = plantedTarget((input) => {
      if (input.includes(0xff)) throw new RangeError('planted');
      return 'value';
    });
    const { found } = await fuzzed(target, 2000);
    expect(found).toHaveLength(1);
    const [first] = found;
    if (first === undefined) expect.fail('nothing found');
    const { chain, input, key } = first;
    expect(replayed(target, 1, chain)).toEqual(input);
    expect(await minimized(target, input, { key, before: () => undefined })).toEqual(Uint8Array.of(0xff));
  });

  it('finds what changes its input, and a prototype', async () => {
    const changes = plantedTarget((input) => {
      input[0] = 1;
      return 'value';
    });
    expect(keysOf(await fuzzed(changes, 10))).toEqual(['changes its input']);
    const polluter = plantedTarget(() => {
      Object.assign(Object.prototype, { polluted: 1 });
      return 'value';
    });
    try {
      expect(keysOf(await fuzzed(polluter, 10))).toEqual(['pollutes']);
    } finally {
      delete (Object.prototype as { polluted?: 1 }).polluted;
    }
  });

  it('finds what takes too long, and not what had to wait for a processor', async () => {
    let [wallMs, processorMs] = [0, 0];
    const clocks = { wallMs: () => wallMs, processorMs: () => processorMs };
    const takes = (ofWallMs: number, ofProcessorMs: number): Target =>
      plantedTarget(() => {
        wallMs += ofWallMs;
        processorMs += ofProcessorMs;
        return 'value';
      });
    expect(await judged(takes(1200, 1100), new Uint8Array(9), clocks)).toMatchObject({
      key: 'slow',
      text: 'one input of 9 bytes takes 1100 ms',
    });
    expect(await judged(takes(1200, 900), new Uint8Array(9), clocks)).toMatchObject({ kind: 'value', ms: 900 });
  });

  it('comes to code behind four comparisons by what code ran, and not without', async () => {
    const target = plantedTarget(planted);
    const coverage = startCoverage((url) => url.includes('fuzz/planted'));
    const guided = await fuzzed(target, 40_000, coverage);
    coverage.end();
    expect(keysOf(guided)).toEqual([expect.stringContaining('TypeError')]);
    expect(guided.kept).toBeGreaterThanOrEqual(3);
    expect(keysOf(await fuzzed(target, 20_000))).toEqual([]);
  });

  it('draws the same for the same seed and index, and other things for others', () => {
    const drawn = (seed: number, index: number, stream: number): readonly number[] => {
      const dice = diceOf(seed, index, stream);
      return Array.from({ length: 4 }, () => dice.word());
    };
    expect(drawn(1, 2, 3)).toEqual(drawn(1, 2, 3));
    const all = [drawn(1, 2, 3), drawn(2, 2, 3), drawn(1, 3, 3), drawn(1, 2, 4)].map(String);
    expect(new Set(all).size).toBe(4);
    expect(textOf(bytesOf('\xff\0a'))).toBe('\xff\0a');
  });
});
