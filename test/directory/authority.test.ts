import { describe, expect, it } from 'vitest';
import type { Ticker } from '../../src/ports/ticker.js';
import { fakeDirectory } from '../fakes/directory.js';
import { at } from './stories.js';

/** A ticker whose ticks the test makes. */
const handTicker = (): {
  readonly ticker: Ticker;
  readonly tick: () => Promise<void>;
  readonly schedules: string[];
} => {
  const jobs: (() => Promise<void>)[] = [];
  const schedules: string[] = [];
  return {
    schedules,
    ticker: {
      every: (schedule, job) => {
        schedules.push(schedule);
        jobs.push(job);
        return { stop: () => Promise.resolve() };
      },
    },
    tick: async () => {
      for (const job of jobs) await job();
    },
  };
};

/** Lets what waits for memory only come to its end. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

describe('an authority as a process', () => {
  it('takes a node in, makes a list alone, and ends when it is told to', async () => {
    const directory = fakeDirectory({ authorities: 1, nodes: 1, probesPerPeriod: 0 });
    const [authority, node] = [at(directory.authorities, 0), at(directory.nodes, 0)];
    // The test's own turns are not its.
    authority.isDead = true;
    const stop = new AbortController();
    const { ticker, tick, schedules } = handTicker();
    const running = authority.run(ticker, stop.signal);
    await node.announce();
    while (authority.list() === undefined) {
      await settle();
      await directory.runUntil(directory.now() + directory.periodMs / 16);
      await tick();
    }
    expect(authority.list()?.nodes.map(({ name }) => name)).toEqual(['mix1']);
    expect(schedules).toContain('*/10 * * * * *');
    stop.abort();
    await running;
  });

  it('looks every second where periods are short', async () => {
    const directory = fakeDirectory({ authorities: 1, nodes: 0, periodMs: 20_000 });
    const stop = new AbortController();
    const { ticker, schedules } = handTicker();
    const running = at(directory.authorities, 0).run(ticker, stop.signal);
    expect(schedules).toContain('* * * * * *');
    stop.abort();
    await running;
  });
});
