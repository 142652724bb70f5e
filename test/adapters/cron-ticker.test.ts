import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cronTicker } from '../../src/adapters/cron-ticker.js';
import { ConfigError } from '../../src/base/errors.js';
import { dayMs, hourMs, minuteMs, secondMs } from '../../src/base/units.js';
import { cpuTimer } from '../cpu-time.js';

const startAt = Date.UTC(2026, 2, 29, 0, 3);

beforeEach(() => vi.useFakeTimers({ now: startAt, toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => vi.useRealTimers());

/** Times of the ticks, in minutes after the start. */
const ticking = (schedule: string, job: () => Promise<void> = () => Promise.resolve(), phase?: () => number) => {
  const minutes: number[] = [];
  const { stop } = cronTicker.every(
    schedule,
    () => {
      minutes.push((Date.now() - startAt) / minuteMs);
      return job();
    },
    phase && { phase },
  );
  return { minutes, stop };
};

describe('the ticker', () => {
  it('ticks by the schedule, in UTC: the hour that summer time skips is there', async () => {
    const { minutes, stop } = ticking('*/12 * * * *');
    await vi.advanceTimersByTimeAsync(4 * hourMs);
    expect(minutes).toEqual(Array.from({ length: 20 }, (_, i) => 9 + 12 * i));
    await stop();
  });

  it('ticks late rather than not at all when the process was busy', async () => {
    const { minutes, stop } = ticking('*/12 * * * *');
    await vi.advanceTimersByTimeAsync(8 * minuteMs + 59 * secondMs);
    // As if the event loop had been blocked across the tick.
    vi.setSystemTime(startAt + 11 * minuteMs);
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(minutes).toHaveLength(1);
    await stop();
  });

  it('ticks once after a long sleep, and is not long about it', async () => {
    const { minutes, stop } = ticking('*/5 * * * * *');
    await vi.advanceTimersByTimeAsync(secondMs);
    const tookMs = cpuTimer();
    vi.setSystemTime(startAt + 365 * dayMs + 2500);
    await vi.advanceTimersByTimeAsync(10 * secondMs);
    expect(minutes).toHaveLength(2);
    expect(tookMs()).toBeLessThan(1000);
    await stop();
  });

  it('goes on when the clock was a year ahead and is set right', async () => {
    const { minutes, stop } = ticking('*/12 * * * *');
    await vi.advanceTimersByTimeAsync(minuteMs);
    vi.setSystemTime(startAt - 365 * dayMs);
    await vi.advanceTimersByTimeAsync(15 * minuteMs);
    expect(minutes).toHaveLength(1);
    await stop();
  });

  it('leaves a tick out while the job still runs', async () => {
    let end: () => void = () => undefined;
    const { minutes, stop } = ticking('* * * * *', () => new Promise((resolve) => (end = resolve)));
    await vi.advanceTimersByTimeAsync(5 * minuteMs + secondMs);
    expect(minutes).toHaveLength(1);
    end();
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(minutes).toHaveLength(2);
    end();
    await stop();
  });

  it('comes later by its phase, once in each turn of the schedule, also when the phase changes', async () => {
    let phase = 0.25;
    const { minutes, stop } = ticking('*/12 * * * *', undefined, () => phase);
    await vi.advanceTimersByTimeAsync(30 * minuteMs);
    expect(minutes).toEqual([12, 24]);
    // It is 30: the tick of 33 is to come at 42, not at 36 as it would have.
    phase = 0.75;
    await vi.advanceTimersByTimeAsync(20 * minuteMs);
    expect(minutes).toEqual([12, 24, 42]);
    // It is 50: the tick of 45 was to come at 54.
    phase = 0.25;
    await vi.advanceTimersByTimeAsync(13 * minuteMs);
    expect(minutes.slice(3)).toHaveLength(2);
    expect(minutes[3]).toBeLessThanOrEqual(51);
    expect(minutes[4]).toBe(60);
    await stop();
  });

  it('of a late phase comes also when the one before it came too late', async () => {
    const { minutes, stop } = ticking('*/12 * * * *', undefined, () => 0.75);
    await vi.advanceTimersByTimeAsync(minuteMs);
    // The tick of 9 is due at 18, and comes at 22, when that of 21 has begun, which is due at 30.
    vi.setSystemTime(startAt + 22 * minuteMs);
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(minutes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(8 * minuteMs);
    expect(minutes.slice(1)).toEqual([30]);
    await stop();
  });

  it('of a phase comes once after a long sleep, and again by a clock that was set back', async () => {
    const { minutes, stop } = ticking('*/12 * * * *', undefined, () => 0.5);
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    vi.setSystemTime(startAt + 30 * dayMs);
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    expect(minutes).toHaveLength(1);
    vi.setSystemTime(startAt);
    await vi.advanceTimersByTimeAsync(20 * minuteMs);
    expect(minutes.slice(1)).toEqual([15]);
    await stop();
  });

  it('has come to its end when stop resolves', async () => {
    let end: () => void = () => undefined;
    const { minutes, stop } = ticking('* * * * *', () => new Promise((resolve) => (end = resolve)));
    await vi.advanceTimersByTimeAsync(minuteMs);
    let stopped = false;
    const stopping = stop().then(() => (stopped = true));
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(stopped).toBe(false);
    end();
    await stopping;
    expect(vi.getTimerCount()).toBe(0);
    expect(minutes).toHaveLength(1);
  });

  it.each(['', 'soon', '99 * * * *', '0 0 30 2 *'])('refuses the schedule "%s"', (schedule) => {
    expect(() => cronTicker.every(schedule, () => Promise.resolve())).toThrow(ConfigError);
  });
});
