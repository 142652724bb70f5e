import { describe, expect, it } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import { exponential, poissonCount, type Rng, streamRng, uniformInt, unitInterval } from '../../src/base/random.js';
import { daysToDisclosure, type Watched } from '../../src/sim/adversary-disclosure.js';
import { delayOf, drawMinute, median, spreadMin } from '../../src/sim/delay.js';
import { readMails } from '../../src/sim/sending.js';

const rngOf = (name: string): Rng => streamRng(ascii(name).reduce((sum, byte) => (31 * sum + byte) % 2 ** 31, 7));

/** Between 3 and 45 minutes, as three waits of up to 14 minutes add up. */
const delay = delayOf(
  ((rng) => Array.from({ length: 4000 }, () => 3 + 14 * (unitInterval(rng) + unitInterval(rng) + unitInterval(rng))))(
    rngOf('delay'),
  ),
);

const person: Watched = {
  sending: { kind: 'as written' },
  delay,
  contacts: 10,
  messagesPerDay: 10,
  people: 200,
  othersPerDay: 10,
};

const daysOf = (watched: Watched, name: string, trials = 5): number => {
  const rng = rngOf(name);
  return median(Array.from({ length: trials }, () => daysToDisclosure(watched, 2000, rng)));
};

describe('a delay', () => {
  it('is the share of messages for each minute', () => {
    expect([...delayOf([0.5, 1.2, 1.9, 3])]).toEqual([0.25, 0.5, 0, 0.25]);
    const rng = rngOf('draws');
    const drawn = delayOf(Array.from({ length: 4000 }, () => drawMinute(rng, delayOf([0.5, 1.2, 1.9, 3]))));
    [0.25, 0.5, 0, 0.25].forEach((share, minute) => expect(drawn[minute]).toBeCloseTo(share, 1));
    expect(drawn[2]).toBe(0);
  });

  it('is spread over the minutes in which messages arrive', () => {
    expect(spreadMin(delayOf([7.1, 7.9]))).toBe(1);
    expect(spreadMin(delayOf([0, 1, 2, 3]))).toBeCloseTo(4);
  });
});

describe('an observer who reads mails', () => {
  it('knows that each carries a message where mails leave as they are written', () => {
    expect(readMails({ kind: 'as written' }, 0.01)(3)).toBe(1);
  });

  it('is right as often as it thinks about mails of a paced client', () => {
    const rng = rngOf('mails');
    const [meanMin, perMin] = [20, 0.01];
    const read = readMails({ kind: 'paced', meanMin }, perMin);
    const groups = [0, 1, 2, 3].map(() => ({ thought: 0, real: 0, mails: 0 }));
    let waiting = 0;
    for (let i = 0; i < 20_000; i++) {
      const gap = exponential(rng, meanMin);
      waiting += poissonCount(rng, perMin * gap);
      const thought = read(gap);
      const group = groups[[0.12, 0.2, 0.3, 1].findIndex((limit) => thought <= limit)];
      if (group === undefined) continue;
      group.thought += thought;
      group.real += waiting > 0 ? 1 : 0;
      group.mails++;
      if (waiting > 0) waiting--;
    }
    for (const { thought, real, mails } of groups) {
      expect(mails).toBeGreaterThan(400);
      expect(Math.abs(thought - real) / mails).toBeLessThan(0.03);
    }
  });
});

describe('statistical disclosure', () => {
  it('finds the contacts of one who sends as they write, in weeks', () => {
    const days = daysOf(person, 'as written');
    expect(days).toBeGreaterThan(10);
    expect(days).toBeLessThan(120);
  });

  it("takes at least four times as long where mails leave at the client's own pace", () => {
    const paced = daysOf({ ...person, sending: { kind: 'paced', meanMin: 20 } }, 'paced');
    expect(paced).toBeGreaterThan(4 * daysOf(person, 'as written'));
    expect(paced).toBeLessThan(2000);
  });

  it('takes longer the more mails of cover leave', () => {
    const rare = daysOf({ ...person, sending: { kind: 'paced', meanMin: 40 } }, 'rare');
    const often = daysOf({ ...person, sending: { kind: 'paced', meanMin: 10 } }, 'often');
    expect(often).toBeGreaterThan(2 * rare);
  });

  it('takes longer the more mail everybody gets from others, and the less it is spread out, the sooner it is done', () => {
    const base = daysOf(person, 'base');
    expect(daysOf({ ...person, othersPerDay: 40 }, 'busy')).toBeGreaterThan(2 * base);
    expect(daysOf({ ...person, delay: delayOf([20.5]) }, 'no delay')).toBeLessThan(base / 3);
  });

  it('comes to the same when the mails of others are drawn one by one', () => {
    const rng = rngOf('one by one');
    const found = median(Array.from({ length: 5 }, () => oneByOne(person, 300, rng)));
    const normalLimit = daysOf(person, 'normal', 15);
    expect(found / normalLimit).toBeGreaterThan(0.65);
    expect(found / normalLimit).toBeLessThan(1.5);
  });
});

/** The same observer of a client that sends as it writes, with every mail drawn, and in other words. */
const oneByOne = ({ people, contacts, messagesPerDay, othersPerDay }: Watched, mostDays: number, rng: Rng): number => {
  const score = new Float64Array(people);
  for (let day = 1; day <= mostDays; day++) {
    const sent = Array.from({ length: poissonCount(rng, messagesPerDay) }, () => 1440 * unitInterval(rng));
    const expected = new Float64Array(1440);
    for (const at of sent)
      delay.forEach(
        (share, later) =>
          (expected[(Math.floor(at) + later) % 1440] = (expected[(Math.floor(at) + later) % 1440] ?? 0) + share),
      );
    const weights = expected.map((messages) => Math.log1p((messages / contacts / othersPerDay) * 1440));
    const mean = weights.reduce((a, b) => a + b, 0) / 1440;
    const deliver = (to: number, minute: number): void => {
      score[to] = (score[to] ?? 0) + (weights[minute % 1440] ?? 0) - mean;
    };
    for (const at of sent) deliver(uniformInt(rng, contacts), Math.floor(at) + drawMinute(rng, delay));
    for (let others = poissonCount(rng, people * othersPerDay); others > 0; others--)
      deliver(uniformInt(rng, people), uniformInt(rng, 1440));
    if (Math.min(...score.subarray(0, contacts)) > Math.max(...score.subarray(contacts))) return day;
  }
  return Infinity;
};
