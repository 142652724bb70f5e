/** A countermeasure, and what the program is like without it. */
export interface Switch {
  /** The attack it answers. */
  readonly name: string;
  /** The countermeasure, in words. */
  readonly what: string;
  /** The module, from the root of the repository. */
  readonly file: string;
  /** Source text that occurs exactly once in that file. */
  readonly find: string;
  readonly replace: string;
  /** The test that has to fail without it. */
  readonly test: string;
  /** Words of that test's name, where the rest of its file takes long. */
  readonly only?: string;
}

/** One of a module under src/ that a test in this folder shows. */
export const entry = (
  name: string,
  what: string,
  [file, find, replace]: readonly [file: string, find: string, replace: string],
  test: string,
): Switch => ({ name, what, file: `src/${file}`, find, replace, test: `test/attacks/${test}.test.ts` });
