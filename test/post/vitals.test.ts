import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/base/errors.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import type { HealthRecord } from '../../src/ports/health.js';
import { judgeHealth, statusOf } from '../../src/post/health.js';
import { leastFreeBytes, roomWatch, Vitals } from '../../src/post/vitals.js';
import { fakeMailWorld } from '../fakes/mail-world.js';

const startAt = Date.UTC(2026, 0, 15, 12, 7, 31);
const never = new AbortController().signal;

/** A process whose time is moved by hand. */
const life = (
  { pollMs, further = [] }: { readonly pollMs: number | undefined; readonly further?: readonly string[] } = {
    pollMs: 10 * minuteMs,
  },
) => {
  let now = startAt;
  const told: HealthRecord[] = [];
  const vitals = new Vitals('node', [(record) => void told.push(record)]);
  vitals.start({ clock: { now: () => now }, pollMs, further, listUntil: () => startAt + dayMs });
  const last = (): HealthRecord => told.at(-1) ?? expect.fail('nothing told');
  return {
    vitals,
    told,
    last,
    passMs: (ms: number) => (now += ms),
    beats: (count: number) => {
      for (let i = 0; i < count; i++) {
        now += minuteMs;
        vitals.beat();
      }
      return last();
    },
    judge: () => judgeHealth(last(), true, now),
  };
};

describe('the vitals of a process', () => {
  it('are told at its start, when its mailbox is first read, and every minute', () => {
    const { vitals, told, last, judge } = life();
    expect([told.length, judge().isLive, judge().isReady]).toEqual([1, true, false]);
    vitals.read();
    vitals.read();
    expect([told.length, judge().isReady]).toEqual([2, true]);
    expect(statusOf(last(), startAt)).toBe('at work');
  });

  it('are those of each mailbox: work goes on while one is read, and it is said which is not', () => {
    const { vitals, beats, judge } = life({ pollMs: 10 * minuteMs, further: ['two@mix.test'] });
    expect(judge().isReady).toBe(false);
    vitals.read('two@mix.test');
    expect(judge()).toMatchObject({ isLive: true, isReady: true });
    expect(judge().findings).toContainEqual({
      kind: 'bad',
      text: 'the first mailbox was not read since the start',
      remedy: expect.stringContaining('logged in') as string,
    });
    expect(judge().findings).toContainEqual({
      kind: 'good',
      text: 'the mailbox two@mix.test was last read about 8 minutes ago',
    });
    // A loop that stands still is found, whatever the other does.
    for (let i = 0; i < 31; i++) {
      vitals.turned();
      beats(1);
    }
    expect(judge().isLive).toBe(false);
  });

  it('say times to ten minutes only, and nothing of a mail', async () => {
    const { vitals, beats, passMs } = life();
    const { outbox } = fakeMailWorld().account('a@one.test');
    const world = { ...outbox, send: () => Promise.resolve({ kind: 'accepted', code: 250 } as const) };
    passMs(5 * minuteMs);
    await vitals.outbox(world).send({ from: 'a@one.test', to: 'b@two.test', raw: new Uint8Array(3) }, never);
    vitals.read();
    vitals.flushed();
    const { readAt, sentAt, flushedAt, ...rest } = beats(1);
    expect([readAt, sentAt, flushedAt].map((at) => new Date(at ?? 0).toISOString().slice(11))).toEqual(
      Array.from({ length: 3 }, () => '12:10:00.000Z'),
    );
    expect(Object.keys(rest).toSorted()).toEqual([
      'at',
      'isStopping',
      'isTurning',
      'listUntil',
      'pollMs',
      'role',
      'startedAt',
    ]);
  });

  it('show a loop that stands still, by its beats and not by the clock', () => {
    const { vitals, beats, passMs, judge } = life();
    // A machine that slept a day has missed nothing.
    passMs(dayMs);
    expect(beats(30).isTurning).toBe(true);
    expect(beats(1).isTurning).toBe(false);
    expect([judge().isLive, judge().isReady]).toEqual([false, false]);
    vitals.turned();
    expect(beats(30).isTurning).toBe(true);
  });

  it('show a hand-over without an end, among others that end', async () => {
    const { vitals, beats } = life({ pollMs: undefined });
    let answer: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => (answer = resolve));
    const outbox = vitals.outbox({
      send: () => slow.then(() => ({ kind: 'unknown' })),
      close: () => Promise.resolve(),
    });
    const mail = { from: 'a@one.test', to: 'b@two.test', raw: new Uint8Array(3) };
    const ended = outbox.send(mail, never);
    expect(vitals.underWay).toEqual({ handOvers: 1, isReading: false });
    expect([beats(30).isTurning, beats(1).isTurning]).toEqual([true, false]);
    answer();
    await ended;
    expect([vitals.underWay.handOvers, beats(1).isTurning]).toEqual([0, true]);
  });

  it('that can’t be kept fail the beat, and never the stop', () => {
    const fail = (): void => {
      throw new StoreError('store/write', 'disk full');
    };
    const vitals = new Vitals('node', [fail]);
    expect(() => vitals.start({ clock: { now: () => 0 }, pollMs: undefined, listUntil: () => undefined })).toThrow(
      StoreError,
    );
    expect(() => vitals.beat()).toThrow(StoreError);
    vitals.stopping();
    expect(vitals.record()?.isStopping).toBe(true);
  });
});

describe('the room on the disk', () => {
  it('is looked at at the start and every hour, and told of while there is little', () => {
    const warned: unknown[] = [];
    const log = { info: () => undefined, warn: (event: string, counts: unknown) => void warned.push([event, counts]) };
    let free: number | undefined = leastFreeBytes;
    let looks = 0;
    const keep = roomWatch(log, () => {
      looks++;
      return free;
    });
    const beats = (count: number): void => {
      for (let i = 0; i < count; i++) keep(life().last());
    };
    beats(60);
    expect([looks, warned]).toEqual([1, []]);
    free = leastFreeBytes - 1;
    beats(61);
    expect(warned).toEqual(Array.from({ length: 2 }, () => ['store/nearly-full', { freeMegabytes: 199 }]));
    free = undefined;
    beats(60);
    expect([looks, warned.length]).toEqual([4, 2]);
  });
});

describe('what is thought of a process', () => {
  const well: HealthRecord = {
    ...{ role: 'node', startedAt: startAt, at: startAt, isStopping: false, isTurning: true, pollMs: 10 * minuteMs },
    ...{ readAt: startAt, sentAt: startAt, flushedAt: startAt, listUntil: startAt + dayMs },
  };
  const bad = (record: HealthRecord | undefined, now = startAt, isRunning = true) => {
    const { isLive, isReady, findings } = judgeHealth(record, isRunning, now);
    return [isLive, isReady, ...findings.filter(({ kind }) => kind === 'bad').map(({ text }) => text)];
  };

  it('is good while all is well', () => {
    expect(bad(well)).toEqual([true, true]);
    expect(judgeHealth(well, true, startAt + 3 * minuteMs).findings.map(({ text }) => text)).toEqual([
      'the node runs since 2026-01-15 12:07 UTC',
      'its loops turn',
      'the mailbox was last read about 3 minutes ago',
      'the list of nodes is valid until 2026-01-16 12:07 UTC',
      'a server last took a mail about 3 minutes ago',
      'the pool was last flushed about 3 minutes ago',
    ]);
  });

  it('names what is missing, a sentence each', () => {
    expect(bad(undefined, startAt, false)).toEqual([false, false, 'no process runs on the data folder']);
    expect(bad(well, startAt, false)[2]).toContain('the last sign of one is of 2026-01-15');
    expect(bad(undefined)).toEqual([false, false, expect.stringContaining('has told nothing of itself yet')]);
    expect(bad(well, startAt + 6 * minuteMs)).toEqual([false, false, expect.stringContaining('for 6 minutes')]);
    expect(bad({ ...well, isTurning: false })).toEqual([false, false, expect.stringContaining('stands still')]);
    expect(bad({ ...well, isStopping: true })).toEqual([true, false, 'it is coming to its end']);
    expect(bad({ ...well, readAt: undefined })).toEqual([true, false, expect.stringContaining('not read since')]);
    expect(bad({ ...well, readAt: startAt - 2 * hourMs })).toEqual([
      true,
      false,
      expect.stringContaining('2 hours ago'),
    ]);
    expect(bad({ ...well, listUntil: undefined })).toEqual([true, false, 'there is no valid list of nodes']);
    expect(bad({ ...well, listUntil: startAt })).toEqual([true, false, expect.stringContaining('was valid until')]);
  });

  it('asks for no mailbox where none is read, and for no list of an authority, which makes it', () => {
    expect(bad({ ...well, role: 'client', pollMs: undefined, readAt: undefined })).toEqual([true, true]);
    expect(bad({ ...well, role: 'authority', listUntil: undefined })).toEqual([true, true]);
  });
});
