import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/base/ids.js';
import { exponential, seededRng, unitInterval } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { usualPace } from '../../src/cover/pace.js';
import { pathsFor } from '../../src/path/path.js';
import { layeredParameters, worldOf } from '../../src/sim/world.js';

// Somebody who sees the first node of each of a client's mails, and knows the list: which first nodes lead to which exits.
// A question goes to the exit that the message went to, so pairs of mails that lead to a common exit tell of messages. The
// rule of client/questions by itself, over many days.

const rng = seededRng(new Uint8Array(32).fill(61));
const transitMs = 36 * minuteMs;
const pairMs = 4 * hourMs;
/** Between an answer that a message was handed over, and the last question about it. */
const againMs = 6 * hourMs;

interface Left {
  readonly at: number;
  readonly entry: NodeId;
}

const viewOf = (nodes: number) => {
  const { network } = worldOf({ nodes, parameters: layeredParameters() });
  const wish = { network, now: 0, rng, length: 3, senderProvider: 'home.test', recipientDomains: [] };
  const paths = pathsFor({ ...wish, allow: new Set() });
  const toExit = new Map<NodeId, ReturnType<typeof pathsFor>>();
  const draw = (): { readonly entry: NodeId; readonly exit: NodeId } => {
    const [first, , last] = paths();
    return { entry: first?.nodeId ?? expect.fail('short'), exit: last?.nodeId ?? expect.fail('short') };
  };
  /** The first node of a way to that exit. */
  const entryFor = (exit: NodeId): NodeId => {
    const known = toExit.get(exit) ?? pathsFor({ ...wish, allow: new Set(), exit });
    toExit.set(exit, known);
    return known()[0]?.nodeId ?? expect.fail('short');
  };

  /** What leaves in a day; ten messages are written at any times of it, or none. */
  const dayOf = (isBusy: boolean, followsCover: boolean): readonly Left[] => {
    const written = Array.from({ length: isBusy ? 10 : 0 }, () => unitInterval(rng) * dayMs).sort((a, b) => a - b);
    interface Due {
      readonly exit: NodeId;
      readonly at: number;
      readonly isLast: boolean;
    }
    let toAsk: readonly Due[] = [];
    let ofCover: readonly Due[] = [];
    const isFirst = ({ isLast }: Due): boolean => !isLast;
    const dueOf = (some: readonly Due[], at: number): Due | undefined =>
      some.filter((one) => one.at <= at).toSorted((a, b) => a.at - b.at)[0];
    /** What is left of them when that one has been asked about. */
    const after = (some: readonly Due[], asked: Due, at: number): readonly Due[] => [
      ...some.filter((one) => one !== asked),
      ...(asked.isLast ? [] : [{ exit: asked.exit, at: at + 2 * transitMs + againMs, isLast: true }]),
    ];
    const mails: Left[] = [];
    const gap = (): number => exponential(rng, usualPace.meanMinutes * minuteMs);
    for (let at = gap(); at < dayMs; at += gap()) {
      if (unitInterval(rng) < usualPace.questions) {
        const ofMessage = dueOf(toAsk.filter(isFirst), at) ?? dueOf(toAsk, at);
        const asked = ofMessage ?? dueOf(ofCover, at);
        if (ofMessage !== undefined) toAsk = after(toAsk, ofMessage, at);
        else if (asked !== undefined) ofCover = after(ofCover, asked, at);
        mails.push({ at, entry: asked === undefined ? draw().entry : entryFor(asked.exit) });
        continue;
      }
      const { entry, exit } = draw();
      mails.push({ at, entry });
      if ((written[0] ?? Infinity) <= at) {
        written.shift();
        toAsk = [...toAsk, { exit, at: at + transitMs, isLast: false }];
        ofCover = ofCover.filter(({ isLast }) => isLast);
      } else if (followsCover && !toAsk.some(isFirst) && !ofCover.some(isFirst))
        ofCover = [...ofCover, { exit, at: at + transitMs, isLast: false }];
    }
    return mails;
  };

  // How much likelier a pair of first nodes is where both lead to one exit than where each is drawn for itself.
  const seen = Array.from({ length: nodes * 500 }, draw);
  const countOf = (keys: readonly string[]): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  };
  const entries = countOf(seen.map(({ entry }) => entry));
  const exits = new Map<string, { readonly entry: NodeId }[]>();
  for (const one of seen) {
    const some = exits.get(one.exit);
    if (some === undefined) exits.set(one.exit, [one]);
    else some.push(one);
  }
  const ratios = new Map<string, number>();
  for (const some of exits.values()) {
    const here = countOf(some.map(({ entry }) => entry));
    for (const [a, ofA] of here)
      for (const [b, ofB] of here) {
        const ratio = (ofA / (entries.get(a) ?? 1)) * (ofB / some.length) * (seen.length / (entries.get(b) ?? 1));
        ratios.set(a + b, (ratios.get(a + b) ?? 0) + ratio);
      }
  }
  const scoreOf = (mails: readonly Left[]): number => {
    let score = 0;
    mails.forEach((early, i) => {
      for (const late of mails.slice(i + 1)) {
        const lagMs = late.at - early.at - transitMs;
        if (lagMs >= 0 && lagMs < pairMs)
          score += Math.exp(-lagMs / hourMs) * ((ratios.get(early.entry + late.entry) ?? 0) - 1);
      }
    });
    return score;
  };

  /** The chance that of a busy and an idle day the busy one is recognized. */
  return (followsCover: boolean, days: number): number => {
    const [busy, idle] = [true, false].map((isBusy) =>
      Array.from({ length: days }, () => scoreOf(dayOf(isBusy, followsCover))),
    );
    const wins = busy?.map((score) => idle?.filter((other) => other < score).length ?? 0) ?? [];
    return wins.reduce((sum, won) => sum + won, 0) / days ** 2;
  };
};

describe('a client that sends ten messages a day and one that sends nothing, seen by somebody who knows the list', () => {
  // Over 500 days of each the area of two kinds that are the same has a deviation of 0.018.
  it('can’t be told apart by which of their mails lead to a common exit', () => {
    for (const nodes of [30, 300]) {
      const auc = viewOf(nodes)(true, 500);
      expect([nodes, auc > 0.45, auc < 0.55, auc]).toEqual([nodes, true, true, auc]);
    }
  });

  it('would be told apart in a large network if questions followed messages alone', () => {
    expect(viewOf(300)(false, 500)).toBeGreaterThan(0.6);
  });
});
