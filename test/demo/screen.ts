/** What the demo prints: plain lines, with color where a person looks on. */
const isTerminal = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = (text: string): string => paint(1, text);
export const dim = (text: string): string => paint(2, text);
export const green = (text: string): string => paint(32, text);
export const red = (text: string): string => paint(31, text);
export const yellow = (text: string): string => paint(33, text);
export const cyan = (text: string): string => paint(36, text);

const columns = Math.min(150, process.stdout.isTTY ? process.stdout.columns : 150);

/** Characters that a text takes on the screen. */
const widthOf = (text: string): number => text.replace(/\u001b\[\d+m/g, '').length;

/** A line, in as many as the screen needs, broken between words. */
export const say = (text = ''): void => {
  const indent = ' '.repeat(text.search(/\S|$/));
  let line = '';
  for (const word of text.split(/(?<=\S)(?= )/)) {
    if (line !== '' && widthOf(line) + widthOf(word) > columns) {
      process.stdout.write(`${line}\n`);
      line = `${indent}  ${word.trimStart()}`;
    } else line += word;
  }
  process.stdout.write(`${line}\n`);
};

export const heading = (text: string): void => {
  say();
  say(bold(text));
};

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);

/** Two texts next to each other, line by line; the first line of each is its title. */
export const sideBySide = (left: readonly string[], right: readonly string[]): void => {
  const width = Math.floor((columns - 5) / 2);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const strong = i === 0 ? bold : (text: string): string => text;
    say(`  ${strong(cut(left[i] ?? '', width))} ${dim('│')} ${strong(cut(right[i] ?? '', width).trimEnd())}`);
  }
};

/** Items in a row behind a title, in as many lines as they need. */
export const row = (title: string, items: readonly string[]): void => {
  let line = title;
  for (const [i, item] of items.entries()) {
    const longer = `${line} ${i > 0 ? dim('· ') : ''}${item}`;
    if (i > 0 && widthOf(longer) > columns) {
      process.stdout.write(`${line}\n`);
      line = `${' '.repeat(title.length)} ${item}`;
    } else line = longer;
  }
  process.stdout.write(`${line}\n`);
};

export const bytesText = (bytes: number): string =>
  bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${Math.round(bytes / 1000)} kB`;
