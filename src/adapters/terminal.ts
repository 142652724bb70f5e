import { confirm, isCancel, password, select, text } from '@clack/prompts';
import { Stopped } from '../base/errors.js';
import { secondMs } from '../base/units.js';
import type { Talk, Telling } from '../ports/talk.js';

/** What was answered. @throws Stopped when it was ended with Ctrl-C or Escape */
const answered = <T>(answer: T): Exclude<T, symbol> => {
  if (isCancel(answer)) throw new Stopped();
  return answer as Exclude<T, symbol>;
};

/** Questions on the terminal of this process. Colors are left out with NO_COLOR and on terminals that have none. */
export const terminalTalk: Talk = {
  text: async ({ question, check, suggestion, example }) =>
    answered(
      await text({
        message: question,
        validate: (value) => check(value ?? ''),
        ...(suggestion === undefined ? {} : { initialValue: suggestion }),
        ...(example === undefined ? {} : { placeholder: example }),
      }),
    ),
  secret: async ({ question, check }) =>
    answered(await password({ message: question, validate: (value) => check(value ?? '') })),
  choose: async (question, choices) =>
    answered(await select({ message: question, options: choices.map((choice) => ({ ...choice })) })),
  confirm: async (question) => answered(await confirm({ message: question })),
};

/** What is under way is told again and again on a terminal, and once it takes longer than this elsewhere. */
const silentMs = secondMs;
const frameMs = 100;
const frames = ['-', '\\', '|', '/'];

/** Runs `tick` at those times until the work ends. */
const ticking = async <T>(everyMs: number, tick: () => void, work: Promise<T>): Promise<T> => {
  const timer = setInterval(tick, everyMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
};

/** Where the text begins, behind `WRONG  `. */
const indent = 7;

/** The text in lines of that width, words whole where they fit. */
const wrapped = (text: string, columns: number): string => {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
};

/** Where lines for people go, and what can be shown there. */
export interface Screen {
  readonly write: (text: string) => unknown;
  /** On `live` ones what is under way shows its seconds, in a line that goes away again. */
  readonly look: 'live' | 'plain';
  readonly hasColors: boolean;
  /** Undefined: lines are as long as they are. */
  readonly columns: number | undefined;
}

/** Lines for people. */
export const tellingOn = (stream: Screen): Telling => {
  const { look, hasColors, columns } = stream;
  const colored = (code: number, word: string): string => (hasColors ? `\u001b[${code}m${word}\u001b[39m` : word);
  const line = (word: string, what: string): void =>
    void stream.write(`${word}  ${columns === undefined ? what : wrapped(what, columns - indent)}\n`);
  return {
    good: (what) => line(colored(32, 'ok   '), what),
    note: (what) => line(colored(33, 'note '), what),
    wrong: (what) => line(colored(31, 'WRONG'), what),
    during: async (what, work) => {
      const began = performance.now();
      const seconds = (): number => Math.floor((performance.now() - began) / secondMs);
      if (look === 'plain') {
        let isTold = false;
        return ticking(
          silentMs,
          () => {
            if (!isTold) stream.write(`...    ${what}\n`);
            isTold = true;
          },
          work,
        );
      }
      let frame = 0;
      try {
        return await ticking(
          frameMs,
          () => void stream.write(`\r${frames[frame++ % frames.length] ?? ''}      ${what}, ${seconds()} s\u001b[K`),
          work,
        );
      } finally {
        stream.write('\r\u001b[K');
      }
    },
  };
};
