/**
 * When what is done in a round, in epoch milliseconds. Round `number` ends with the list that is valid from
 * `number x period` on; it takes the half period before.
 *
 *   vote -4/8 | reveal -3/8 | echo -2/8 | sign -1/8 | valid from 0 | fresh until +1 | valid until +3 periods
 *
 * Source: the shared randomness rounds of Tor and Katzenpost, at the pace of mail.
 */
export interface RoundTimes {
  /** Descriptors received before are in the vote. */
  readonly voteAt: number;
  readonly revealAt: number;
  /** What others have not seen is passed on. */
  readonly echoAt: number;
  readonly signAt: number;
  readonly validFrom: number;
  /** From here on there should be the next list. */
  readonly freshUntil: number;
  /** The first moment in which the list is no longer valid: two missed rounds hurt nobody. */
  readonly validUntil: number;
}

/** Periods for which a list is valid. */
export const validPeriods = 3;

/** The last moment that documents can name: 9999-12-31T23:59:59Z. */
const endOfTime = 253_402_300_799_000;

/** The number of the list that is fresh at that moment. */
export const numberAt = (periodMs: number, at: number): number => Math.floor(at / periodMs);

export const timesOf = (periodMs: number, number: number): RoundTimes => {
  const validFrom = number * periodMs;
  const eighths = (count: number): number => validFrom - (count * periodMs) / 8;
  return {
    voteAt: eighths(4),
    revealAt: eighths(3),
    echoAt: eighths(2),
    signAt: eighths(1),
    validFrom,
    freshUntil: validFrom + periodMs,
    validUntil: validFrom + validPeriods * periodMs,
  };
};

/** The newest list there can be at that moment: one is handed out as soon as it is signed. */
export const wantedNumber = (periodMs: number, now: number): number => numberAt(periodMs, now + periodMs / 8);

/**
 * Whether nobody can use a list of that number yet. One is handed out before it is valid, and clocks differ a little; a list of
 * next month would shut out all before it.
 */
export const isFromTheFuture = (periodMs: number, number: number, now: number): boolean =>
  number > numberAt(periodMs, now) + 1;

/** Whether the times of that round can be written down. */
export const isOnTimetable = (periodMs: number, number: number): boolean =>
  timesOf(periodMs, number).validUntil <= endOfTime;
