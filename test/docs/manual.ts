import type { Command, Help } from 'commander';

/** Text of a page of troff: nothing in it is a request or an escape. */
const plain = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');

const bold = (text: string): string => `\\fB${plain(text)}\\fR`;

/** Words of commander's help: options and arguments in bold, what stands for something in italics. */
const term = (text: string): string =>
  plain(text)
    .replaceAll(/(^|[\s,[])((?:\\-){1,2}[\w\\-]+)/g, '$1\\fB$2\\fR')
    .replaceAll(/[<[][\w.]+[>\]]/g, '\\fI$&\\fR');

const tagged = (name: string, text: string): string => `.TP\n${name}\n${plain(text)}`;

/** The text that a command has behind its help, without what stands on the terminal around it. */
const after = (command: Command): string => {
  let text = '';
  command.configureOutput({ writeOut: (written) => (text += written) }).outputHelp();
  const help = command.createHelp().formatHelp(command, command.createHelp());
  return text.slice(help.length).trim();
};

const sectionOf = (command: Command, path: string, help: Help): string => {
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const more = after(command);
  return [
    `.SS ${bold(path)}`,
    `${plain(command.description())}.`,
    '.PP',
    term(`${path} ${command.usage()}`.replace(path, ''))
      .replace(/^/, `${bold(path)} `)
      .replaceAll('  ', ' '),
    ...options.map((option) => tagged(term(help.optionTerm(option)), help.optionDescription(option))),
    ...(more === '' ? [] : ['.PP', plain(more.replaceAll(/\n{2,}/g, '\n'))]),
    ...command.commands
      .filter((one) => one.name() !== 'help')
      .map((one) => sectionOf(one, `${path} ${one.name()}`, help)),
  ].join('\n');
};

const exits: readonly (readonly [string, string])[] = [
  ['0', 'done; stopped by a signal'],
  [
    '1',
    'wrong arguments; check or doctor found something to mend; health: not well; network verify: not to be used; a bug',
  ],
  ['64', 'sendmail: a flag that is not known, or a mode other than sending'],
  ['65', 'sendmail: this mail can not be sent: not encrypted, too large, no recipient'],
  ['75', 'not now: no valid network list in the file, no path, data folder in use, disk, mail server'],
  ['78', 'the configuration is wrong: a key, a passphrase, who may read a file; a backup can not be used'],
  ['130', 'ended by a second signal; init: stopped before anything was written'],
];

/** The manual page of all commands, in the man macros of troff. */
export const manualOf = (program: Command, version: string): string => {
  const help = program.createHelp();
  const commands = program.commands.filter((one) => one.name() !== 'help');
  return `${[
    `.TH MIXMAILER 1 "" "MixMailer ${version}" "User Commands"`,
    '.SH NAME',
    `mixmailer \\- ${plain('a mix network carried by ordinary e-mail')}`,
    '.SH SYNOPSIS',
    `.B mixmailer\n.I command\n[options]`,
    '.SH DESCRIPTION',
    plain(
      'A mix network whose nodes are processes on ordinary mail accounts. A client on the machine of a user takes finished, encrypted mails from mail programs and sends them over several nodes, so that neither who watches the mail, nor a provider, nor a single node can tell who writes to whom.',
    ),
    '.PP',
    plain('To begin: mixmailer init. The pages in docs/ of the package say everything else.'),
    '.SH COMMANDS',
    ...commands.map((one) => sectionOf(one, `mixmailer ${one.name()}`, help)),
    '.SH EXIT STATUS',
    ...exits.map(([code, text]) => tagged(bold(code), text)),
    '.SH ENVIRONMENT',
    tagged(bold('NO_COLOR'), 'init prints without colors'),
    tagged(
      bold('XDG_CONFIG_HOME'),
      'init puts the configuration into its folder mixmailer, not into ~/.config/mixmailer',
    ),
    '.SH FILES',
    tagged(
      '\\fI~/.config/mixmailer/\\fR',
      'where init puts a configuration, keys and database, if nothing else is said',
    ),
    '.SH SEE ALSO',
    plain(
      'docs/operating.md, docs/mail-programs.md and docs/library.md of the package; sendmail(8), systemd.service(5)',
    ),
  ].join('\n')}\n`;
};
