import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockOf } from '../docs/pages.js';
import { readFolders, readMailbox } from '../demo/mailbox.js';
import { layNetwork } from '../demo/network.js';
import type { RunningClient, TestNetwork } from '../demo/network.js';
import { mixmailerHere } from '../demo/processes.js';
import type { Running } from '../demo/processes.js';
import { fieldOf } from '../demo/reply.js';
import { startInProcess } from '../servers/in-process.js';
import type { Account, MailWorld } from '../servers/mail-world.js';

const page = 'docs/mail-programs.md';
const me = 'alice@home.test';
const you = 'bob@friend.test';
const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const isHere = (program: string): boolean => spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
// msmtp, mutt, neomutt, s-nail, swaks and git-email (with libmailtools-perl) of Debian; gpg and script are with it.
const itWith = (...programs: readonly string[]) => {
  const missing = programs.filter((program) => !isHere(program));
  if (missing.length > 0 && process.env['MIXMAILER_REQUIRE_SERVERS'] === '1')
    throw new Error(`to be installed: ${missing.join(', ')}`);
  return missing.length === 0 ? it : it.skip;
};

const home = mkdtempSync(path.join(tmpdir(), 'mm-'));
const at = (...names: readonly string[]): string => path.join(home, ...names);
let world: MailWorld;
let network: TestNetwork;
let nodes: readonly Running[];
let client: RunningClient;
let bobsMailbox: Account;
let env: NodeJS.ProcessEnv;

/** The text of the page, with the values of this client and the people of this test in the place of the examples. */
const filledIn = (text: string): string =>
  text
    .replaceAll('me@example.org', me)
    .replaceAll('you@example.net', you)
    .replaceAll('/home/me/mixmailer/client.toml', network.client.configFile)
    .replaceAll('/home/me/', `${home}/`)
    .replaceAll('2525', `${client.port}`)
    .replaceAll('TOKEN', client.token);

/** Puts a block of the page where it says that it belongs. */
const setUp = (file: string, ...names: readonly string[]): void =>
  writeFileSync(at(file), filledIn(names.map((name) => blockOf(page, name)).join('')), { mode: 0o600 });

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

/** What a shell makes of the line. */
const shell = (line: string, input = '', cwd = home): Ended => {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd, env, input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};
const done: Ended = { status: 0, said: '' };
const git = (line: string, input = ''): Ended => shell(`git ${line}`, input, at('repository'));
const patch = 'Subject: [PATCH] file: says two';

const gpg = (args: readonly string[], input = ''): string => {
  const { status, stdout, stderr } = spawnSync('gpg', ['--batch', '--quiet', ...args], {
    env,
    input,
    encoding: 'utf8',
  });
  // 2 where it tried a key first that does not fit.
  if (status !== 0 && status !== 2) throw new Error(stderr);
  return stdout;
};

/** A finished mail, as a program that encrypts makes it. */
const encryptedMail = (words: string): string =>
  [
    `From: Alice <${me}>`,
    `To: ${you}`,
    'Subject: ...',
    'MIME-Version: 1.0',
    'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
    '',
    '--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n',
    `--b\nContent-Type: application/octet-stream\n\n${gpg(['--armor', '--encrypt', '--recipient', you], `\n${words}\n`)}`,
    '--b--\n',
  ].join('\n');

/** What was handed in: words of each mail. */
const expected: (readonly string[])[] = [];
/** What has come to Bob, decrypted. */
const opened: string[] = [];

/** Resolves when that many mails have come to Bob. */
const arrive = async (count: number): Promise<void> => {
  const until = Date.now() + 300_000;
  while (opened.length < count) {
    if (Date.now() > until) throw new Error(`${opened.length} mails of ${count} came`);
    await sleep(500);
    for (const mail of (await readMailbox(bobsMailbox)).slice(opened.length)) {
      expect(mail).not.toMatch(/alice|home\.test/i);
      expect(fieldOf(mail, 'Subject')).toBe('...');
      opened.push(gpg(['--decrypt'], mail));
    }
  }
};

const waiting = async (): Promise<number> =>
  (JSON.parse(await mixmailerHere('queue', '--config', network.client.configFile, '--json')) as unknown[]).length;

/** Types into a program on a terminal: each text when the screen shows what stands before it. */
const typed = async (line: string, ...keys: readonly (readonly [shown: RegExp, text: string])[]): Promise<Ended> => {
  const child = spawn('script', ['-qefc', line, '/dev/null'], { cwd: home, env: { ...env, TERM: 'xterm' } });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let screen = '';
  let all = '';
  const left = [...keys];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    all += text;
    const [next] = left;
    if (next === undefined || !next[0].test(screen)) return;
    left.shift();
    screen = '';
    child.stdin.write(next[1]);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { status, said: all };
};

beforeAll(async () => {
  for (const folder of ['bin', 'Mail', 'repository', 'network']) mkdirSync(at(folder));
  world = await startInProcess();
  bobsMailbox = await world.addAccount('bob', 'friend.test');
  const pace = { schedule: '* * * * * *', loopsPerInterval: 1, paceSeconds: 0.5 };
  network = await layNetwork({ folder: at('network'), world, nodes: 4, exits: 1, receipts: false, ...pace });
  nodes = await Promise.all(network.nodes.map((node) => network.startNode(node)));
  client = await network.startClient();

  mkdirSync(at('.gnupg'), { mode: 0o700 });
  writeFileSync(at('bin', 'mixmailer'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
  symlinkSync(path.resolve('docs/examples/pgp-sendmail'), at('bin', 'pgp-sendmail'));
  // Where init writes it, and sendmail looks for it.
  const { configFile } = network.client;
  const moved = readFileSync(configFile, 'utf8').replaceAll(
    /^(data|passwordFile|ca) = "(?!\/)/gm,
    `$1 = "${path.dirname(configFile)}/`,
  );
  mkdirSync(at('.config', 'mixmailer'), { recursive: true });
  writeFileSync(at('.config', 'mixmailer', 'client.toml'), moved, { mode: 0o600 });
  // A program that takes the home folder from the list of users finds nothing in this one, so these are named besides.
  env = {
    ...process.env,
    HOME: home,
    PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`,
    GNUPGHOME: at('.gnupg'),
    MAILRC: at('.mailrc'),
    DEAD: at('dead.letter'),
    XDG_CONFIG_HOME: at('.config'),
  };
  setUp('.gnupg/gpg.conf', '~/.gnupg/gpg.conf');
  for (const address of [me, you])
    gpg(['--passphrase', '', '--quick-generate-key', address, 'future-default', 'default', 'never']);
});
afterAll(async () => {
  spawnSync('gpgconf', ['--kill', 'all'], { env });
  await Promise.all([client.running, ...nodes].map((one) => one.stop()));
  await network.close();
  await world.stop();
  rmSync(home, { recursive: true, force: true });
});

/** The commands of the page that begin so, lines that go on joined. */
const lineOf = (begin: string): string => {
  const line = readFileSync(page, 'utf8')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .find((one) => one.startsWith(begin));
  return filledIn(line ?? expect.fail(`${page} has no line that begins with ${begin}`));
};

describe('with the settings of docs/mail-programs.md', () => {
  itWith('swaks', 'gpg')('swaks hands in', () => {
    writeFileSync(at('encrypted.eml'), encryptedMail('by swaks'));
    expect(shell(lineOf('swaks ')).status).toBe(0);
    expected.push(['by swaks']);
  });

  itWith('msmtp', 'gpg')('msmtp hands in, and on the words of a refusal', () => {
    setUp('.msmtprc', '~/.msmtprc');
    const line = lineOf('msmtp ');
    writeFileSync(at('encrypted.eml'), encryptedMail('by msmtp'));
    expect(shell(line)).toEqual(done);
    writeFileSync(at('encrypted.eml'), `From: ${me}\nTo: ${you}\nSubject: hello\n\nin clear\n`);
    const { status, said } = shell(line);
    expect(status).not.toBe(0);
    expect(said).toMatch(/550 turn on encryption/);
    expected.push(['by msmtp']);
  });

  itWith('gpg')('nodemailer hands in, as the README shows it', () => {
    const [, program = ''] = readFileSync('README.md', 'utf8').split('through the server:\n\n```js\n');
    const lines = [
      "import { readFileSync } from 'node:fs';",
      "import nodemailer from 'nodemailer';",
      `const raw = readFileSync('${at('encrypted.eml')}');`,
      filledIn(program.split('```')[0] ?? ''),
    ];
    writeFileSync(at('encrypted.eml'), encryptedMail('by nodemailer'));
    const argv = ['--input-type=module', '--eval', lines.join('\n')];
    const { status, stderr } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expected.push(['by nodemailer']);
  });

  const keys = [
    [/To: /, '\r'],
    [/Subject: /, '\r'],
    [/Security.*Sign, Encrypt|Sign, Encrypt/, 'y'],
  ] as const;
  for (const program of ['mutt', 'neomutt']) {
    const compose = (subject: string): string =>
      `${program} -e 'set editor=true' -e 'set abort_unmodified=no' -s '${subject}' -i '${at('text')}' ${you}`;

    itWith(
      program,
      'gpg',
      'script',
    )(`${program} hands in through the command, and keeps its copy here`, async () => {
      setUp('.muttrc', '~/.muttrc');
      writeFileSync(at('text'), `written in ${program}\n`);
      rmSync(at('Mail', 'sent'), { force: true });
      expect(await typed(compose('Dinner on Friday?'), ...keys)).toMatchObject({ status: 0 });
      expect(existsSync(at('Mail', 'sent'))).toBe(true);
      expected.push([`written in ${program}`, 'Subject: Dinner on Friday?']);
    });

    itWith(
      program,
      'gpg',
      'script',
    )(`${program} hands in over SMTP`, async () => {
      const [command] = blockOf(page, '~/.muttrc').split('set sendmail=');
      writeFileSync(at('.muttrc'), filledIn(`${command ?? ''}${blockOf(page, '~/.muttrc, SMTP')}`), { mode: 0o600 });
      writeFileSync(at('text'), `over SMTP from ${program}\n`);
      expect(await typed(compose('over SMTP'), ...keys)).toMatchObject({ status: 0 });
      expected.push([`over SMTP from ${program}`, 'Subject: over SMTP']);
    });

    itWith(program)(`${program} does not encrypt in batch mode, and is refused`, async () => {
      setUp('.muttrc', '~/.muttrc');
      const before = await waiting();
      const { status, said } = shell(`${program} -s subject ${you}`, 'in clear');
      expect(status).not.toBe(0);
      expect(said).toContain('turn on encryption');
      expect(await waiting()).toBe(before);
    });
  }

  itWith('s-nail', 'gpg')('s-nail hands in through pgp-sendmail, and says when it is not encrypted', () => {
    setUp('.mailrc', '~/.mailrc');
    const line = lineOf('echo ');
    expect(shell(line)).toEqual(done);
    expected.push(['At eight.', 'Subject: Dinner on Friday?']);
    const { status, said } = shell(line.replace(you, 'stranger@friend.test'));
    expect(status).not.toBe(0);
    expect(said).toContain('GnuPG did not encrypt it, so it is not sent');
  });

  itWith('git', 'gpg')('git send-email hands in a patch', () => {
    setUp('.gitconfig', '~/.gitconfig');
    git('init --quiet');
    for (const text of ['one', 'two']) {
      writeFileSync(at('repository', 'file'), `${text}\n`);
      git('add file');
      git(`commit --quiet --message 'file: says ${text}' --message 'Signed-off-by: Else <else@list.test>'`);
    }
    const ended = shell(lineOf('git send-email '), '', at('repository'));
    expect(ended).toMatchObject({ status: 0, said: expect.stringContaining('Result: OK') as unknown });
    expected.push([patch, 'Signed-off-by: Else <else@list.test>']);
  });

  itWith('git')('git send-email without encryption is refused, with words', async () => {
    const before = await waiting();
    const clear = lineOf('git send-email ').replace('send-email', 'send-email --sendmail-cmd="mixmailer sendmail"');
    const { status, said } = shell(clear, '', at('repository'));
    expect(status).not.toBe(0);
    expect(said).toContain('turn on encryption');
    expect(await waiting()).toBe(before);
  });

  it(
    'all of it arrives, with its subject inside, and nothing of the sender outside',
    { timeout: 320_000 },
    async () => {
      await arrive(expected.length);
      expect(expected.filter((words) => !opened.some((text) => words.every((one) => text.includes(one))))).toEqual([]);
    },
  );

  itWith('git', 'gpg')('the patch is applied by its recipient', () => {
    git('reset --quiet --hard HEAD~1');
    expect(
      git(
        'am --quiet',
        opened.find((text) => text.includes(patch)),
      ),
    ).toEqual(done);
    expect(readFileSync(at('repository', 'file'), 'utf8')).toBe('two\n');
  });

  it('nothing of it lies at the sender’s provider', async () => {
    expect((await readFolders(network.client.account)).join('')).not.toContain(you);
  });
});
