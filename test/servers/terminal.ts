import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeFolder, shortFolder, type Tied, tied } from './child.js';

/** Whether programs can be run in a terminal here. */
export const hasTerminal = spawnSync('tmux', ['-V'], { stdio: 'ignore' }).status === 0;

const patienceMs = 90_000;
const socketIn = (folder: string): readonly string[] => ['-S', `${folder}/terminal`];

/** A real pseudo terminal with a program in it, typed into and looked at as a person does: by tmux. */
export class Terminal {
  readonly #folder: string;
  readonly #server: Tied;

  private constructor(folder: string) {
    this.#folder = folder;
    // In the foreground, so that it dies with this process.
    this.#server = tied('tmux', ['-f', '/dev/null', ...socketIn(folder), '-D']);
  }

  /** @param command what the shell in it runs; what it ended with is shown as `ended 0` */
  static async open(command: string, size = { columns: 100, rows: 60 }): Promise<Terminal> {
    const folder = shortFolder();
    const terminal = new Terminal(folder);
    const shape = ['-x', `${size.columns}`, '-y', `${size.rows}`];
    for (const end = Date.now() + patienceMs; ;) {
      await sleep(50);
      // -N: while that server is not there yet, it must not start another one, which would stay behind.
      const made = spawnSync('tmux', [
        '-N',
        ...socketIn(folder),
        'new-session',
        '-d',
        ...shape,
        `${command}; echo ended $?; cat`,
      ]);
      if (made.status === 0) return terminal;
      if (Date.now() > end) throw new Error(`no terminal: ${made.stderr.toString()}`);
    }
  }

  #tmux(...argv: readonly string[]): string {
    return execFileSync('tmux', [...socketIn(this.#folder), ...argv], { encoding: 'utf8' });
  }

  /** Everything that was shown, lines that went over the edge joined again. */
  screen(): string {
    return this.#tmux('capture-pane', '-p', '-J', '-S', '-');
  }

  /** What is to be seen now, with the escape sequences that color it. */
  styled(): string {
    return this.#tmux('capture-pane', '-p', '-e');
  }

  /** Types the text, and then that key. */
  type(text: string, key = 'Enter'): void {
    if (text !== '') this.#tmux('send-keys', '-l', text);
    this.#tmux('send-keys', key);
  }

  /** Waits until that is shown, behind what was there at an earlier look. @returns all that is shown */
  async shows(pattern: RegExp): Promise<string> {
    for (const end = Date.now() + patienceMs; ;) {
      await sleep(50);
      const screen = this.screen();
      if (pattern.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`waited in vain for ${String(pattern)}:\n${screen}`);
    }
  }

  async close(): Promise<void> {
    await this.#server.stop('SIGTERM');
    removeFolder(this.#folder);
  }
}
