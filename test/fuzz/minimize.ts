import type { Target } from './target.js';
import { judged } from './verdict.js';

/** Runs that a finding is worth. */
const mostRuns = 3000;
const longestMs = 20_000;

/** What an input is to show still, and who is told of each that is tried. */
export interface Goal {
  readonly key: string;
  readonly before: (input: Uint8Array) => void;
}

/** A shorter input that shows the same, as short as some thousand tries find it. */
export const minimized = async (target: Target, input: Uint8Array, { key, before }: Goal): Promise<Uint8Array> => {
  const until = performance.now() + longestMs;
  let runs = 0;
  const isSame = async (bytes: Uint8Array): Promise<boolean> => {
    runs++;
    before(bytes);
    const outcome = await judged(target, bytes);
    return outcome.kind === 'finding' && outcome.key === key;
  };
  const goesOn = (): boolean => runs < mostRuns && performance.now() < until;
  let best = input;
  for (let piece = best.length >> 1; piece >= 1 && goesOn(); piece >>= 1)
    for (let at = 0; at < best.length && goesOn();) {
      const shorter = new Uint8Array(best.length - Math.min(piece, best.length - at));
      shorter.set(best.subarray(0, at));
      shorter.set(best.subarray(at + piece), at);
      if (await isSame(shorter)) best = shorter;
      else at += piece;
    }
  return best;
};
