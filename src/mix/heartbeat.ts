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
  /** At the end of how many intervals that was so, one after the other. */
  readonly heldFor: number;
  /** Intervals in which it has made loops since it began, or has slept, as long as none has come home. */
  readonly unheard: number;
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
  returned: 0.95,
  at: undefined,
  intervalMs: undefined,
  holding: false,
  heldFor: 0,
  unheard: 0,
  home: 0,
  expected: 0,
};

/**
 * The lengths of time that are looked back on, in intervals, and how improbable it must be that so few loops are home
 * where nobody holds any back. The short ones notice silence; the long ones, that a part is missing, and silence where
 * few loops are made. Two silent intervals are enough, so that the pool is held within three of the beginning of an
 * attack, whose first interval loops may have reached before it. It is a cheap thing to do: most often the next interval
 * brings loops, and nobody is told.
 */
const looks: readonly { readonly intervals: number; readonly chance: number }[] = [
  { intervals: 1, chance: 1e-3 },
  { intervals: 2, chance: 4e-3 },
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
 * The number that comes home in a time is taken for Poisson distributed (it varies less, because each interval sends as
 * many). The pool is held when so few would come by chance only once in some hundred times: where three loops are made an
 * interval and nearly all come home, after two silent intervals. It is released when an interval, or two, bring at least
 * half of what they should.
 *
 * What it does not see: an attacker who blocks only mails in which no loops come (those of clients); one who was there
 * before the node began, or who wears the number down over days (the part that comes home is learned, while nothing is
 * held); a loss of less than about half. With fewer loops home silence is noticed later: less than 2.8 an interval, after 3
 * intervals; less than 2.4, after 6; less than 1.7, after 12; less than 0.9, never. A node that begins, or
 * has slept, is not judged before a loop has come home and as many intervals have passed as all of them need for that.
 *
 * False alarms of a node with three loops an interval, measured in test/mix/false-alarms: one hold in three days, for an
 * interval or two, of which one in six weeks lasts longer than the first; where one mail in 50 is lost and one in 20 late,
 * three holds in two days, and a longer one every third day.
 *
 * @param passed `sent`: mean number of loops made at the end of the interval before; `home`: how many came in since
 */
export const beat = (
  heart: Heartbeat,
  passed: { readonly sent: number; readonly home: number; readonly now: number },
): Heartbeat => {
  const awake = { ...afterGap(heart, passed.now), at: passed.now };
  // How long loops are under way here is not known before one has come home.
  if (awake.beats.length === 0 && passed.home === 0 && !awake.holding)
    return { ...awake, unheard: awake.unheard + (passed.sent > 0 ? 1 : 0) };
  const known = { ...awake, unheard: 0, beats: [...awake.beats, nextBeat(awake.beats, passed)].slice(-mostBeats) };
  return known.holding ? released(known) : learned(held({ ...known, fresh: Math.min(mostBeats, known.fresh + 1) }));
};

/** Learns how long intervals are; if many were missed, what was sent before them is no measure. */
const afterGap = (heart: Heartbeat, now: number): Heartbeat => {
  const { at, intervalMs = Infinity } = heart;
  if (at === undefined) return heart;
  const passedMs = now - at;
  const known = passedMs > 0 ? { ...heart, intervalMs: Math.min(passedMs, 2 * intervalMs) } : heart;
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
  // When loops begin or cease to come, how many should is not known that well.
  if (heart.holding || last === undefined || last.due === 0 || last.due < last.sent) return heart;
  const returned = heart.returned + (last.home / last.due - heart.returned) / learnedOver;
  return { ...heart, returned: Math.min(1, returned) };
};

type Told = Pick<Heartbeat, 'home' | 'expected'>;

/** Of the last intervals: what came home, and what should have. */
const look = ({ beats, returned }: Heartbeat, intervals: number): Told => {
  const last = beats.slice(-intervals);
  return { home: sum(last.map(({ home }) => home)), expected: returned * sum(last.map(({ due }) => due)) };
};

const held = (heart: Heartbeat): Heartbeat => {
  for (const { intervals, chance } of looks) {
    if (intervals > heart.fresh) break;
    const { home, expected } = look(heart, intervals);
    if (atMostBy(expected, home) < chance) return { ...heart, holding: true, heldFor: 1, fresh: 0, home, expected };
  }
  return heart;
};

const released = (heart: Heartbeat): Heartbeat => {
  // Not by what is due: after a sleep that is little, and one loop that was late would release the pool.
  const [one, two] = [1, 2].map((intervals) => {
    const last = heart.beats.slice(-intervals);
    const sent = sum(last.map((each) => each.sent)) / Math.max(1, last.length);
    return { home: sum(last.map((each) => each.home)), expected: heart.returned * intervals * sent };
  }) as [Told, Told];
  const isBack = [one, two].some(({ home, expected }) => home >= expected / 2);
  return { ...heart, ...two, holding: !isBack, heldFor: isBack ? 0 : heart.heldFor + 1 };
};
