/** What one process held at one moment. */
export interface Sample {
  readonly pid: number;
  readonly atMs: number;
  readonly memoryMb: number;
  readonly descriptors: number;
}

/** A process younger than this has not come to rest. */
const youngMs = 180_000;
/** Fewer samples than these say nothing. */
const leastSamples = 8;
const moreMemory = { share: 1.4, mb: 50 };
const mostMoreDescriptors = 12;
/**
 * No process has had more than 215 MB in any hour of one kind. What grows from the start of one process to the next, which each
 * for itself may be too short to show it, ends here.
 */
export const mostMemoryMb = 300;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const growthOfOne = (samples: readonly Sample[]): readonly string[] => {
  const [first] = samples;
  const grown = samples.filter(({ atMs }) => first !== undefined && atMs - first.atMs >= youngMs);
  if (grown.length < leastSamples) return [];
  const quarter = Math.ceil(grown.length / 4);
  const [early, late] = [grown.slice(0, quarter), grown.slice(-quarter)];
  const [memory, then] = [median(late.map((one) => one.memoryMb)), median(early.map((one) => one.memoryMb))];
  const [open, before] = [median(late.map((one) => one.descriptors)), median(early.map((one) => one.descriptors))];
  return [
    ...(memory > then * moreMemory.share && memory > then + moreMemory.mb
      ? [`memory went from ${then.toFixed(0)} to ${memory.toFixed(0)} MB`]
      : []),
    ...(open > before + mostMoreDescriptors ? [`descriptors went from ${before} to ${open}`] : []),
  ];
};

/** Findings about one actor, each of whose processes is looked at for itself. */
export const growthOf = (samples: readonly Sample[]): readonly string[] => {
  const pids = [...new Set(samples.map(({ pid }) => pid))];
  const peakMb = samples.reduce((most, { memoryMb }) => Math.max(most, memoryMb), 0);
  return [
    ...pids.flatMap((pid) => growthOfOne(samples.filter((one) => one.pid === pid))),
    ...(peakMb > mostMemoryMb ? [`${peakMb.toFixed(0)} MB of memory`] : []),
  ];
};
