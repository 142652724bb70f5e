import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { siteOf } from '../../src/page/site.js';
import { storyOf } from '../page/story.js';

// Somebody sees all mails that come to a node and leave it, and lays beside them what its status page says, or what a
// Prometheus has kept of it: minute by minute, for as long as they like.

/** All that is told by the page and the metrics, minute by minute; the list, which is everybody's, left out. */
const toldIn = (minutes: number, happens: (minute: number, story: ReturnType<typeof storyOf>) => void): string[] => {
  const story = storyOf({ hours: 0, network: undefined, look: { waiting: { pool: 22, outgoing: 3 }, spent: 0 } });
  const site = siteOf(story.status(), story.status);
  return Array.from({ length: minutes }, (_, minute) => {
    happens(minute, story);
    story.pass(minuteMs);
    return `${site.parts()}${site.metrics()}`;
  });
};

/** A flush every twelve minutes, as ever. @param more what it counts besides */
const usual = (
  minute: number,
  { log }: ReturnType<typeof storyOf>,
  more: Readonly<Record<string, number>> = {},
): void => {
  if (minute % 12 === 0) log.info('mix', { in: 6, out: 7, loop: 2, hopBits: 4.5, ...more });
};

describe('who reads all that the page and the metrics tell', () => {
  it('does not see one packet more, that it came, waited, was dropped, or was delivered', () => {
    const minutes = 200;
    const without = toldIn(minutes, usual);
    const with1 = toldIn(minutes, (minute, story) => {
      const isIt = minute === 72;
      usual(minute, story, isIt ? { in: 7, out: 8, delivery: 1, 'packet/bad-mac': 1 } : {});
      if (isIt) story.becomes({ waiting: { pool: 23, outgoing: 4 }, spent: 1 });
    });
    expect(with1).toEqual(without);
  });

  it('does not see when many came, only in which hour', () => {
    const burst = (at: number) =>
      toldIn(200, (minute, story) => {
        usual(minute, story);
        if (minute === at) story.log.info('mix', { in: 300, out: 300, delivery: 40 });
      });
    // It is half past nine at the beginning.
    expect(burst(32)).toEqual(burst(85));
    expect(burst(32)).not.toEqual(burst(95));
    const [first, second] = [toldIn(200, usual), burst(32)];
    const changed = first.findIndex((told, minute) => told !== second[minute]);
    expect(changed).toBeGreaterThanOrEqual(hourMs / minuteMs + 30);
  });

  it('does not see when a mail waited, only in which ten minutes', () => {
    const pooled = (at: number) =>
      toldIn(40, (minute, story) => {
        if (minute === at) story.becomes({ waiting: { pool: 200 } });
      });
    expect(pooled(11)).toEqual(pooled(18));
    expect(pooled(11)).not.toEqual(pooled(25));
  });
});
