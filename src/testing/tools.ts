/** What is asked of a value; vitest and jest know all of it. */
export interface Expectation {
  readonly toBe: (expected: unknown) => void;
  readonly toEqual: (expected: unknown) => void;
  readonly toContain: (expected: unknown) => void;
  readonly toContainEqual: (expected: unknown) => void;
  readonly toHaveLength: (expected: number) => void;
  readonly toBeGreaterThan: (expected: number) => void;
  readonly toBeLessThan: (expected: number) => void;
  readonly toMatchObject: (expected: object) => void;
  readonly toThrow: (expected?: string) => void;
}

/**
 * The functions of a test runner: `import * as tools from 'vitest'`, or jest's. The contracts import none, so that the
 * package needs none.
 */
export interface TestTools {
  readonly describe: (name: string, suite: () => void) => unknown;
  readonly it: (name: string, test: () => Promise<void> | void) => unknown;
  readonly beforeAll: (work: () => Promise<void> | void) => unknown;
  readonly afterAll: (work: () => Promise<void> | void) => unknown;
  readonly beforeEach: (work: () => Promise<void> | void) => unknown;
  readonly afterEach: (work: () => Promise<void> | void) => unknown;
  readonly expect: (value: unknown) => Expectation & {
    readonly not: Expectation;
    readonly rejects: { readonly toMatchObject: (expected: object) => Promise<void> };
  };
}

/** What must be there for a test to go on. @throws Error */
export const given = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`expected ${what}, got nothing`);
  return value;
};
