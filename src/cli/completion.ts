import { Argument, type Command, type Option } from 'commander';
import { printer } from './print.js';
import { programWith } from './program.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** What can stand behind a word of the command line. */
interface Word {
  /** `network sign`; empty for the program itself. */
  readonly path: string;
  readonly about: string;
  readonly commands: readonly Word[];
  readonly flags: readonly Flag[];
  /** Whether files are named behind it. */
  readonly takesFiles: boolean;
  /** Words of which its argument is one. */
  readonly choices: readonly string[];
}

interface Flag {
  /** `-c`, `--config`. */
  readonly names: readonly string[];
  readonly about: string;
  readonly takes: 'nothing' | 'file' | 'folder' | 'other';
  readonly choices: readonly string[];
}

const takenBy = ({ required, optional, flags }: Option): Flag['takes'] => {
  if (!required && !optional) return 'nothing';
  if (/<(?:file|backup)>/.test(flags)) return 'file';
  return /<(?:dir|folder)>/.test(flags) ? 'folder' : 'other';
};

const flagOf = (option: Option): Flag => ({
  names: [option.short, option.long].filter((name) => name !== undefined),
  about: option.description,
  takes: takenBy(option),
  choices: option.argChoices ?? [],
});

const wordOf = (command: Command, path: string): Word => ({
  path,
  about: command.description(),
  commands: command.commands.map((one) => wordOf(one, `${path} ${one.name()}`.trim())),
  flags: command.options.map(flagOf),
  takesFiles: command.registeredArguments.some((argument) => /^(?:backup|descriptor|arguments)$/.test(argument.name())),
  choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
});

const help: Flag = { names: ['-h', '--help'], about: 'display help for command', takes: 'nothing', choices: [] };

const allWords = (word: Word): readonly Word[] => [word, ...word.commands.flatMap(allWords)];
const lastOf = ({ path }: Word): string => path.split(' ').at(-1) ?? '';
/** Patterns for `"$place $word"`, by which a script finds the command that it is behind. */
const placesIn = (root: Word): readonly string[] =>
  allWords(root).flatMap(({ path }) => (path === '' ? [] : [quoted(path.includes(' ') ? path : ` ${path}`)]));
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A `case` for bash and zsh: what is offered behind the words so far. */
const caseOf = ({ path, commands, flags, takesFiles, choices }: Word): string => {
  const taking = (takes: Flag['takes']): string =>
    flags
      .filter((flag) => flag.takes === takes && flag.choices.length === 0)
      .flatMap(({ names }) => names)
      .join(' | ');
  const values = [
    ...flags
      .filter((flag) => flag.choices.length > 0)
      .map(({ names, choices: some }) => `${names.join(' | ')}) offer=${quoted(some.join(' '))}; return ;;`),
    ...(['file', 'folder', 'other'] as const).flatMap((takes) =>
      taking(takes) === '' ? [] : [`${taking(takes)}) kind=${takes}; return ;;`],
    ),
  ];
  const offered = [...commands.map(lastOf), ...choices, ...[...flags, help].flatMap(({ names }) => names)];
  return `    ${quoted(path)})
      case $before in
        ${[...values, '*) ;;'].join('\n        ')}
      esac
      offer=${quoted(offered.join(' '))}${takesFiles ? '\n      kind=file' : ''} ;;`;
};

/** Sets `offer`, words, and `kind`, what else, from `before`, the word before, and `place`, the command so far. */
const offerFunction = (root: Word): string => `_mixmailer_offer() {
  case $place in
${allWords(root).map(caseOf).join('\n')}
  esac
}`;

/** Adds the word to `place` if it is a command there. */
const stepOf = (root: Word): string => `case "$place $word" in
      ${placesIn(root).join(' | ')}) place="\${place:+$place }$word" ;;
    esac`;

const bashScript = (
  root: Word,
): string => `# What bash offers behind "mixmailer". In ~/.bashrc: source <(mixmailer completion bash)
${offerFunction(root)}
_mixmailer() {
  local now=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} place= kind= offer= word found
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    ${stepOf(root)}
  done
  COMPREPLY=()
  _mixmailer_offer
  [ -z "$offer" ] || mapfile -t COMPREPLY < <(compgen -W "$offer" -- "$now")
  case $kind in
    file | folder)
      compopt -o filenames 2>/dev/null
      while IFS= read -r found; do COMPREPLY+=("$found"); done < <(
        if [ "$kind" = file ]; then compgen -f -- "$now"; else compgen -d -- "$now"; fi
      ) ;;
  esac
}
complete -F _mixmailer mixmailer`;

const zshScript = (
  root: Word,
): string => `# What zsh offers behind "mixmailer". In ~/.zshrc, after compinit: source <(mixmailer completion zsh)
${offerFunction(root)}
_mixmailer() {
  local before=$words[CURRENT-1] place= kind= offer= word
  for word in $words[2,CURRENT-1]; do
    ${stepOf(root)}
  done
  _mixmailer_offer
  [[ -z $offer ]] || compadd -- \${=offer}
  case $kind in
    file) _files ;;
    folder) _files -/ ;;
  esac
}
compdef _mixmailer mixmailer`;

/** Lines for fish: what it offers where the words so far are those of that command. */
const fishLines = ({ path, commands, flags, takesFiles, choices }: Word): readonly string[] => {
  const at = `complete -c mixmailer -n ${quoted(`test (__mixmailer_place) = ${JSON.stringify(path)}`)}`;
  return [
    ...commands.map((one) => `${at} -f -a ${lastOf(one)} -d ${quoted(one.about)}`),
    ...(choices.length === 0 ? [] : [`${at} -f -a ${quoted(choices.join(' '))}`]),
    ...(takesFiles ? [] : [`${at} -f`]),
    ...[...flags, help].map(({ names, about, takes, choices: some }) => {
      const spelled = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
      const value = {
        nothing: '',
        file: ' -r -F',
        folder: " -x -a '(__fish_complete_directories)'",
        other: some.length === 0 ? ' -x' : ` -x -a ${quoted(some.join(' '))}`,
      }[takes];
      return `${at} ${spelled.join(' ')}${value} -d ${quoted(about)}`;
    }),
  ];
};

const fishScript = (
  root: Word,
): string => `# What fish offers behind "mixmailer". In config.fish: mixmailer completion fish | source
function __mixmailer_place
  set -l place
  for word in (commandline -opc)[2..]
    switch "$place $word"
      case ${placesIn(root).join(' ')}
        set place (string trim "$place $word")
    end
  end
  echo "$place"
end
${allWords(root).flatMap(fishLines).join('\n')}`;

/** The script that makes a shell offer commands, flags and files behind `mixmailer`. */
export const completionFor = (shell: Shell, program: Command): string => {
  const root = wordOf(program, '');
  switch (shell) {
    case 'bash':
      return bashScript(root);
    case 'zsh':
      return zshScript(root);
    case 'fish':
      return fishScript(root);
  }
};

/** `mixmailer completion`: what a shell needs to know of the commands. */
export const register = (program: Command): void => {
  program
    .command('completion')
    .description('print what makes bash, zsh or fish complete commands and flags')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .action(async (shell: Shell, _options: object, command: Command) => {
      printer(command)(completionFor(shell, await programWith()));
    });
};
