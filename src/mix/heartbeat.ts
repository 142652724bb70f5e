/** What a node remembers of the loops it sends to itself. Plain data: it outlives the process as JSON. */
export interface Heartbeat {
  /** The last intervals, oldest first, at most 12. */
  readonly beats: readonly Beat[];
  /** How many of the last intervals may be judged: those since the pool was last released, or the node began. */
  readonly fresh: number;
  /** Part of its loops that comes home, learned over about a day. */
  readonly returned: number;
  /** When the last interval ended; undefined before the first one. */
  readonly at: number | undefined;
  /** How long an interval is, as far as is known; undefined before the first one has passed. */
  readonly intervalMs: number | undefined;
  /** Too few loops come home: nothing may leave the pool. */
  readonly holding: boolean;
  /** Loops that came home in the intervals which decided that last, and how many should have. */
  readonly home: number;
  readonly expected: number;
}

/** One mix interval. */
export interface Beat {
  /** Mean number of the loops that were made at its end: what is configured; 0 if none were made. */
  readonly sent: number;
  /** Loops that came home in it. */
  readonly home: number;
  /** How many would have come if none were lost. */
  readonly due: number;
}

/** Of a node that has made no loop yet. */
export const newHeartbeat: Heartbeat = {
  beats: [],
  fresh: 0,
  returned: 0.8,
  at: undefined,
  intervalMs: undefined,
  holding: false,
  home: 0,
  expected: 0,
};

/**
 * The lengths of time that are looked back on, in intervals, and how improbable it must be that so few loops are home
 * where nobody holds any back. The short ones notice silence; the long ones, that a part is missing, and silence
 * where few loops are made. Measured: with three loops an interval one false alarm in two months, in test/mix/heartbeat.
 */
const looks: readonly { readonly intervals: number; readonly chance: number }[] = [
  { intervals: 1, chance: 1e-3 },
  { intervals: 2, chance: 1e-3 },
  { intervals: 3, chance: 1e-3 },
  { intervals: 6, chance: 1e-4 },
  { intervals: 12, chance: 1e-4 },
];
const mostBeats = 12;

/** With the default mixing 99 of 100 loops are home after six intervals. */
const roundTrip = 8;
/** A loop is seldom home before the third interval. */
const soonest = 3;
/** About a day of intervals of 12 minutes. */
const learnedOver = 120;
/** A node that has slept for more intervals than these can't say when its loops should be home. */
const longestGap = 3;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** The probability that of something that happens `mean` times on average, independently, no more than `most` happen. */
export const atMostBy = (mean: number, most: number): number => {
  // In logarithms, because e^-mean is 0 beyond 745.
  let term = -mean;
  let total = Math.exp(term);
  for (let i = 1; i <= most; i++) {
    term += Math.log(mean / i);
    total += Math.exp(term);
  }
  return Math.min(1, total);
};

/**
 * What a node knows at the end of a mix interval: whether so few of its loops have come home that somebody is holding
 * back its mail. Loops can't be told from other packets, and nobody else can make one; who keeps all packets but one from
 * a node, to see where that one goes (n-1 attack), keeps its loops too.
 *
 * Loops come home independently, so their number in a time is Poisson distributed. The pool is held when no more than
 * came come by chance once in a thousand times: with three loops an interval, silence is noticed with the third interval.
 * It is released when in two intervals at least half of what should come has come.
 *
 * What it does not see: an attacker who blocks only mails in which no loops come (those of clients); one who was there
 * before the node began, who wears the number down over days (the part that comes home is learned, while nothing is held);
 * a loss of less than about half. Where less than 2.3 loops an interval come home, silence is noticed later:
 * after 6 intervals with 1.6, after 12 with 0.8, with less never. A node that has slept is not judged before loops of its
 * own should be home again.
 *
 * @param passed `sent`: mean number of loops made at the end of the interval before; `home`: how many came in since
 */
export const beat = (
  heart: Heartbeat,
  passed: { readonly sent: number; readonly home: number; readonly now: number },
): Heartbeat => {
  const awake = afterGap(heart, passed.now);
  const beats = [...awake.beats, nextBeat(awake.beats, passed)].slice(-mostBeats);
  const known = { ...awake, beats, at: passed.now };
  return known.holding ? released(known) : held(learned({ ...known, fresh: Math.min(mostBeats, known.fresh + 1) }));
};

/** Learns how long intervals are; if many were missed, what was sent before them is no measure. */
const afterGap = (heart: Heartbeat, now: number): Heartbeat => {
  const { at, intervalMs = Infinity } = heart;
  if (at === undefined) return heart;
  const passedMs = now - at;
  const known = { ...heart, intervalMs: Math.max(1, Math.min(passedMs, 2 * intervalMs)) };
  return passedMs >= 0 && passedMs <= longestGap * intervalMs ? known : { ...known, beats: [], fresh: 0 };
};

/** The loops under way were sent in the last round trip: each of its intervals brings as many home. */
const nextBeat = (before: readonly Beat[], { sent, home }: { readonly sent: number; readonly home: number }): Beat => {
  const made = [...before.map((one) => one.sent), sent];
  const over = (intervals: number): number => sum(made.slice(-intervals)) / intervals;
  // Loops begin to come home later, and end to come sooner, than the mean over the whole round trip says.
  return { sent, home, due: Math.min(over(soonest), over(roundTrip)) };
};

const learned = (heart: Heartbeat): Heartbeat => {
  const last = heart.beats.at(-1);
  if (last === undefined || last.due === 0) return heart;
  const returned = heart.returned + (last.home / last.due - heart.returned) / learnedOver;
  return { ...heart, returned: Math.min(1, returned) };
};

/** Of the last intervals: what came home, and what should have. */
const look = ({ beats, returned }: Heartbeat, intervals: number): { home: number; expected: number } => {
  const last = beats.slice(-intervals);
  return { home: sum(last.map(({ home }) => home)), expected: returned * sum(last.map(({ due }) => due)) };
};

const held = (heart: Heartbeat): Heartbeat => {
  for (const { intervals, chance } of looks) {
    if (intervals > heart.fresh) break;
    const { home, expected } = look(heart, intervals);
    if (atMostBy(expected, home) < chance) return { ...heart, holding: true, fresh: 0, home, expected };
  }
  return heart;
};

const released = (heart: Heartbeat): Heartbeat => {
  const { home, expected } = look(heart, 2);
  return { ...heart, home, expected, holding: home < expected / 2 };
};
