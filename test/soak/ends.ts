import type { Ended } from '../demo/processes.js';

/** A time when a process ended although nobody had ended it. */
export interface Fall {
  /** What it said last. */
  readonly text: string;
  /** Undefined: it could not be started, for a reason that is not its own. */
  readonly ended: Ended | undefined;
}

/** "Try again later", of sysexits.h: the network has no list, or the disk is full, and the service manager starts it again. */
const temporary = 75;

/** Whether a process ended in a way for which nothing that the run does is a reason. The run's own signals are no falls. */
export const isUnexplained = ({ ended }: Fall): boolean => ended?.code !== temporary;

/** In the words of a finding. */
export const tellFall = ({ text, ended }: Fall): string => {
  const how = ended === undefined ? 'could not be started' : `ended with ${ended.signal ?? String(ended.code)}`;
  return `${how}: ${text.trimEnd().split('\n').at(-1) ?? ''}`;
};

/** Whether a log has a stack of ours, or V8's own last words, where memory ran out. */
export const hasStack = (log: string): boolean => /\n\s+at .*\d+:\d+\)?|BUG|FATAL ERROR|heap out of memory/.test(log);
