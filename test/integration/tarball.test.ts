import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handIn } from '../demo/hand-in.js';
import { readMailbox } from '../demo/mailbox.js';
import { layNetwork, type TestNetwork } from '../demo/network.js';
import type { Running } from '../demo/processes.js';
import { startInProcess } from '../servers/in-process.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, type Person, person } from '../servers/pep-mail.js';

const run = promisify(execFile);

// What a user of the package writes: everything from it by name, and types where they are told nothing.
const program = `import { readFileSync } from 'node:fs';
import { ClientError, MixClient, mixTransport, type MixStatus } from 'mixmailer';
import { mixStoreContract, type TestTools } from 'mixmailer/testing';
import { createTransport } from 'nodemailer';

const [config = '', letter = '', armored = '', to = ''] = process.argv.slice(2);
const client: MixClient = await MixClient.open({ config });
const byHand = await client.submit({ raw: readFileSync(letter), recipients: [to] });
const transporter = createTransport(mixTransport(client));
const { ids } = await transporter.sendMail({
  to,
  attachments: [
    { contentType: 'application/pgp-encrypted', content: 'Version: 1' },
    { contentType: 'application/octet-stream', content: readFileSync(armored) },
  ],
});
const settled: readonly MixStatus[] = await Promise.all([...byHand, ...ids].map(({ id }) => client.settled(id)));
for (const { recipient, state } of settled) console.log(recipient, state);
await client.close();
try {
  await client.submit({ raw: new Uint8Array(), recipients: [to] });
} catch (error) {
  if (error instanceof ClientError) console.log(error.code);
}
const named: string[] = [];
const nothing = (): void => undefined;
const tools = { describe: (name: string, suite: () => void) => suite(), it: (name: string) => void named.push(name) };
const hooks = { beforeAll: nothing, afterAll: nothing, beforeEach: nothing, afterEach: nothing };
const expect = nothing as unknown as TestTools['expect'];
mixStoreContract({ ...tools, ...hooks, expect }, 'mine', () => {
  throw new Error('no test is run');
});
console.log(named.length > 10);
// @ts-expect-error: a client is opened with a configuration
void ((): unknown => MixClient.open({ confg: config }));
`;

describe('the packed tarball, installed into an empty folder', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-tarball-'));
  const app = path.join(folder, 'app');
  const repository = process.cwd();
  let world: MailWorld;
  let network: TestNetwork;
  let nodes: readonly Running[];
  let alice: Person;
  let bob: Person;
  let bobsMailbox: Account;

  beforeAll(async () => {
    await run('.ci/pack', [folder]);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? expect.fail('nothing was packed');
    mkdirSync(app);
    writeFileSync(path.join(app, 'package.json'), '{ "private": true, "type": "module" }');
    const quick = ['--prefer-offline', '--no-audit', '--no-fund'];
    await run('npm', ['install', '--omit=dev', '--ignore-scripts', ...quick, path.join(folder, tarball)], { cwd: app });
    world = await startInProcess();
    [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
    bobsMailbox = await world.addAccount('bob', 'friend.test');
    network = await layNetwork({
      ...{ folder, world, nodes: 4, exits: 1 },
      ...{ schedule: '* * * * * *', loopsPerInterval: 1, paceSeconds: 0.5 },
      program: path.join(app, 'node_modules/mixmailer/dist/src/main.js'),
    });
    nodes = await Promise.all(network.nodes.map((node) => network.startNode(node)));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await network.close();
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const letterOf = (subject: string): Promise<string> =>
    pepMail({ from: alice, to: [bob], subject, text: subject, date: new Date(0) });
  const arrived = async (count: number): Promise<readonly string[]> => {
    for (const until = Date.now() + 120_000; ;) {
      const mails = await readMailbox(bobsMailbox);
      if (mails.length >= count) return mails;
      if (Date.now() > until) throw new Error(`${mails.length} of ${count} mails came`);
      await sleep(300);
    }
  };

  it('brings nothing of development, and a command that says what it can', async () => {
    expect(readdirSync(path.join(app, 'node_modules'))).not.toContain('vitest');
    const { stdout } = await run('npx', ['--no', '--', 'mixmailer', '--help'], { cwd: app });
    for (const command of ['init', 'node', 'client', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });

  it('makes the configuration of a node, and finds nothing wrong with it', async () => {
    const account = await world.addAccount('newcomer', 'new.test');
    const home = path.join(folder, 'home');
    mkdirSync(home);
    writeFileSync(path.join(home, 'password'), account.password, { mode: 0o600 });
    const mixmailer = (...words: readonly string[]) =>
      run('npx', ['--no', '--', 'mixmailer', ...words], { cwd: app, env: { ...process.env, HOME: home } });
    const servers = [account.imap, account.smtp].map(({ port, security }) => `127.0.0.1:${port}/${security}`);
    const [imap = '', smtp = ''] = servers;
    const made = await mixmailer(
      ...['init', account.address, '--imap', imap, '--smtp', smtp, '--password-file', path.join(home, 'password')],
      ...['--role', 'node', '--no-join', '--folder', path.join(home, 'node'), '--no-unit'],
    );
    expect(made.stdout).toContain('a mail to itself came into INBOX');
    const file = path.join(home, 'node', 'node.toml');
    const health = await mixmailer('check', '--config', file).catch((error: unknown) => error as { stdout: string });
    expect(health.stdout).toContain('logged in over IMAP at 127.0.0.1');
    expect(health.stdout.match(/^WRONG.*/gm)).toEqual(null);
  });

  it('runs a node and a client', async () => {
    const { running, port, user, token } = await network.startClient();
    try {
      await handIn(
        { port, user, password: token },
        { from: alice.address, to: bob.address, raw: await letterOf('by tarball') },
      );
      const [mail = ''] = await arrived(1);
      expect(await openMail(mail, bob, alice)).toContain('Subject: by tarball');
    } finally {
      await running.stop();
    }
  });

  it('runs a TypeScript program on the library and its nodemailer transport, with types that hold', async () => {
    const letter = await letterOf('by hand');
    writeFileSync(path.join(app, 'letter.eml'), letter);
    const armored = /-----BEGIN PGP MESSAGE-----[^]*-----END PGP MESSAGE-----/.exec(
      await letterOf('by transport'),
    )?.[0];
    writeFileSync(path.join(app, 'armored.asc'), armored ?? expect.fail('nothing encrypted'));
    writeFileSync(path.join(app, 'program.ts'), program);
    const types = path.join(repository, 'node_modules/@types');
    const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2023'];
    const compiled = run(process.execPath, [tsc, ...strict, '--typeRoots', types, '--types', 'node', 'program.ts'], {
      cwd: app,
    });
    await compiled.catch((error: unknown) => expect.fail((error as { readonly stdout: string }).stdout));
    const config = network.client.configFile;
    const { stdout } = await run(process.execPath, ['program.js', config, 'letter.eml', 'armored.asc', bob.address], {
      cwd: app,
    });
    expect(stdout).toBe(`${bob.address} delivered\n${bob.address} delivered\nclient/closed\ntrue\n`);
    const opened = await Promise.all((await arrived(3)).map((mail) => openMail(mail, bob, alice)));
    expect(opened.map((text) => /^Subject: (.*?)\r?$/m.exec(text)?.[1]).toSorted()).toEqual([
      'by hand',
      'by tarball',
      'by transport',
    ]);
  });
});
