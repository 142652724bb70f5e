/** One thing to time. */
export interface Job {
  readonly name: string;
  /** Does it `times` times. */
  readonly run: (times: number) => unknown;
}

/** What a measurement found. */
export interface Measured {
  readonly name: string;
  /** Median over the rounds of the time of one operation. */
  readonly medianUs: number;
  /** The shortest of the rounds: what it takes when the machine does nothing else. */
  readonly bestUs: number;
}

export interface Ratio {
  readonly name: string;
  /** Median over the rounds of the ratio within a round. */
  readonly value: number;
  /** Ratio of the shortest rounds. */
  readonly best: number;
  /** What it should be, in the direction of `atLeast` or `atMost`. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

/** Something found by counting, or by doing it once. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** One part of the benchmark: rows and what follows from them. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Measured[];
  readonly ratios: readonly Ratio[];
  readonly figures?: readonly Figure[];
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
};

const timeMs = async (job: Job, times: number): Promise<number> => {
  const begin = performance.now();
  await job.run(times);
  return performance.now() - begin;
};

export interface Measurements {
  readonly rows: readonly Measured[];
  /** How long `slower` takes in `faster`s. */
  readonly ratio: (slower: string, faster: string) => Pick<Ratio, 'value' | 'best'>;
}

/**
 * Times the jobs in turns, a short while each and round after round, so that whatever else the machine does falls on all
 * of them alike; ratios are taken within a round.
 *
 * @param turnMs how long a job runs in a round, roughly
 */
export const measure = async (jobs: readonly Job[], rounds: number, turnMs = 40): Promise<Measurements> => {
  const samples = new Map<string, number[]>();
  const turns: { readonly job: Job; readonly times: number }[] = [];
  for (const job of jobs) {
    // The first run warms up; the second tells how many make a turn.
    await timeMs(job, 4);
    const onceMs = (await timeMs(job, 8)) / 8;
    turns.push({ job, times: Math.max(2, Math.round(turnMs / onceMs)) });
    samples.set(job.name, []);
  }
  // A first round is thrown away: code is still being compiled in it.
  for (let round = -1; round < rounds; round++)
    for (const { job, times } of turns) {
      const usEach = (1000 * (await timeMs(job, times))) / times;
      if (round >= 0) samples.get(job.name)?.push(usEach);
    }
  const of = (name: string): readonly number[] => samples.get(name) ?? [];
  return {
    rows: jobs.map(({ name }) => ({ name, medianUs: median(of(name)), bestUs: Math.min(...of(name)) })),
    ratio: (slower, faster) => ({
      value: median(of(slower).map((value, i) => value / (of(faster)[i] ?? Number.NaN))),
      best: Math.min(...of(slower)) / Math.min(...of(faster)),
    }),
  };
};
