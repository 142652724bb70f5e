import { Stopped } from '../../src/base/errors.js';
import type { Talk, Telling } from '../../src/ports/talk.js';

/** What somebody was asked, and told, in its order. */
export interface Conversation {
  readonly talk: Talk;
  readonly telling: Telling;
  /** A question as `? Password`, what is refused as `! sentence`, and what is said as `ok ...`, `note ...`, `WRONG ...`. */
  readonly lines: readonly string[];
  readonly questions: () => number;
}

/** Somebody who gives these answers, one after the other, and leaves when there are no more. Empty: as it is suggested. */
export const conversation = (...answers: readonly (string | boolean)[]): Conversation => {
  const lines: string[] = [];
  const left = [...answers];
  let asked = 0;
  const next = (question: string): string | boolean => {
    asked++;
    lines.push(`? ${question}`);
    const answer = left.shift();
    if (answer === undefined) throw new Stopped();
    return answer;
  };
  const typed = (question: string, check: (text: string) => string | undefined, suggestion = ''): Promise<string> =>
    new Promise((resolve) => {
      for (let isAgain = false; ; isAgain = true) {
        const answer = String(next(isAgain ? `${question}, again` : question)) || suggestion;
        const objection = check(answer);
        if (objection === undefined) {
          resolve(answer);
          return;
        }
        lines.push(`! ${objection}`);
        asked--;
      }
    });
  const say =
    (word: string) =>
    (what: string): void =>
      void lines.push(`${word} ${what}`);
  return {
    lines,
    questions: () => asked,
    talk: {
      text: ({ question, check, suggestion }) => typed(question, check, suggestion),
      secret: ({ question, check }) => typed(question, check),
      choose: (question) => Promise.resolve().then(() => String(next(question))),
      confirm: (question) => Promise.resolve().then(() => next(question) === true),
    },
    telling: { good: say('ok'), note: say('note'), wrong: say('WRONG'), during: (_what, work) => work },
  };
};
