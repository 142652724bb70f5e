import { performance } from 'node:perf_hooks';
import { ConfigError, PacketError, RouteError, SubmissionError } from '../../src/base/errors.js';
import type { ExpectedError, Target } from './target.js';

/** What came of one input. */
export type Outcome =
  | { readonly kind: 'value'; readonly label: string; readonly ms: number }
  | { readonly kind: 'refused'; readonly label: string; readonly ms: number }
  /** `key` is the same for findings that have one cause, as far as one can see. */
  | { readonly kind: 'finding'; readonly key: string; readonly text: string; readonly ms: number };

/** Two clocks, in ms: one on the wall, and one that runs while this process has a processor. */
export interface Clocks {
  readonly wallMs: () => number;
  readonly processorMs: () => number;
}

const clocksHere: Clocks = {
  wallMs: () => performance.now(),
  processorMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** One input may take this long, of the processor. */
export const slowMs = 1000;
/** An answer that is waited for, such as a parser's, comes within this time or never. */
const foreverMs = 20_000;

const expectedErrors: Readonly<Record<ExpectedError, new (...of: never[]) => Error & { readonly code: string }>> = {
  PacketError,
  RouteError,
  SubmissionError,
  ConfigError,
};

const codeOf = (error: unknown, errors: readonly ExpectedError[]): string | undefined => {
  for (const name of errors) {
    const Expected = expectedErrors[name];
    if (error instanceof Expected) return error.code;
  }
  return undefined;
};

/** The first place of our code in a stack: findings from one line are one finding. */
const placeOf = (error: Error): string =>
  /\/(src\/[\w/.-]+:\d+)/.exec((error.stack ?? '').split('\n').slice(1).join('\n'))?.[1] ?? 'somewhere else';

const findingOf = (error: unknown): { readonly key: string; readonly text: string } => {
  if (!(error instanceof Error)) return { key: 'threw no error', text: String(error) };
  const [text = ''] = error.message.split('\n');
  // What is said of a violation tells them apart; messages of other errors may hold anything.
  return { key: `${error.name} ${error.name === 'Violation' ? text : placeOf(error)}`, text: `${error.name}: ${text}` };
};

const untouched = Reflect.ownKeys(Object.prototype).length;

const isPolluted = (): boolean => {
  for (const _ in {}) return true;
  return Reflect.ownKeys(Object.prototype).length !== untouched;
};

const inTime = (answer: Promise<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), foreverMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });

const once = async (target: Target, input: Uint8Array, { wallMs }: Clocks): Promise<Outcome> => {
  const given = input.slice();
  const begunAt = wallMs();
  const passedMs = (): number => wallMs() - begunAt;
  let outcome: Outcome;
  try {
    const answer = target.run(given);
    const label = typeof answer === 'string' ? answer : await inTime(answer);
    outcome = { kind: 'value', label, ms: passedMs() };
  } catch (error) {
    const ms = passedMs();
    const code = codeOf(error, target.errors);
    outcome = code === undefined ? { kind: 'finding', ...findingOf(error), ms } : { kind: 'refused', label: code, ms };
  }
  if (outcome.kind === 'finding') return outcome;
  const { ms } = outcome;
  if (Buffer.compare(given, input) !== 0)
    return { kind: 'finding', key: 'changes its input', text: 'the decoder changes the bytes it is given', ms };
  if (isPolluted()) return { kind: 'finding', key: 'pollutes', text: 'the decoder changes a prototype', ms };
  return outcome;
};

/**
 * Gives one input to a decoder and judges what comes of it. An input that takes too long is given twice more, and then
 * only the time counts that this process had the processor: the machine may have been busy.
 */
export const judged = async (target: Target, input: Uint8Array, clocks = clocksHere): Promise<Outcome> => {
  const first = await once(target, input, clocks);
  if (first.kind === 'finding' || first.ms < slowMs) return first;
  let { ms } = first;
  for (let again = 0; again < 2 && ms >= slowMs; again++) {
    const begun = clocks.processorMs();
    const next = await once(target, input, clocks);
    ms = Math.min(ms, next.ms, clocks.processorMs() - begun);
  }
  if (ms < slowMs) return { ...first, ms };
  return { kind: 'finding', key: 'slow', text: `one input of ${input.length} bytes takes ${Math.round(ms)} ms`, ms };
};
