import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionFor } from '../../src/cli/completion.js';
import { programWith } from '../../src/cli/program.js';
import { runs } from '../servers/child.js';

const folder = mkdtempSync(path.join(tmpdir(), 'mm-completion-'));
beforeAll(async () => {
  const program = await programWith();
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    writeFileSync(path.join(folder, `script.${shell}`), `${completionFor(shell, program)}\n`);
  mkdirSync(path.join(folder, 'a folder'));
  writeFileSync(path.join(folder, 'a file.toml'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

const linesOf = (program: string, ...args: readonly string[]): readonly string[] => {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
};

/** What each shell offers behind these words; the last of them is being typed. */
const shells: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) =>
    linesOf(
      'bash',
      ...[
        '--norc',
        '-c',
        'source script.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _mixmailer; printf "%s\\n" "${COMPREPLY[@]}"',
      ],
      ...['-', 'mixmailer', ...words],
    ),
  zsh: (words) =>
    linesOf(
      'zsh',
      ...['-f', '-c'],
      // What zsh itself would put together and show.
      `compdef() { :; }; compadd() { shift; for one in "$@"; do [[ $one = $words[CURRENT]* ]] && print -r -- $one; done; }
       _files() { if [[ $1 = -/ ]]; then print -l -- *(/); else print -l -- *; fi; }
       source script.zsh; words=("$@"); CURRENT=$#; _mixmailer`,
      ...['-', 'mixmailer', ...words],
    ),
  fish: (words) =>
    linesOf('fish', '--no-config', '-c', 'source script.fish; complete -C "mixmailer $argv"', ...words).map(
      (line) => line.split('\t')[0] ?? '',
    ),
};

for (const [shell, offers] of Object.entries(shells)) {
  const isThere = runs(shell, '--version');
  if (!isThere && process.env['MIXMAILER_REQUIRE_SERVERS'] === '1')
    throw new Error(`${shell} is missing: apt-get install ${shell}`);
  describe.skipIf(!isThere)(`completion in ${shell} (apt-get install ${shell})`, () => {
    it('offers commands, and theirs behind them', () => {
      expect(offers(['do'])).toEqual(['doctor']);
      expect(offers(['network', 'si'])).toEqual(['sign']);
      expect(offers(['']).filter((word) => !word.startsWith('-'))).toEqual(
        expect.arrayContaining(['init', 'node', 'client', 'queue', 'completion']),
      );
      expect(offers(['node', 'si'])).not.toContain('sign');
    });

    it('offers the flags of the command that they stand behind, and no others', () => {
      const flags = offers(['health', '--config', 'node.toml', '--']);
      expect(flags).toEqual(expect.arrayContaining(['--live', '--ready', '--json', '--help']));
      expect(flags).not.toContain('--join');
    });

    it('offers what a flag or command knows of its value', () => {
      expect(offers(['completion', 'f'])).toEqual(['fish']);
      expect(offers(['simulate', '--adversary', '']).length).toBeGreaterThan(2);
    });

    it('offers files where a file is wanted, folders where a folder is, and neither elsewhere', () => {
      const names = (words: readonly string[]): readonly string[] =>
        offers(words).map((name) => name.replace(/\/$/, ''));
      expect(names(['node', '--config', ''])).toEqual(expect.arrayContaining(['a file.toml', 'a folder']));
      expect(names(['init', '--folder', ''])).toEqual(['a folder']);
      expect(names(['node', '--join', ''])).toEqual([]);
      expect(names(['queue', ''])).not.toContain('a file.toml');
    });
  });
}
