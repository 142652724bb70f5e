import { readdirSync } from 'node:fs';
import { ESLint } from 'eslint';
import ts from 'typescript';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';

// The linter reads a file of the room with other text in it: planted text, in the place of the real one.
const firstFile = (room: string): string => {
  const file = readdirSync(`src/${room}`).find((name) => name.endsWith('.ts'));
  if (file === undefined) throw new Error(`room ${room} is empty`);
  return `src/${room}/${file}`;
};

const rooms = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const pureRooms = [
  ...['base', 'provider', 'sphinx', 'route', 'path', 'council', 'message', 'mix', 'cover', 'carrier', 'sim', 'page'],
].filter((room) => rooms.includes(room));
const roomsWithoutIo = [
  ...pureRooms,
  ...['ports', 'post', 'follow', 'node', 'client', 'directory', 'setup'].filter((room) => rooms.includes(room)),
];

const innocent = 'export const twice = (value: number): number => 2 * value;\n';

/** Text that must not stand in a pure room. */
const plants: Readonly<Record<string, string>> = {
  'reads the clock': 'export const now = (): number => Date.now();',
  'reads the clock by another door': "export const now = (): number => Date['now']();",
  'borrows the clock': 'const clock = Date;\nexport const now = (): number => clock.now();',
  'makes a date of now': 'export const now = (): number => new Date().getTime();',
  'makes a date of nothing': 'const none: [] = [];\nexport const now = (): number => new Date(...none).getTime();',
  'reads the clock as text': 'export const now = (): string => Date();',
  'reads the running time': 'export const now = (): number => performance.now();',
  'formats the running time': 'export const now = (): string => new Intl.DateTimeFormat().format();',
  'draws by chance': 'export const draw = (): number => Math.random();',
  'draws by chance by another door': "export const draw = (): number => Math['random']();",
  'borrows chance': 'const { random } = Math;\nexport const draw = (): number => random();',
  'reads the environment': "export const home = (): string | undefined => process.env['HOME'];",
  'uses Buffer': "export const bytes = (): Uint8Array => Buffer.from('x');",
  'uses all names': "export const all = (): unknown => Reflect.get(globalThis, 'process');",
  waits: 'export const wait = (then: () => void): unknown => setTimeout(then, 1);',
  'makes a function of text': "export const now = (): unknown => new Function('return Date.now()')();",
  'imports the disk': "export { readFileSync } from 'node:fs';",
  'imports a package': "export { ImapFlow } from 'imapflow';",
  'imports an adapter': "export { imapInbox } from '../adapters/imap-inbox.js';",
  'imports an adapter by a detour': "export { imapInbox } from './../adapters/imap-inbox.js';",
  'imports an adapter by a longer detour': "export { imapInbox } from '../base/../adapters/imap-inbox.js';",
  'imports an adapter when it runs': "export const load = (): Promise<unknown> => import('../adapters/imap-inbox.js');",
  'imports an adapter for its type': "export type A = import('../adapters/imap-inbox.js').ImapAccount;",
  'imports a job': "export { flush } from '../node/flush.js';",
  'makes itself an exception':
    '/* eslint-disable */\nexport const now = (): number => Date.now(); // eslint-disable-line',
};

/** Of those, what no room without I/O may do: jobs ask ports for time, but they never reach out themselves. */
const importing = Object.entries(plants).filter(([name]) => /^imports (the|a|an) (disk|package|adapter)/.test(name));

describe('npm run check', () => {
  let eslint: ESLint;
  let withoutTypes: ESLint;
  const errorsIn = async (room: string, text: string, by = eslint): Promise<readonly string[]> => {
    const [result] = await by.lintText(text, { filePath: firstFile(room) });
    return (result?.messages ?? []).map(({ ruleId }) => ruleId ?? 'parse error');
  };
  // A rule about types would also find some plants; the locks must hold by themselves, and take no types.
  const lockErrors = async (room: string, text: string): Promise<readonly string[]> =>
    (await errorsIn(room, text, withoutTypes)).filter((rule) => rule.startsWith('no-restricted-'));

  beforeAll(() => {
    eslint = new ESLint();
    withoutTypes = new ESLint({ overrideConfig: tseslint.configs.disableTypeChecked });
  });

  it.each(pureRooms)('lets innocent text into %s', async (room) => {
    expect(await errorsIn(room, innocent)).toEqual([]);
    const reckoning = 'export const day = (now: number): string => new Date(now).toUTCString();\n';
    expect(await errorsIn(room, reckoning)).toEqual([]);
    expect(await errorsIn(room, 'export const half = (value: number): number => Math.floor(value / 2);\n')).toEqual([]);
  });

  it.each(Object.entries(plants))('fails when a pure room %s', async (_, text) => {
    for (const room of pureRooms) expect(await lockErrors(room, `${innocent}${text}\n`), room).not.toEqual([]);
  });

  it.each(importing)('fails when a room without I/O %s', async (_, text) => {
    for (const room of roomsWithoutIo) expect(await lockErrors(room, `${innocent}${text}\n`), room).not.toEqual([]);
  });

  it('fails when an adapter imports a job or another way round', async () => {
    expect(await lockErrors('adapters', "export { flush } from '../node/flush.js';\n")).not.toEqual([]);
    expect(await lockErrors('adapters', "export { main } from '../main.js';\n")).not.toEqual([]);
    expect(await lockErrors('adapters', "export { MailError } from '../base/errors.js';\n")).toEqual([]);
    expect(await lockErrors('base', "export { packetOf } from '../sphinx/packet.js';\n")).not.toEqual([]);
  });
});

describe('the types of the pure rooms', () => {
  const { config } = ts.readConfigFile('tsconfig.core.json', (path) => ts.sys.readFile(path)) as {
    config: { include: string[] };
  };

  it('cover every pure room', () => {
    expect(config.include).toEqual(expect.arrayContaining(pureRooms.map((room) => `src/${room}`)));
  });

  it.each(['process', 'Buffer', 'setTimeout', 'performance', 'fetch', 'console'])('do not know %s', (name) => {
    const parsed = ts.getParsedCommandLineOfConfigFile(
      'tsconfig.core.json',
      {},
      { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
    );
    const planted = 'src/base/units.ts';
    const host = ts.createCompilerHost(parsed?.options ?? {});
    const read = host.readFile.bind(host);
    host.getSourceFile = (file, options) => {
      const text = file.endsWith(planted) ? `export const reach = (): unknown => ${name};\n` : read(file);
      return text === undefined ? undefined : ts.createSourceFile(file, text, options);
    };
    const program = ts.createProgram([planted], parsed?.options ?? {}, host);
    const texts = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
    expect(texts.join('\n')).toContain(`Cannot find name '${name}'`);
  });
});
