import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { Book } from '../../src/post/book.js';
import { storyAt, storyNetwork, storyOf } from '../page/story.js';

/** A node that has run for so many hours in which nothing was counted. */
const quiet = (hours = 0) => {
  const story = storyOf({ hours: 0, look: { waiting: { pool: 5 }, spent: 0 } });
  story.pass(hours * hourMs);
  return story;
};

describe('the book of a process', () => {
  it('passes the log on as it is', () => {
    const lines: unknown[] = [];
    const log = new Book({ now: () => storyAt }).log({
      info: (...line) => void lines.push(line),
      warn: (...line) => void lines.push(line),
    });
    log.info('mix', { in: 3, hopBits: 1.5 });
    log.info('connected to mailbox');
    log.warn('mail/closed', { message: 'gone' });
    expect(lines).toEqual([
      ['mix', { in: 3, hopBits: 1.5 }],
      ['connected to mailbox', {}],
      ['mail/closed', { message: 'gone' }],
    ]);
  });

  it('tells nothing of an hour before it is over, and nothing finer after', () => {
    const story = quiet();
    story.log.info('mix', { in: 37, 'packet/bad-mac': 9, held: 50, hopBits: 5.1 });
    story.pass(20 * minuteMs);
    expect([story.status().hours, story.status().day.counts]).toEqual([[], {}]);
    story.log.info('mix', { in: 30 });
    // 9:30 was the beginning; a minute after 10:00 the hour is told.
    story.pass(10 * minuteMs);
    expect(story.status().hours).toEqual([]);
    story.pass(minuteMs);
    const [hour] = story.status().hours;
    expect(hour).toMatchObject({ at: storyAt - hourMs / 2, waiting: { pool: 0 } });
    expect(hour?.counts).toEqual({ 'mix/in': 60 });
  });

  it('counts to an hour what the log sums up at its end', () => {
    const story = quiet();
    story.pass(30 * minuteMs);
    story.log.info('post', { accepted: 12, 'waits-for-budget': 40 });
    story.pass(hourMs + minuteMs);
    expect(story.status().hours.map(({ counts }) => counts)).toEqual([{ 'post/accepted': 10 }, {}]);
  });

  it('adds up a day exactly, and then rounds', () => {
    const story = quiet();
    for (let hour = 0; hour < 30; hour++) {
      story.log.info('mix', { 'packet/replayed': 6 });
      story.pass(hourMs);
    }
    const { hours, day } = story.status();
    expect(hours.every(({ counts }) => Object.keys(counts).length === 0)).toBe(true);
    expect([day.hours, day.counts]).toEqual([24, { 'mix/packet/replayed': 100 }]);
  });

  it('looks every ten minutes what waits, and rounds', () => {
    const story = quiet();
    story.becomes({ waiting: { pool: 61, outgoing: 9 } });
    story.pass(9 * minuteMs);
    expect([story.status().waiting, story.status().lookedAt]).toEqual([{ pool: 0 }, storyAt]);
    story.pass(minuteMs);
    expect([story.status().waiting, story.status().lookedAt]).toEqual([
      { pool: 60, outgoing: 0 },
      storyAt + 10 * minuteMs,
    ]);
  });

  it('counts the mails of full hours alone: of the first nobody knows what was before', () => {
    const story = quiet();
    story.becomes({ spent: 500 });
    story.pass(hourMs);
    story.becomes({ spent: 523 });
    story.pass(hourMs);
    expect(story.status().hours.map(({ mails }) => mails)).toEqual([undefined, 20]);
    expect(story.status().day.mails).toBe(20);
  });

  it('tells of loops how many came home and how long they took, where there are ten', () => {
    const story = quiet();
    story.pass(31 * minuteMs);
    for (let flush = 0; flush < 5; flush++) story.log.info('mix', { loop: 2 });
    for (const minutes of [21, 22, 23, 24, 31, 32, 33, 34, 58, 61]) story.book.loopCameHome(minutes * minuteMs);
    story.pass(hourMs);
    for (let flush = 0; flush < 3; flush++) story.log.info('mix', { loop: 3 });
    for (let loop = 0; loop < 9; loop++) story.book.loopCameHome(minuteMs);
    story.pass(hourMs);
    const [, full, few] = story.status().hours;
    expect(full?.loops).toEqual({ partHome: 0.7, medianMs: 40 * minuteMs, p90Ms: 60 * minuteMs });
    expect(few?.loops).toEqual({ partHome: undefined, medianMs: undefined, p90Ms: undefined });
  });

  it('keeps a week, and goes on after a sleep and after a clock that was wrong', () => {
    const story = quiet(8 * 24);
    expect(story.status().hours).toHaveLength(7 * 24);
    let now = storyAt;
    const book = new Book({ now: () => now });
    const beat = (at: number): void => {
      now = at;
      const record = { role: 'node', startedAt: storyAt, isStopping: false, isTurning: true, pollMs: 1 } as const;
      book.beat({ ...record, at, readAt: at, sentAt: at, flushedAt: at, listUntil: at + dayMs });
    };
    book.begin({ name: 'a', version: '0', floorBits: undefined, look: () => ({ ...story.status(), spent: 0 }) });
    for (const at of [storyAt, storyAt + dayMs, storyAt + 40 * dayMs, storyAt + hourMs, storyAt + 2 * hourMs]) beat(at);
    const told = book.status()?.hours.map(({ at }) => (at - storyAt) / hourMs);
    expect(told).toEqual([-0.5, 0.5]);
  });

  it('says how the process is, what the list holds, and when it began to ten minutes', () => {
    const { status, becomes, pass } = storyOf({ hours: 2 });
    expect(status()).toMatchObject({ role: 'node', name: 'grove', isReady: true, isLive: true });
    expect(status().startedAt % (10 * minuteMs)).toBe(0);
    expect(status().bits).toBeGreaterThan(3);
    expect(status().heartbeat).toEqual({ isHolding: false, returned: 0.95, perInterval: 3 });
    becomes({ network: undefined }, { listUntil: undefined, isTurning: false });
    pass(10 * minuteMs);
    expect(status()).toMatchObject({ isReady: false, isLive: false, bits: undefined, network: undefined });
    expect(status().findings.filter(({ kind }) => kind === 'bad')).toHaveLength(2);
  });

  it('has told nothing before the process has', () => {
    expect(new Book({ now: () => storyAt }).status()).toBeUndefined();
    expect(storyNetwork().nodes).toHaveLength(12);
  });
});
