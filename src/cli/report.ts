/** What was found, a line each; counts what has to be mended. */
export class Report {
  readonly #print: (...lines: readonly string[]) => void;
  #problems = 0;
  constructor(print: (...lines: readonly string[]) => void) {
    this.#print = print;
  }
  get problems(): number {
    return this.#problems;
  }
  good(line: string): void {
    this.#print(`ok     ${line}`);
  }
  detail(line: string): void {
    this.#print(`       ${line}`);
  }
  note(line: string): void {
    this.#print(`note   ${line}`);
  }
  wrong(line: string, remedy: readonly string[]): void {
    this.#problems++;
    this.#print(`WRONG  ${line}`, ...remedy.map((step) => `       ${step}`));
  }
}
