/** One thing that was found, with what more is to be said of it or what to do. */
export interface Found {
  readonly kind: 'good' | 'note' | 'wrong';
  readonly text: string;
  readonly more: readonly string[];
}

/** What was found, a line each; counts what has to be mended, and keeps all for programs. */
export class Report {
  readonly #print: (...lines: readonly string[]) => void;
  readonly #found: { kind: Found['kind']; text: string; more: string[] }[] = [];
  constructor(print: (...lines: readonly string[]) => void) {
    this.#print = print;
  }
  get problems(): number {
    return this.#found.filter(({ kind }) => kind === 'wrong').length;
  }
  get found(): readonly Found[] {
    return this.#found;
  }
  good(line: string): void {
    this.#add('good', line);
    this.#print(`ok     ${line}`);
  }
  detail(line: string): void {
    this.#found.at(-1)?.more.push(line);
    this.#print(`       ${line}`);
  }
  note(line: string): void {
    this.#add('note', line);
    this.#print(`note   ${line}`);
  }
  wrong(line: string, remedy: readonly string[]): void {
    this.#add('wrong', line, remedy);
    this.#print(`WRONG  ${line}`, ...remedy.map((step) => `       ${step}`));
  }
  #add(kind: Found['kind'], text: string, more: readonly string[] = []): void {
    this.#found.push({ kind, text, more: [...more] });
  }
}
