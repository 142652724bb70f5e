import { exponential, type Rng, unitInterval } from '../base/random.js';
import { add, type Delay, drawMinute } from './delay.js';
import { chanceOfMessage, type Sending } from './sending.js';

// Intersection (Raymond 2000): whoever had sent nothing before one of several messages of one sender did not send them.

/** Senders among whom one writes a series of messages that are known to belong together, by their recipient say. */
export interface Crowd {
  readonly senders: number;
  readonly sending: Sending;
  /** Of each sender, the one looked for among them. */
  readonly messagesPerDay: number;
  readonly delay: Delay;
  /** Hours a day for which a sender's machine runs, at hours of its own; messages are written in them. */
  readonly onlineHours: number;
}

/** When an observer is done. */
export interface Narrowed {
  /** Messages until nobody but the sender had sent a mail in time for all of them. */
  readonly messagesToOneLeft: number;
  /** Messages until the observer who weighs times is right, and sure of it by 99 in 100. */
  readonly messagesToSure: number;
}

const minutesPerDay = 1440;
const sure = 0.99;

/**
 * How many messages of one sender it takes to find it. `Infinity` for more than `mostMessages`.
 *
 * The observer sees every mail of every client, and when each message is delivered. It multiplies, over the messages,
 * how likely each client's mails are to have led to a delivery at that time (Bayes; each client first as likely as any other;
 * each mail as likely as it carries a message). Messages are days apart, so what clients sent before one says
 * nothing of what they sent before the next.
 */
export const messagesToSender = (crowd: Crowd, mostMessages: number, rng: Rng): Narrowed => {
  const begins = Array.from({ length: crowd.senders }, () => minutesPerDay * unitInterval(rng));
  const logLikelihood = new Float64Array(crowd.senders);
  let messagesToOneLeft = Infinity;
  let messagesToSure = Infinity;
  for (let message = 1; message <= mostMessages; message++) {
    const { deliveredAt, evidence } = writeOne(crowd, begins[0] ?? 0, rng);
    add(logLikelihood, 0, Math.log(evidence));
    for (let sender = 1; sender < crowd.senders; sender++)
      if (logLikelihood[sender] !== -Infinity) {
        const mails = mailsFrom(crowd, deliveredAt - crowd.delay.length, deliveredAt, rng);
        add(logLikelihood, sender, Math.log(weigh(crowd, { mails, deliveredAt, begin: begins[sender] ?? 0 })));
      }
    const left = logLikelihood.reduce((count, one) => count + (one > -Infinity ? 1 : 0), 0);
    if (left === 1) messagesToOneLeft = Math.min(messagesToOneLeft, message);
    const best = logLikelihood.reduce((most, one) => Math.max(most, one), -Infinity);
    const total = logLikelihood.reduce((sum, one) => sum + Math.exp(one - best), 0);
    if (Math.exp((logLikelihood[0] ?? 0) - best) / total >= sure) messagesToSure = Math.min(messagesToSure, message);
    if (messagesToOneLeft < Infinity && messagesToSure < Infinity) break;
  }
  return { messagesToOneLeft, messagesToSure };
};

/** Mean minutes between two mails of a client whose machine runs. */
const gapOf = ({ sending, messagesPerDay, onlineHours }: Crowd): number =>
  sending.kind === 'paced' ? sending.meanMin : (onlineHours * 60) / messagesPerDay;

/** When a client's mails leave, from the last before `from` on, up to `to`. */
const mailsFrom = (crowd: Crowd, from: number, to: number, rng: Rng): readonly number[] => {
  const gap = gapOf(crowd);
  const mails = [from - exponential(rng, gap)];
  for (let at = from + exponential(rng, gap); at <= to; at += exponential(rng, gap)) mails.push(at);
  return mails;
};

/** One message of the sender looked for: when it is delivered, and how much the sender's own mails speak for it. */
const writeOne = (
  crowd: Crowd,
  begin: number,
  rng: Rng,
): { readonly deliveredAt: number; readonly evidence: number } => {
  const { sending, delay, onlineHours } = crowd;
  const end = begin + onlineHours * 60;
  for (;;) {
    const writtenAt = begin + (end - begin) * unitInterval(rng);
    const leavesAt = sending.kind === 'paced' ? writtenAt + exponential(rng, sending.meanMin) : writtenAt;
    // Else it waits for the next day, where it is as good as written then.
    if (leavesAt > end && onlineHours < 24) continue;
    const deliveredAt = leavesAt + drawMinute(rng, delay) + unitInterval(rng);
    const before = mailsFrom(crowd, leavesAt - delay.length, writtenAt, rng);
    const mails = [...before, leavesAt, ...mailsFrom(crowd, leavesAt, deliveredAt, rng).slice(1)];
    return { deliveredAt, evidence: weigh(crowd, { mails, deliveredAt, begin }) };
  }
};

/** How much the mails of one client speak for a delivery: for each, the delay's share at its minute. */
const weigh = (
  { sending, messagesPerDay, delay, onlineHours }: Crowd,
  seen: { readonly mails: readonly number[]; readonly deliveredAt: number; readonly begin: number },
): number => {
  const onlineMin = onlineHours * 60;
  let sum = 0;
  for (let place = 1; place < seen.mails.length; place++) {
    const at = seen.mails[place] ?? 0;
    const sinceBegin = (((at - seen.begin) % minutesPerDay) + minutesPerDay) % minutesPerDay;
    if (sinceBegin >= onlineMin) continue;
    const gap = Math.min(at - (seen.mails[place - 1] ?? at), sinceBegin);
    const share = delay[Math.floor(seen.deliveredAt - at)] ?? 0;
    if (share > 0) sum += share * chanceOfMessage(sending, messagesPerDay / onlineMin, gap);
  }
  return sum;
};
