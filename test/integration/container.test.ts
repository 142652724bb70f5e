import { execFile } from 'node:child_process';
import {
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handIn } from '../demo/hand-in.js';
import { readMailbox } from '../demo/mailbox.js';
import { layNetwork, type LaidNetwork, type Member } from '../demo/network.js';
import type { Running } from '../demo/processes.js';
import { surveyEngine } from '../servers/engine.js';
import { startInProcess } from '../servers/in-process.js';
import type { MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';

const run = promisify(execFile);
const docker = async (...args: readonly string[]): Promise<string> => (await run('docker', args)).stdout.trim();

const engine = await surveyEngine();
const patienceMs = 120_000;
/** The packages of the image come from the registry. */
const buildMs = 600_000;
/** The user `node` of the image. */
const imageUser = 1000;

const untilTrue = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const until = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`in vain: ${what}`);
    await sleep(300);
  }
};

/** What the head of the container file says an operator has: node.toml, its password file, and what belongs to them. */
const folderFor = (home: string, { configFile }: Member, listFile: string): void => {
  cpSync(path.dirname(configFile), home, { recursive: true });
  cpSync(listFile, path.join(home, 'network.txt'));
  const text = readFileSync(configFile, 'utf8').replace(`list = "${listFile}"`, 'list = "network.txt"');
  writeFileSync(path.join(home, 'node.toml'), text, { mode: 0o600 });
  if (process.getuid?.() !== 0) return;
  for (const name of ['', ...readdirSync(home, { recursive: true, encoding: 'utf8' })])
    chownSync(path.join(home, name), imageUser, imageUser);
};

describe.skipIf(engine.kind === 'unavailable')('a node in the container of config/Containerfile', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-container-'));
  const name = path.basename(folder).toLowerCase();
  const image = `mixmailer/${name}`;
  let world: MailWorld;
  let network: LaidNetwork;
  let others: readonly Running[] = [];

  const inspected = (format: string): Promise<string> => docker('inspect', '--format', format, name);
  const within = (...command: readonly string[]): Promise<string> => docker('exec', name, ...command);

  beforeAll(async () => {
    const context = path.join(folder, 'context');
    mkdirSync(context);
    await run('.ci/pack', [context]);
    const [tarball = expect.fail('nothing was packed')] = readdirSync(context);
    renameSync(path.join(context, tarball), path.join(context, 'mixmailer.tgz'));
    const base = engine.kind === 'available' ? engine.base : expect.fail();
    // The network is the machine's: there are engines without another.
    const build = ['build', '--network', 'host', '--build-arg', `BASE=${base}`, '-f', 'config/Containerfile'];
    await docker(...build, '-t', image, context);

    world = await startInProcess();
    network = await layNetwork({
      ...{ folder, world, nodes: 4, exits: 1 },
      ...{ schedule: '* * * * * *', loopsPerInterval: 1, paceSeconds: 0.5 },
    });
    const exit = network.nodes.at(-1) ?? expect.fail();
    const rest = network.nodes.filter((node) => node !== exit);
    others = await Promise.all(rest.map((node) => network.startNode(node)));
    const home = path.join(folder, 'node');
    folderFor(home, exit, network.listFile);
    const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    await docker(
      ...['run', '--detach', '--name', name, '--network', 'host', '--read-only', '--cap-drop=all'],
      ...['--security-opt', 'no-new-privileges', '--health-interval', '1s', '--volume', `${home}:/node`],
      ...(uid === 0 ? [] : ['--user', `${uid}:${gid}`]),
      image,
    );
  }, buildMs);
  afterAll(async () => {
    await Promise.all(others.map((node) => node.stop()));
    await docker('rm', '--force', '--volumes', name).catch(() => undefined);
    await docker('rmi', '--force', image).catch(() => undefined);
    await network.close();
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is nobody of importance, and can write to its own folder alone', async () => {
    expect(await within('node', '-p', 'process.getuid() > 0')).toBe('true');
    expect(await inspected('{{.Config.User}}')).not.toBe('root');
    const tried =
      "try { fs.writeFileSync(process.argv[1], ''); console.log('written') } catch ({ code }) { console.log(code) }";
    for (const place of ['/x', '/tmp/x', '/opt/mixmailer/x'])
      expect(await within('node', '-e', tried, place)).toBe('EROFS');
    expect(await within('node', '-e', tried, '/node/x')).toBe('written');
  });

  it('is the one exit of a network: a letter arrives, and the engine finds the node healthy', async () => {
    const [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
    const mailbox = await world.addAccount('bob', 'friend.test');
    const { running, port, user, token } = await network.startClient();
    try {
      const raw = await pepMail({ from: alice, to: [bob], subject: 'by ship', text: 'by ship', date: new Date(0) });
      await handIn({ port, user, password: token }, { from: alice.address, to: bob.address, raw });
      await untilTrue('the letter', async () => (await readMailbox(mailbox)).length > 0);
      const [mail = ''] = await readMailbox(mailbox);
      expect(await openMail(mail, bob, alice)).toContain('Subject: by ship');
    } finally {
      await running.stop();
    }
    await untilTrue('its health', async () => (await inspected('{{.State.Health.Status}}')) === 'healthy');
    expect(await within('mixmailer', 'health', '--config', '/node/node.toml', '--ready')).not.toBe('');
  });

  it('stops when it is told to, by itself', async () => {
    await docker('stop', '--time', '60', name);
    expect(await inspected('{{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('0 false');
  });
});
