/** What the demo prints: plain lines, with color where a person looks on. */
const isTerminal = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = (text: string): string => paint(1, text);
export const dim = (text: string): string => paint(2, text);
export const green = (text: string): string => paint(32, text);
export const red = (text: string): string => paint(31, text);
export const yellow = (text: string): string => paint(33, text);

export const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

export const heading = (text: string): void => say(`\n${bold(text)}`);

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);

/** Two texts next to each other, line by line. */
export const sideBySide = (left: readonly string[], right: readonly string[], width = 72): void => {
  for (let i = 0; i < Math.max(left.length, right.length); i++)
    say(`  ${cut(left[i] ?? '', width)} ${dim('│')} ${cut(right[i] ?? '', width).trimEnd()}`);
};

export const bytesText = (bytes: number): string =>
  bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${Math.round(bytes / 1000)} kB`;
