import { readFileSync } from 'node:fs';

const fence = '```';

/** The block of that page behind the comment `<!-- name -->`, without its fences. */
export const blockOf = (page: string, name: string): string => {
  const [, behind, ...more] = readFileSync(page, 'utf8').split(`<!-- ${name} -->\n\n${fence}`);
  if (behind === undefined || more.length > 0) throw new Error(`${page} has not one block named ${name}`);
  const [inside = ''] = behind.split(`\n${fence}`);
  return `${inside.slice(inside.indexOf('\n') + 1)}\n`;
};

/** The rows of the first table under that heading, without its head; each cell without its back quotes. */
export const tableUnder = (page: string, heading: string): readonly (readonly string[])[] => {
  const [, under] = readFileSync(page, 'utf8').split(`\n## ${heading}\n`);
  if (under === undefined) throw new Error(`${page} has no heading ${heading}`);
  const [, , ...rows] =
    under
      .slice(under.search(/^\|/m))
      .split('\n\n')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('|')) ?? [];
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  );
};

/** A command that a page shows, and the line it stands in. */
export interface ShownCommand {
  readonly page: string;
  readonly line: number;
  readonly text: string;
}

/** What a page's commands begin with; a program that is new in a page is caught by the shape of its line. */
const programs =
  /^(?:[A-Z_]+=\S+ )*(?:sudo )?(?:mixmailer|npm|npx|node|git|gpg|ssh|ssh-keygen|sha256sum|tar|mkdir|ln|mv|cp|rm|chmod|useradd|install|echo|curl|swaks|msmtp|s-nail|mutt|neomutt|openssl|docker|systemctl|systemd-creds|systemd-analyze|journalctl|apt-get|\.ci\/[a-z-]+)(?= |$)/;
/** A word in small letters and a flag: more like a command than like anything else that stands in a block. */
const shape = /^(?:[A-Z_]+=\S+ )*(?:sudo )?[a-z][a-z0-9./-]* (?:-[a-zA-Z]|--[a-z])/;

interface Block {
  readonly line: number;
  readonly lines: readonly string[];
}

/** The fenced blocks without a language and without a name, and the indented ones. */
const blocksOf = (page: string): readonly Block[] => {
  const lines = readFileSync(page, 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fenced = /^( *)```(\w*)/.exec(lines[at] ?? '');
    if (fenced !== null) {
      const end = lines.indexOf(`${fenced[1] ?? ''}${fence}`, at + 1);
      const isNamed = /^<!-- .* -->$/.test(lines[at - 2] ?? '');
      if (['', 'sh'].includes(fenced[2] ?? '') && !isNamed)
        blocks.push({
          line: at + 2,
          lines: lines.slice(at + 1, end).map((one) => one.slice((fenced[1] ?? '').length)),
        });
      at = end;
    } else if (/^ {4}\S/.test(lines[at] ?? '')) {
      const end = lines.findIndex((one, i) => i > at && !/^ {4}/.test(one));
      blocks.push({ line: at + 1, lines: lines.slice(at, end).map((one) => one.slice(4)) });
      at = end - 1;
    }
  }
  return blocks;
};

/** The commands of a block, each in one line, without what is said of it behind. */
const commandsOf = ({ line, lines }: Block): readonly { readonly line: number; readonly text: string }[] => {
  const hasPrompts = lines.some((one) => one.startsWith('$ '));
  const commands: { line: number; text: string }[] = [];
  let goesOn = false;
  lines.forEach((one, i) => {
    const text = one.replace(/^\$ /, '').replace(/(\S) {3,}.*/, '$1');
    const last = commands.at(-1);
    if (goesOn && last !== undefined) last.text = `${last.text.replace(/ *\\$/, '')} ${text.trim()}`;
    else if (hasPrompts ? one.startsWith('$ ') : programs.test(text) || shape.test(text))
      commands.push({ line: line + i, text });
    else if (last !== undefined && /^ +\[--/.test(one)) last.text = `${last.text} ${one.trim()}`;
    goesOn = last !== undefined || commands.length > 0 ? /(?:\\|&&)$/.test(text) : false;
  });
  return commands;
};

/** All commands in the blocks of a page. */
export const commandsIn = (page: string): readonly ShownCommand[] =>
  blocksOf(page).flatMap((block) => commandsOf(block).map((command) => ({ page, ...command })));

/** What stands in back quotes within a page's sentences and tables and begins with that program and a space. */
export const mentionsIn = (page: string, program: 'mixmailer' | 'npm'): readonly string[] => {
  const prose = readFileSync(page, 'utf8').replaceAll(/^ *```[^]*?^ *```$/gm, '');
  return Array.from(prose.matchAll(/`(\w+ [^`]+)`/g), ([, text = '']) => text.replaceAll(/\s+/g, ' ')).filter((text) =>
    text.startsWith(`${program} `),
  );
};
