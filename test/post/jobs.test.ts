import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bug, ClientError, ConfigError, MailError, StoreError } from '../../src/base/errors.js';
import { minuteMs, secondMs } from '../../src/base/units.js';
import type { Log } from '../../src/ports/log.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { Jobs } from '../../src/post/jobs.js';

// Only the clock of the loops' rests is faked; everything else is promises.
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const gone = (): MailError => new MailError('mail/closed', 'the server is away');

/** A ticker that ticks when told. */
const handTicker = (): Ticker & { readonly tick: () => Promise<void> } => {
  const jobs: (() => Promise<void>)[] = [];
  return {
    every: (_schedule, job) => {
      let running = Promise.resolve();
      jobs.push(() => (running = job()));
      return { stop: () => running };
    },
    tick: async () => {
      await Promise.all(jobs.map((job) => job()));
    },
  };
};

/** A door that stays shut until it is opened. */
const door = (): { readonly opened: Promise<void>; readonly open: () => void } => {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
};

const start = (): { jobs: Jobs; stop: () => void; warned: string[]; ticker: ReturnType<typeof handTicker> } => {
  const stop = new AbortController();
  const warned: string[] = [];
  const log: Log = { info: () => undefined, warn: (event) => warned.push(event) };
  return { jobs: new Jobs(log, stop.signal), stop: () => stop.abort(), warned, ticker: handTicker() };
};

describe('the jobs of a process', () => {
  it('go on when the world fails one of them', async () => {
    const { jobs, stop, warned, ticker } = start();
    let flushed = 0;
    jobs.every(ticker, 'every flush', () => {
      flushed++;
    });
    jobs.every(ticker, 'every minute', () => {
      throw new StoreError('store/write', 'disk full');
    });
    jobs.loop(() => Promise.reject(gone()));
    jobs.loop(() => Promise.reject(new ClientError('client/reply-not-taken', 'the program is busy')));
    await ticker.tick();
    await ticker.tick();
    expect(flushed).toBe(2);
    expect(warned.toSorted()).toEqual(['client/reply-not-taken', 'mail/closed', 'store/write', 'store/write']);
    stop();
    await jobs.finished();
  });

  it('all stop when one is wrong, and the process hears what was wrong', async () => {
    const { jobs, ticker } = start();
    let turns = 0;
    jobs.loop(async (signal) => {
      turns++;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    });
    jobs.every(ticker, 'every flush', () => {
      throw new Bug('packets for a node without a way');
    });
    const finished = jobs.finished();
    const heard = expect(finished).rejects.toThrow('BUG: packets for a node without a way');
    await ticker.tick();
    await heard;
    expect(jobs.signal.aborted).toBe(true);
    expect(turns).toBe(1);
  });

  it('rest after failures, longer each time and not woken by anything, then begin anew', async () => {
    const { jobs, stop } = start();
    const began = Date.now();
    const turnsAt: number[] = [];
    jobs.loop(() => {
      turnsAt.push(Date.now() - began);
      // The eighth turn is good and takes a second.
      return turnsAt.length === 8
        ? new Promise<void>((resolve) => setTimeout(resolve, secondMs))
        : Promise.reject(gone());
    });
    await vi.advanceTimersByTimeAsync(60 * minuteMs);
    const gaps = turnsAt.slice(1).map((at, i) => (at - (turnsAt[i] ?? 0)) / secondMs);
    expect(gaps.slice(0, 10)).toEqual([15, 30, 60, 120, 240, 480, 900, 1, 15, 30]);
    stop();
    await jobs.finished();
  });

  it('end within their rest when the process is told to stop', async () => {
    const { jobs, stop } = start();
    jobs.loop(() => Promise.reject(gone()));
    await vi.advanceTimersByTimeAsync(1);
    stop();
    await jobs.finished();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('run once more when woken meanwhile, however often, and never beside themselves', async () => {
    const { jobs, stop } = start();
    const doors = [door(), door(), door()];
    let runs = 0;
    let atOnce = 0;
    const wake = jobs.waking(async () => {
      expect(++atOnce).toBe(1);
      await doors[runs++]?.opened;
      atOnce--;
    });
    wake();
    for (let i = 0; i < 5; i++) wake();
    expect(runs).toBe(1);
    doors[0]?.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(runs).toBe(2);
    doors[1]?.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(runs).toBe(2);
    wake();
    expect(runs).toBe(3);
    doors[2]?.open();
    stop();
    await jobs.finished();
  });

  it('have come to their end when finished resolves, and none begins after', async () => {
    const { jobs, stop, ticker } = start();
    const { opened, open } = door();
    let ended = false;
    let began = 0;
    const wake = jobs.waking(async () => {
      began++;
      await opened;
      ended = true;
    });
    jobs.every(ticker, 'every flush', wake);
    await ticker.tick();
    stop();
    let finished = false;
    const finishing = jobs.finished().then(() => (finished = true));
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(finished).toBe(false);
    open();
    await finishing;
    expect(ended).toBe(true);
    await ticker.tick();
    expect(began).toBe(1);
  });

  it('follow a schedule that changes, and go on with the last one that is good', async () => {
    const { jobs, stop, warned } = start();
    const running = new Set<string>();
    const ticker: Ticker = {
      every: (schedule) => {
        if (schedule === 'never') throw new ConfigError('schedule: expected a day that comes');
        running.add(schedule);
        return { stop: () => Promise.resolve(void running.delete(schedule)) };
      },
    };
    let schedule: string | undefined;
    const look = jobs.everyNow(
      ticker,
      () => schedule,
      () => undefined,
    );
    expect([...running]).toEqual([]);
    for (const [wanted, found] of [
      ['hourly', 'hourly'],
      ['daily', 'daily'],
      ['never', 'daily'],
    ] as const) {
      schedule = wanted;
      look();
      look();
      await Promise.resolve();
      expect([...running]).toEqual([found]);
    }
    expect(warned).toEqual(['config/invalid']);
    stop();
    await jobs.finished();
    expect(running.size).toBe(0);
  });
});
