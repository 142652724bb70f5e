import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/base/ids.js';
import { exponential, poissonCount, seededRng, uniformInt, unitInterval } from '../../src/base/random.js';
import type { Rng } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { drawSlot, loadsOf, usualPace } from '../../src/cover/pace.js';
import type { PacketWaiting } from '../../src/cover/pace.js';
import { joinedPath } from '../../src/client/paths.js';
import { choosePath } from '../../src/path/path.js';
import type { PathWish } from '../../src/path/path.js';
import type { Descriptor } from '../../src/route/descriptor.js';
import { crossValidate } from '../../src/sim/classifier.js';
import type { Sample, Separation } from '../../src/sim/classifier.js';
import { featuresOf } from '../../src/sim/traffic.js';
import type { AccountDay, AccountMail } from '../../src/sim/traffic.js';
import { layeredParameters, worldOf } from '../../src/sim/world.js';

// The client's pace by its pure parts alone, over many days; test/client/traffic.test.ts does it with the real client.

const { network } = worldOf({ nodes: 30, parameters: layeredParameters() });
const rng = seededRng(new Uint8Array(32).fill(21));
const meanMs = 20 * minuteMs;
const room = 4;
const wish: PathWish = {
  ...{ network, now: 0, rng, length: 3, senderProvider: 'home.test', recipientDomains: [] },
  allow: new Set(),
};

/** When somebody writes ten messages: by day, some of them right after each other. */
const writingTimes = (draw: Rng): readonly number[] => {
  const times: number[] = [];
  while (times.length < 10) {
    let at = (8 + 14 * unitInterval(draw)) * hourMs;
    for (let more = 1 + poissonCount(draw, 1); more > 0 && times.length < 10; more--) {
      times.push(at);
      at += exponential(draw, 5 * minuteMs);
    }
  }
  return times.sort((a, b) => a - b);
};

/** One packet, now and then up to a dozen. */
const packetCount = (): number => (uniformInt(rng, 5) === 0 ? 1 + uniformInt(rng, 12) : 1);

/** How a message's packets find their first hops, beside those that wait. */
type Spread = (waiting: readonly PacketWaiting[], count: number) => readonly NodeId[];

const firstHop = (path: readonly Descriptor[]): NodeId => path[0]?.nodeId ?? expect.fail('an empty path');
const toSomeExit = (): PathWish => {
  const exit = choosePath(wish).at(-1)?.nodeId;
  return { ...wish, ...(exit === undefined ? {} : { exit }) };
};

/** As the client does it. */
const joined: Spread = (packets, count) => {
  const waiting = new Map<NodeId, number>();
  for (const { nextHop } of packets) waiting.set(nextHop, (waiting.get(nextHop) ?? 0) + 1);
  const toExit = toSomeExit();
  return Array.from({ length: count }, () => firstHop(joinedPath(toExit, { waiting, room, copies: [] })));
};

const allToOne: Spread = (_, count) => {
  const entry = firstHop(choosePath(toSomeExit()));
  return Array.from({ length: count }, () => entry);
};

type Writer = (draw: Rng) => readonly number[];
const nobody: Writer = () => [];

const sizeBytes = 180_000;
const mailTo = (at: number, peer: string): AccountMail => ({ way: 'out', at, sizeBytes, peer });
const mailFrom = (at: number, peer: string): AccountMail => ({ way: 'in', at, sizeBytes, peer });

/** About how long a packet is on its way: three nodes, and what each keeps of its pool. */
const transit = (): number => [1, 2, 3].reduce((sum) => sum + exponential(rng, 8 * minuteMs), 3 * minuteMs);
/** An answer is mailed by the last node of a way that is drawn like any other. */
const answerTo = (at: number): AccountMail => mailFrom(at + transit(), firstHop(choosePath(wish)));

/** What comes to the mailbox for packets of a message that left then, and for a question. */
interface Answers {
  readonly toMessages: (leftAt: number) => readonly AccountMail[];
  readonly toQuestions: (askedAt: number) => readonly AccountMail[];
}

/** As the exits do it. */
const whenAsked: Answers = { toMessages: () => [], toQuestions: (at) => [answerTo(at + transit())] };
/** As they would if each told on its own that a mail is handed over. */
const unasked: Answers = { toMessages: (at) => [answerTo(at + transit())], toQuestions: () => [] };

/** A day of a client: what it mails in its slots while those messages are handed in, and what comes back. */
const pacedDay = (writer: Writer, spread: Spread = joined, answers: Answers = whenAsked): AccountDay => {
  const times = [...writer(rng)];
  let waiting: readonly PacketWaiting[] = [];
  const mails: AccountMail[] = [];
  for (let at = drawSlot(rng, meanMs, 0); at < dayMs; at = drawSlot(rng, meanMs, at)) {
    while ((times[0] ?? Infinity) <= at) {
      const readyAt = times.shift() ?? 0;
      waiting = [...waiting, ...spread(waiting, packetCount()).map((nextHop) => ({ nextHop, readyAt }))];
    }
    if (unitInterval(rng) < usualPace.questions) {
      mails.push(mailTo(at, firstHop(choosePath(toSomeExit()))), ...answers.toQuestions(at));
      continue;
    }
    const [load] = loadsOf(rng, waiting, room);
    waiting = waiting.filter((packet) => load?.packets.includes(packet) !== true);
    mails.push(mailTo(at, load?.nextHop ?? firstHop(choosePath(wish))));
    if (load !== undefined) mails.push(...answers.toMessages(at));
  }
  return { startAt: 0, lengthMs: dayMs, mails: mails.filter((mail) => mail.at < dayMs) };
};

/** A day of a client that mails each message when it is handed in, and nothing else. */
const impulsiveDay = (writer: Writer): AccountDay => ({
  startAt: 0,
  lengthMs: dayMs,
  mails: writer(rng).map((at) => mailTo(at, firstHop(choosePath(toSomeExit())))),
});

const apart = (dayOf: (writer: Writer) => AccountDay, days: number): Separation => {
  const samples = [writingTimes, nobody].flatMap((writer): Sample[] =>
    Array.from({ length: days }, () => ({ isFirst: writer === writingTimes, features: featuresOf(dayOf(writer)) })),
  );
  return crossValidate(samples, rng);
};

describe('a client that sends ten messages a day and one that sends nothing', () => {
  it('can’t be told apart by what they mail and what comes to them', { timeout: 180_000 }, () => {
    const { auc, low, high } = apart((writer) => pacedDay(writer), 2000);
    // Over 2,000 days of each the area of two kinds that are the same has a deviation of 0.012.
    expect(auc).toBeGreaterThan(0.45);
    expect(auc).toBeLessThan(0.55);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(0.5);
  });

  it('would be told apart if they mailed what they send when they send it', () => {
    expect(apart(impulsiveDay, 50).auc).toBeGreaterThan(0.99);
  });

  it('would be told apart if exits answered unasked', () => {
    expect(apart((writer) => pacedDay(writer, joined, unasked), 50).auc).toBeGreaterThan(0.99);
  });

  it('would be told apart if all packets of large messages went to one node', () => {
    const large: Spread = (waiting, count) => allToOne(waiting, 4 * count);
    const { auc, low } = apart((writer) => pacedDay(writer, large), 250);
    expect(auc).toBeGreaterThan(0.7);
    expect(low).toBeGreaterThan(0.6);
  });

  it('would be told apart if a mail more left for each message', () => {
    const eager = (writer: Writer): AccountDay => {
      const [paced, more] = [pacedDay(nobody), impulsiveDay(writer)];
      return { ...paced, mails: [...paced.mails, ...more.mails] };
    };
    expect(apart(eager, 200).auc).toBeGreaterThan(0.8);
  });
});
