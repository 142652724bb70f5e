import { exponential, poissonCount, type Rng, uniformInt, unitInterval } from '../base/random.js';
import { add, type Delay, drawMinute, normal } from './delay.js';
import { readMails, type Sending } from './sending.js';

// Statistical disclosure (Danezis 2003; Mathewson and Dingledine 2004), by the best test there is for it.

/** The world of one person who is watched, and everybody else. */
export interface Watched {
  readonly sending: Sending;
  readonly delay: Delay;
  /** Each message goes to one of so many people, drawn anew. */
  readonly contacts: number;
  readonly messagesPerDay: number;
  /** People who get messages of others, the contacts among them, all alike: */
  readonly people: number;
  /** that many each. */
  readonly othersPerDay: number;
}

const minutesPerDay = 1440;
/** Up to here the observer looks every evening, then once a week: half a percent of what is found later. */
const dailyFor = 60;

/**
 * After how many days the observer knows all contacts: they are the people of most weight on an evening, for the first
 * time. `Infinity` if not by `mostDays`.
 *
 * The observer sees each mail that leaves the client, real or cover, and each delivery with its recipient. It knows how
 * long messages are under way, how often the person writes and to how many. Each mail counts as likely as it carries a
 * message (`readMails`); each delivery weighs log(1 + expected of the
 * person / expected of others) for its minute, less the day's mean of that: the likelihood ratio. (The mean goes because nobody knows how much mail
 * each person gets from others.)
 *
 * What others send is not drawn mail by mail: its weight is a sum of thousands of small ones and drawn as a normal number with
 * the same variance.
 *
 * Not in it: people who write at certain hours or in a thread. Such habits help the observer of an unpaced client.
 */
export const daysToDisclosure = (watched: Watched, mostDays: number, rng: Rng): number => {
  const { contacts, people, othersPerDay } = watched;
  const life = lifeOf(watched, rng);
  const score = new Float64Array(people);
  const weigh = weightsOf(watched);
  let variance = 0;
  for (let day = 1; day <= mostDays; day++) {
    const { expected, deliveries } = life();
    const weights = weigh(expected);
    variance += (othersPerDay / minutesPerDay) * sumOfSquares(weights);
    for (const { minute, contact } of deliveries) add(score, contact, weights[minute] ?? 0);
    if (day > dailyFor && day % 7 !== 0 && day < mostDays) continue;
    const deviation = Math.sqrt(variance);
    for (let person = 0; person < people; person++) add(score, person, deviation * normal(rng));
    variance = 0;
    if (score.subarray(0, contacts).every((own) => own > highest(score.subarray(contacts)))) return day;
  }
  return Infinity;
};

/** One day of the person: what an observer expects of them in each minute, and what arrives. */
interface Day {
  readonly expected: Float64Array;
  readonly deliveries: readonly { readonly minute: number; readonly contact: number }[];
}

/** Days one after another. What is under way at midnight arrives the next day. */
const lifeOf = ({ sending, delay, contacts, messagesPerDay }: Watched, rng: Rng): (() => Day) => {
  let expected = new Float64Array(minutesPerDay + delay.length);
  let pending: { minute: number; contact: number }[] = [];
  let waiting = 0;
  let slot = sending.kind === 'paced' ? exponential(rng, sending.meanMin) : 0;
  let last = 0;
  const read = readMails(sending, messagesPerDay / minutesPerDay);
  const send = (at: number, isReal: boolean): void => {
    const minute = Math.floor(at);
    const chance = read(at - last);
    last = at;
    for (let later = 0; later < delay.length; later++) add(expected, minute + later, chance * (delay[later] ?? 0));
    if (isReal) pending.push({ minute: minute + drawMinute(rng, delay), contact: uniformInt(rng, contacts) });
  };
  return () => {
    const written = Array.from({ length: poissonCount(rng, messagesPerDay) }, () => minutesPerDay * unitInterval(rng));
    if (sending.kind === 'as written') for (const at of written) send(at, true);
    else {
      written.sort((a, b) => a - b);
      let next = 0;
      for (; slot < minutesPerDay; slot += exponential(rng, sending.meanMin)) {
        for (; (written[next] ?? Infinity) <= slot; next++) waiting++;
        send(slot, waiting > 0);
        if (waiting > 0) waiting--;
      }
      waiting += written.length - next;
      slot -= minutesPerDay;
      last -= minutesPerDay;
    }
    const today = {
      expected: expected.slice(0, minutesPerDay),
      deliveries: pending.filter(({ minute }) => minute < minutesPerDay),
    };
    pending = pending
      .filter(({ minute }) => minute >= minutesPerDay)
      .map(({ minute, contact }) => ({ minute: minute - minutesPerDay, contact }));
    const rest = new Float64Array(expected.length);
    rest.set(expected.subarray(minutesPerDay));
    expected = rest;
    return today;
  };
};

/** What a delivery weighs, by the minute. */
const weightsOf = ({ contacts, othersPerDay }: Watched): ((expected: Float64Array) => Float64Array) => {
  const ratio = minutesPerDay / contacts / othersPerDay;
  return (expected) => {
    const weights = expected.map((messages) => Math.log1p(ratio * messages));
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    return weights.map((weight) => weight - mean);
  };
};

const sumOfSquares = (numbers: Float64Array): number => numbers.reduce((sum, one) => sum + one * one, 0);
const highest = (numbers: Float64Array): number => numbers.reduce((most, one) => Math.max(most, one), -Infinity);
