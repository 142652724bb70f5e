import { describe, expect, it } from 'vitest';
import { exponential, seededRng, unitInterval, wholeCount } from '../../src/base/random.js';
import { minuteMs } from '../../src/base/units.js';
import { beat, newHeartbeat } from '../../src/mix/heartbeat.js';

const intervalMs = 12 * minuteMs;

interface Weather {
  readonly loops: number;
  readonly lostMails: number;
  readonly slowMails: number;
}

/**
 * Days of a node whose loops go around over two others: pools of 20 packets flushed every 12 minutes, each at its own
 * time; what leaves a pool together is one mail, on its way 5 seconds to some minutes, some for up to 40, some lost.
 *
 * @returns how often the pool was held, and longer than for one interval, all for nothing; the part of its life in which
 *   it was
 */
const quietLife = (days: number, seed: number, { loops, lostMails, slowMails }: Weather) => {
  const rng = seededRng(new Uint8Array(32).fill(seed));
  const mails = new Map<string, number>();
  const arrivalOf = (hop: number, flush: number): number => {
    const key = `${hop} ${flush}`;
    const known = mails.get(key);
    if (known !== undefined) return known;
    const leftAt = (flush + hop / 4) * intervalMs;
    const isLost = unitInterval(rng) < lostMails;
    const tookMs =
      unitInterval(rng) < slowMails ? unitInterval(rng) * 40 * minuteMs : 5000 + exponential(rng, minuteMs);
    const arrival = isLost ? Infinity : leftAt + tookMs;
    mails.set(key, arrival);
    return arrival;
  };
  const homeAt = (flush: number): number => {
    let at = flush * intervalMs;
    for (let hop = 0; hop < 3 && at < Infinity; hop++) {
      let next = Math.ceil(at / intervalMs - hop / 4);
      for (let fresh = true; unitInterval(rng) >= (fresh ? 0.72 : 0.9); fresh = false) next++;
      at = arrivalOf(hop, next);
    }
    return at;
  };
  const homes = new Map<number, number>();
  let heart = newHeartbeat;
  let holds = 0;
  let alarms = 0;
  let held = 0;
  const intervals = days * 120;
  for (let flush = 0; flush < intervals; flush++) {
    const before = heart.holding;
    heart = beat(heart, { sent: flush === 0 ? 0 : loops, home: homes.get(flush) ?? 0, now: flush * intervalMs });
    homes.delete(flush);
    if (heart.holding) held++;
    if (heart.holding && !before) holds++;
    if (heart.heldFor === 2) alarms++;
    for (let left = wholeCount(rng, loops); left > 0; left--) {
      const home = Math.ceil(homeAt(flush) / intervalMs);
      homes.set(home, (homes.get(home) ?? 0) + 1);
    }
  }
  return { holdsPerDay: holds / days, alarmsPerDay: alarms / days, held: held / intervals, returned: heart.returned };
};

describe('false alarms', () => {
  it('of a node with three loops an interval are rare, and rarely last', () => {
    const life = quietLife(250, 1, { loops: 3, lostMails: 0.003, slowMails: 0.01 });
    expect(life.holdsPerDay).toBeLessThan(0.5);
    expect(life.alarmsPerDay).toBeLessThan(0.05);
    expect(life.held).toBeLessThan(0.005);
    expect(life.returned).toBeGreaterThan(0.95);
  });

  it('are more where one mail in 50 is lost and one in 20 late', () => {
    const life = quietLife(120, 2, { loops: 3, lostMails: 0.02, slowMails: 0.05 });
    expect(life.holdsPerDay).toBeLessThan(2);
    expect(life.alarmsPerDay).toBeLessThan(0.5);
    expect(life.held).toBeLessThan(0.02);
  });
});
