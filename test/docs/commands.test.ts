import { Command } from 'commander';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executed, mentionedScripts } from './commands.js';
import { commandsIn, mentionsIn } from './pages.js';

const pages = [
  'README.md',
  'SECURITY.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const shown = pages.flatMap(commandsIn);
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

const program = new Command('mixmailer').enablePositionalOptions();
beforeAll(async () => {
  for (const name of readdirSync('src/cli')) {
    const loaded = (await import(path.resolve('src/cli', name))) as Readonly<Record<string, unknown>>;
    for (const [word, register] of Object.entries(loaded))
      if (word.startsWith('register')) (register as (program: Command) => void)(program);
  }
}, 180_000);

/** What is wrong with a command of ours, as its own definition sees it; nothing if it could be typed so. */
const complaintOf = (text: string): string | undefined => {
  const [first = '', ...words] = (/^(?:npx )?mixmailer (.*)$/.exec(text)?.[1] ?? '').split(' ');
  let command = program.commands.find((one) => one.name() === first);
  if (command === undefined) return `no command ${first}`;
  for (const word of words) {
    const inner: Command | undefined = command.commands.find((one) => one.name() === word);
    if (inner !== undefined) {
      command = inner;
      continue;
    }
    // The flags of sendmail are not commander's; `network` alone is `network show`.
    const known = [command, ...command.commands.filter((one) => one.name() === 'show')].flatMap(
      ({ options }) => options,
    );
    const isFlag = /^--?[a-z]/i.test(word) && word !== '--help' && first !== 'sendmail';
    const flag = word.split('=')[0];
    if (isFlag && !known.some(({ long, short }) => long === flag || short === flag))
      return `${command.name()} has no flag ${word}`;
  }
  return undefined;
};

/** The scripts that these commands of npm run. */
const namesIn = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => Array.from(text.matchAll(/npm run (?:-s )?([a-z:]+)/g), ([, name = '']) => name));

describe('a command in README.md or docs/', () => {
  it('is found where it stands', () => {
    expect(pages.length).toBeGreaterThan(10);
    expect(shown.length).toBeGreaterThan(50);
  });

  it('is executed by a test or a script, or the table says why it is not', () => {
    const strangers = shown.filter(({ text }) => !(text in executed));
    expect(strangers.map(({ page, line, text }) => `${page}:${line}: nobody executes: ${text}`)).toEqual([]);
  });

  it('is in the table only if a page has it', () => {
    const texts = new Set(shown.map(({ text }) => text));
    expect(Object.keys(executed).filter((text) => !texts.has(text))).toEqual([]);
  });

  it.each(
    Object.entries({ ...executed, ...mentionedScripts }).flatMap(([text, one]) =>
      one.kind === 'by' ? [[text, one.file, one.has] as const] : [],
    ),
  )('%s: by %s, which has it', (_, file, has) => {
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain(has);
  });

  it('that is run by hand has a reason, and there are few', () => {
    const reasons = Object.values({ ...executed, ...mentionedScripts }).flatMap((one) =>
      one.kind === 'by-hand' ? [one.why] : [],
    );
    for (const why of reasons) expect(why.length).toBeGreaterThan(15);
    expect(new Set(reasons).size).toBeLessThanOrEqual(6);
  });

  it('of ours has the words and flags that the program knows, in sentences too', () => {
    const ours = [
      ...shown.filter(({ text }) => /^(?:npx )?mixmailer /.test(text)).map(({ text }) => text),
      ...pages.flatMap((page) => mentionsIn(page, 'mixmailer')),
    ];
    expect(ours.length).toBeGreaterThan(80);
    expect([...new Set(ours)].flatMap((text) => complaintOf(text) ?? [])).toEqual([]);
  });

  it('of npm is a script of package.json', () => {
    expect(namesIn(shown.map(({ text }) => text)).filter((name) => !(name in scripts))).toEqual([]);
    const mentioned = new Set(namesIn(pages.flatMap((page) => mentionsIn(page, 'npm'))));
    expect(mentioned.size).toBeGreaterThan(5);
    expect([...mentioned].filter((name) => !(name in scripts))).toEqual([]);
    // Those that only sentences name have somebody who runs them too.
    expect(Object.keys(mentionedScripts).toSorted()).toEqual(
      [...mentioned].filter((name) => !namesIn(Object.keys(executed)).includes(name)).toSorted(),
    );
  });
});

describe('a page', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-docs-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const textsIn = (text: string): readonly string[] => {
    const page = path.join(folder, 'page.md');
    writeFileSync(page, text);
    return commandsIn(page).map((command) => command.text);
  };

  it('shows commands in fences and by indenting, with prompts, over several lines, with words behind', () => {
    expect(textsIn('```\nmixmailer check --config FILE       looks around\nfoo -x\nstopped after 2 s\n```\n')).toEqual([
      'mixmailer check --config FILE',
      'foo -x',
    ]);
    expect(textsIn('1. a list\n\n   ```sh\n   npm ci &&\n     npm test\n   ```\n')).toEqual(['npm ci && npm test']);
    expect(textsIn('Text:\n\n    npm run soak -- [--small]\n                    [--factor N]\n\nMore.\n')).toEqual([
      'npm run soak -- [--small] [--factor N]',
    ]);
    expect(textsIn('```\n$ mixmailer simulate --compare\nmixmailer  default\n```\n')).toEqual([
      'mixmailer simulate --compare',
    ]);
    expect(textsIn('```\nswaks --to x \\\n      --from y\nsent  3\n```\n')).toEqual(['swaks --to x --from y']);
  });

  it('has none in a file that it shows, in a language or in a drawing', () => {
    expect(
      textsIn(
        '<!-- ~/.msmtprc -->\n\n```\nmixmailer check\n```\n```toml\nnpm ci\n```\n```\nCLIENT  mail program\n```\n',
      ),
    ).toEqual([]);
  });

  it('that shows a command with a flag that is none is found out', () => {
    expect(complaintOf('mixmailer check --config FILE')).toBeUndefined();
    expect(complaintOf('mixmailer check --confg FILE')).toBe('check has no flag --confg');
    expect(complaintOf('mixmailer chek')).toBe('no command chek');
  });
});
