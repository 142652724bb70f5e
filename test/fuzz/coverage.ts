import { Session, type Profiler } from 'node:inspector';

/** For each script a 1 for each character that ran. */
export type Ran = ReadonlyMap<string, Uint8Array>;

/** Which blocks of the code under test run, as V8 counts them. */
export interface Coverage {
  /** What ran since the last call. */
  readonly take: () => Ran;
  /** Whether some of it is not known. */
  readonly isNew: (ran: Ran) => boolean;
  /** From now on it is known. */
  readonly learn: (ran: Ran) => void;
  readonly end: () => void;
}

/**
 * Counts blocks of the scripts that `isOurs` names by their address. It hardly slows the code down; a look costs about a
 * millisecond, so it is for many inputs at once. One of it in a thread.
 */
export const startCoverage = (isOurs: (url: string) => boolean): Coverage => {
  const session = new Session();
  session.connect();
  // The session answers within the call.
  let result: readonly Profiler.ScriptCoverage[] = [];
  const take = (): readonly Profiler.ScriptCoverage[] => {
    session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      ({ result } = answer);
    });
    return result.filter(({ url }) => isOurs(url));
  };
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

  const known = new Map<string, Uint8Array>();
  return {
    take: () => new Map(take().map((script) => [script.scriptId, charactersOf(script)])),
    isNew: (ran) =>
      [...ran].some(([script, characters]) => {
        const before = known.get(script);
        return characters.some((one, at) => one === 1 && before?.[at] !== 1);
      }),
    learn: (ran) => {
      for (const [script, characters] of ran) {
        const before = known.get(script) ?? new Uint8Array();
        const all = new Uint8Array(Math.max(before.length, characters.length));
        all.set(before);
        characters.forEach((one, at) => (all[at] = (all[at] ?? 0) | one));
        known.set(script, all);
      }
    },
    end: () => {
      session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
};

/** Functions stand in order of where they begin, and blocks behind what they are in: the last word on a character counts. */
const charactersOf = ({ functions }: Profiler.ScriptCoverage): Uint8Array => {
  const ranges = functions.flatMap((one) => one.ranges);
  const ran = new Uint8Array(ranges.reduce((most, { endOffset }) => Math.max(most, endOffset), 0));
  for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
};
