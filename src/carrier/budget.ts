import { dayMs, hourMs, minuteMs } from '../base/units.js';
import type { Limits } from '../provider/provider.js';

/** What a mail is for. Each has a share of the day's mails, which the others take where it is not wanted. */
export type Purpose = (typeof purposes)[number];
export const purposes = ['people', 'packets', 'directory'] as const;

/**
 * What mails for one purpose leave to the others: an exit that has more deliveries than it may send still passes packets
 * on, and who asks a node for lists all day long takes an eighth of its mails.
 */
export const shares: Readonly<Record<Purpose, number>> = { people: 7 / 16, packets: 7 / 16, directory: 2 / 16 };

/**
 * How much of its budget an account has left. Plain data, kept as JSON.
 *
 * Each window (day, hour, minute) is a token bucket: it holds `limit / 8`, at least 1, and fills with the rest of the
 * limit in the time of the window, so that no span of that length ever sees more mails than the limit, wherever it
 * begins. Beside the tokens of the day each purpose has credit: it fills by shares, what one can't hold goes to the others,
 * and whoever has none waits.
 */
export interface Account {
  /** When it was used first: new accounts may send less. */
  readonly since: number;
  /** The moment that the levels are those of. */
  readonly at: number;
  /** Tokens of the windows. Those of hour and minute mean nothing without such a limit. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly credit: Credit;
  /** The purposes, those first that were served longest ago. */
  readonly turns: readonly Purpose[];
  /** Part of the limits that the provider has proved to stand when it last complained, in (0, 1]. */
  readonly learned: number;
  /** When it did; undefined: never. */
  readonly limitedAt: number | undefined;
  /** Mails counted in all. */
  readonly spent: number;
}

/** In mails. Falls to -1 at the lowest. */
export type Credit = Readonly<Record<Purpose, number>>;

/** Providers watch new accounts more closely: in its first month one gets this part of what it can stand later. */
const youngMs = 30 * dayMs;
const youngPart = 1 / 3;
/** Part of a window's limit that may leave at once. */
const burstPart = 1 / 8;
/** A provider that says "too many" counts otherwise than the table. Never below this, or it would not be found out again. */
const leastLearned = 1 / 16;
const quietDays = 7;
const growthPerDay = 1.1;
/** Mails of one hour that are refused with one word are one complaint. */
const oneComplaintMs = hourMs;
/** A clock that is set back that far does not come back by waiting. */
const longestWaitMs = hourMs;

const windowsMs = { day: dayMs, hour: hourMs, minute: minuteMs } as const;
type Window = keyof typeof windowsMs;

const limitIn = (limits: Limits, window: Window): number | undefined =>
  ({ day: limits.perDay, hour: limits.perHour, minute: limits.perMinute })[window];

/** What the provider stands as far as is known: grows back after it has been quiet for a week. */
const learnedAt = ({ learned, limitedAt }: Account, now: number): number => {
  const days = limitedAt === undefined ? 0 : Math.floor((now - limitedAt) / dayMs) - quietDays;
  return Math.min(1, learned * growthPerDay ** Math.max(0, days));
};

/** Mails in a window that the account may send now, at least 1; Infinity where there is no limit. */
const allowedIn = (account: Account, limits: Limits, now: number, window: Window): number => {
  const part = (now < account.since + youngMs ? youngPart : 1) * learnedAt(account, now);
  const limit = limitIn(limits, window);
  return limit === undefined ? Infinity : Math.max(1, Math.floor(limit * part));
};

/** Mails a day that the account may send now: a third for the first month, less after its provider has complained. */
export const perDayAt = (account: Account, limits: Limits, now: number): number =>
  allowedIn(account, limits, now, 'day');

/** When its first month is over. */
export const grownAt = ({ since }: Account): number => since + youngMs;

/** Whether it is sent less than the limits because its provider has complained. */
export const isWarned = (account: Account, now: number): boolean => learnedAt(account, now) < 1;

const burst = (limit: number): number => Math.max(1, limit * burstPart);
/** Half a token a window more than is left: whole mails are counted, so the limit still holds, and 1 a day is not 0. */
const fillPerMs = (limit: number, window: Window): number => (limit + 0.5 - burst(limit)) / windowsMs[window];

const noCredit: Credit = { people: 0, packets: 0, directory: 0 };

const mostCredit = (perDay: number, purpose: Purpose): number => burst(perDay) * shares[purpose];

/** Fills up what is not full, each purpose by its share; what one can't hold goes to the others. */
const pour = (credit: Credit, perDay: number, tokens: number): Credit => {
  const filled = { ...credit };
  for (const purpose of purposes) filled[purpose] = Math.min(filled[purpose], mostCredit(perDay, purpose));
  // Each round either fills one of them or hands everything out.
  for (let left = tokens; left > 0;) {
    const open = purposes.filter((purpose) => filled[purpose] < mostCredit(perDay, purpose));
    const sum = open.reduce((total, purpose) => total + shares[purpose], 0);
    let over = 0;
    for (const purpose of open) {
      const part = (left * shares[purpose]) / sum;
      const room = mostCredit(perDay, purpose) - filled[purpose];
      filled[purpose] = part < room ? filled[purpose] + part : mostCredit(perDay, purpose);
      over += Math.max(0, part - room);
    }
    left = over;
  }
  return filled;
};

const empty = { day: 0, hour: 0, minute: 0, credit: noCredit } as const;

/** Its buckets are full. @param since when the account was used first */
export const openAccount = (limits: Limits, now: number, since: number = now): Account => {
  const account: Account = {
    ...empty,
    since,
    at: now,
    turns: purposes,
    learned: 1,
    limitedAt: undefined,
    spent: 0,
  };
  const full = (window: Window): number => {
    const limit = allowedIn(account, limits, now, window);
    return limit === Infinity ? 0 : burst(limit);
  };
  const perDay = perDayAt(account, limits, now);
  return {
    ...account,
    day: full('day'),
    hour: full('hour'),
    minute: full('minute'),
    credit: pour(noCredit, perDay, burst(perDay)),
  };
};

/** The same account with nothing left to send now: how much it has sent is not known. */
export const drained = (account: Account, now: number): Account => ({ ...account, ...empty, at: now });

/** The account at `now`. A clock that was set back gives nothing: what fills up begins again where it stood before. */
const filledAt = (account: Account, limits: Limits, now: number): Account => {
  const spanMs = now - account.at;
  if (spanMs < -longestWaitMs) return { ...account, ...empty, at: now };
  if (spanMs <= 0) return account;
  const fill = (level: number, window: Window): number => {
    const limit = allowedIn(account, limits, now, window);
    return limit === Infinity ? level : Math.min(burst(limit), level + fillPerMs(limit, window) * spanMs);
  };
  const perDay = perDayAt(account, limits, now);
  return {
    ...account,
    at: now,
    day: fill(account.day, 'day'),
    hour: fill(account.hour, 'hour'),
    minute: fill(account.minute, 'minute'),
    credit: pour(account.credit, perDay, fillPerMs(perDay, 'day') * spanMs),
  };
};

/** Sums of parts end a little below the whole number they mean. */
const wholeTokens = (level: number): number => Math.max(0, Math.floor(level + 1e-6));

const availableIn = ({ day, hour, minute, credit }: Account, limits: Limits, purpose: Purpose): number =>
  Math.min(
    wholeTokens(day),
    Math.max(0, Math.ceil(credit[purpose])),
    limits.perHour === undefined ? Infinity : wholeTokens(hour),
    limits.perMinute === undefined ? Infinity : wholeTokens(minute),
  );

/** How many mails for that purpose may leave now. */
export const available = (account: Account, limits: Limits, now: number, purpose: Purpose): number =>
  availableIn(filledAt(account, limits, now), limits, purpose);

/**
 * Which of these purposes has its turn: they take turns, and one without credit is passed over. undefined: none may send
 * a mail now.
 *
 * @param wanted those for which mails wait
 */
export const whoseTurn = (
  account: Account,
  limits: Limits,
  now: number,
  wanted: readonly Purpose[],
): Purpose | undefined => {
  const filled = filledAt(account, limits, now);
  return filled.turns.find((purpose) => wanted.includes(purpose) && availableIn(filled, limits, purpose) > 0);
};

const withTokens = (account: Account, purpose: Purpose, tokens: number): Account => ({
  ...account,
  day: account.day + tokens,
  hour: account.hour + tokens,
  minute: account.minute + tokens,
  credit: { ...account.credit, [purpose]: account.credit[purpose] + tokens },
  spent: account.spent - tokens,
});

/** A mail is handed over. */
export const spend = (account: Account, limits: Limits, now: number, purpose: Purpose): Account => ({
  ...withTokens(filledAt(account, limits, now), purpose, -1),
  turns: [...account.turns.filter((other) => other !== purpose), purpose],
});

/** A mail that was counted has not reached the server. */
export const giveBack = (account: Account, limits: Limits, now: number, purpose: Purpose): Account =>
  withTokens(filledAt(account, limits, now), purpose, 1);

/** The server speaks of a limit: from now on half of what was thought, and nothing at once. */
export const learn = (account: Account, limits: Limits, now: number): Account => {
  const isNew = account.limitedAt === undefined || Math.abs(now - account.limitedAt) >= oneComplaintMs;
  return {
    ...filledAt(account, limits, now),
    ...empty,
    learned: isNew ? Math.max(leastLearned, learnedAt(account, now) / 2) : account.learned,
    limitedAt: isNew ? now : account.limitedAt,
  };
};

/** When the next mail for that purpose may leave: `now`, if one may now. At most some days away. */
export const nextAt = (account: Account, limits: Limits, now: number, purpose: Purpose): number => {
  const mayLeave = (at: number): boolean => available(account, limits, at, purpose) >= 1;
  if (mayLeave(now)) return now;
  // The emptiest account of one mail a day has one after four days; and it never has less for waiting.
  let before = now;
  let after = Math.max(now, account.at) + 4 * dayMs;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (mayLeave(middle)) after = middle;
    else before = middle;
  }
  return after;
};
