import { ConfigError } from '../base/errors.js';
import type { Parsed, Talk, Telling } from '../ports/talk.js';

/** Who answers: what stands on the command line, and where somebody is there, they. */
export interface Asking {
  /** Undefined: nobody can be asked. */
  readonly talk: Talk | undefined;
  readonly tell: Telling;
}

/** A question that a flag can answer. */
export interface Asked<T> {
  /** How the command line says it: `--role node|exit|client`. */
  readonly flag: string;
  /** What the command line has said. */
  readonly given: string | undefined;
  readonly parse: (text: string) => Parsed<T>;
  readonly ask: (talk: Talk, check: (text: string) => string | undefined) => Promise<string>;
  /** The answer of who is not asked; undefined: there is none, and the flag is needed. */
  readonly otherwise?: T;
}

const sentenceOf = <T>(parsed: Parsed<T>): string | undefined =>
  parsed.kind === 'bad' ? `${parsed.sentence}.` : undefined;

/**
 * The answer: of the command line, or else of who is asked, as often as it takes.
 *
 * @throws ConfigError where nobody is there to ask, and the flag is missing or wrong; Stopped
 */
export const answerTo = async <T>({ talk, tell }: Asking, asked: Asked<T>): Promise<T> => {
  const { flag, given, parse, ask, otherwise } = asked;
  if (given !== undefined) {
    const parsed = parse(given);
    if (parsed.kind === 'good') return parsed.value;
    if (talk === undefined) throw new ConfigError(`${flag}: ${parsed.sentence}`);
    tell.wrong(`${parsed.sentence}.`);
  }
  if (talk === undefined) {
    if (otherwise !== undefined) return otherwise;
    throw new ConfigError(`${flag} is missing: nobody can be asked here`);
  }
  for (;;) {
    const parsed = parse(await ask(talk, (text) => sentenceOf(parse(text))));
    if (parsed.kind === 'good') return parsed.value;
    tell.wrong(`${parsed.sentence}.`);
  }
};
