/** What an answer is worth: a value, or a sentence that says what is wrong with it and what to do. */
export type Parsed<T> =
  { readonly kind: 'good'; readonly value: T } | { readonly kind: 'bad'; readonly sentence: string };

interface Question {
  readonly question: string;
  /** Refuses an answer, with the sentence to show; the question then stays. */
  readonly check: (text: string) => string | undefined;
}

export interface TextQuestion extends Question {
  /** Stands there already, to be changed or taken as it is. */
  readonly suggestion?: string;
  /** Shown while nothing is typed. */
  readonly example?: string;
}

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

/** Somebody at a terminal. Every question rejects with `Stopped` when they end it with Ctrl-C. */
export interface Talk {
  readonly text: (question: TextQuestion) => Promise<string>;
  /** The same for what nobody else may read on the screen. */
  readonly secret: (question: Question) => Promise<string>;
  readonly choose: (question: string, choices: readonly Choice[]) => Promise<string>;
  readonly confirm: (question: string) => Promise<boolean>;
}

/** Where a command says what it does. */
export interface Telling {
  /** Something is as it should be. */
  readonly good: (line: string) => void;
  readonly note: (line: string) => void;
  readonly wrong: (line: string) => void;
  /** Says that this is going on, with the seconds where somebody looks, until it has ended in whatever way. */
  readonly during: <T>(what: string, work: Promise<T>) => Promise<T>;
}
