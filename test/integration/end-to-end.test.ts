import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMailbox } from '../demo/mailbox.js';
import { layNetwork } from '../demo/network.js';
import type { TestNetwork } from '../demo/network.js';
import { mixmailerHere } from '../demo/processes.js';
import type { Running } from '../demo/processes.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';

const run = promisify(execFile);
const found = async (program: string): Promise<boolean> =>
  run(program, ['--version']).then(
    () => true,
    () => false,
  );

/** An SMTP client that is not ours: swaks, or else curl, or else nodemailer. */
const smtpClient = (await found('swaks')) ? 'swaks' : (await found('curl')) ? 'curl' : 'nodemailer';

interface Submission {
  readonly port: number;
  readonly user: string;
  readonly token: string;
  readonly from: string;
  readonly to: string;
  readonly file: string;
}

/** Hands a mail in; rejects when the server refused. */
const handIn = async ({ port, user, token, from, to, file }: Submission): Promise<void> => {
  switch (smtpClient) {
    case 'swaks':
      await run('swaks', [
        ...['--server', '127.0.0.1', '--port', `${port}`, '--auth', 'PLAIN', '--auth-user', user],
        ...['--auth-password', token, '--helo', 'localhost', '--from', from, '--to', to, '--data', `@${file}`],
      ]);
      break;
    case 'curl':
      await run('curl', [
        ...['-sS', '-v', `smtp://127.0.0.1:${port}/localhost`, '--user', `${user}:${token}`],
        ...['--mail-from', from, '--mail-rcpt', to, '--upload-file', file],
      ]);
      break;
    case 'nodemailer': {
      const auth = { user, pass: token };
      const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true, auth });
      await transport.sendMail({ raw: readFileSync(file), envelope: { from, to: [to] } });
      transport.close();
    }
  }
};

const patienceMs = 120_000;

/** The mails in the mailbox, once there are that many different ones. */
const arrived = async (account: Account, atLeast: number): Promise<readonly string[]> => {
  const until = Date.now() + patienceMs;
  for (;;) {
    const mails = await readMailbox(account);
    if (new Set(mails.map(messageIdOf)).size >= atLeast) return mails;
    if (Date.now() > until) throw new Error(`${mails.length} mails of ${atLeast} arrived`);
    await sleep(300);
  }
};

/** What the client says of its messages. */
const statesOf = async (configFile: string): Promise<readonly string[]> => {
  const queue = await mixmailerHere('queue', '--config', configFile, '--json');
  return (JSON.parse(queue) as readonly { readonly state: string }[]).map(({ state }) => state);
};

/** Resolves once all messages of that client are delivered. */
const delivered = async (configFile: string): Promise<void> => {
  const until = Date.now() + patienceMs;
  for (;;) {
    const states = await statesOf(configFile);
    if (states.every((state) => state === 'delivered')) return;
    if (Date.now() > until) throw new Error(`the messages are ${states.join(', ')}`);
    await sleep(500);
  }
};

const messageIdOf = (raw: string): string => /^Message-ID: (\S+)/im.exec(raw)?.[1] ?? raw;

for (const kind of await findServers()) {
  if (kind.kind === 'unavailable') {
    describe(`a network on ${kind.name}`, () => it.skip(missingLine(kind)));
    continue;
  }
  describe(`a network of processes on ${kind.name}`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
    let world: MailWorld;
    let network: TestNetwork;
    let bobsMailbox: Account;
    let alice: Person;
    let bob: Person;
    let nodes: Running[];
    let client: { readonly running: Running; readonly port: number; readonly user: string; readonly token: string };

    beforeAll(async () => {
      world = await kind.start();
      [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
      bobsMailbox = await world.addAccount('bob', 'friend.test');
      network = await layNetwork({
        folder,
        world,
        // Reply blocks need a path of three without the exit.
        nodes: 4,
        schedule: '*/2 * * * * *',
        loopsPerInterval: 1,
        paceSeconds: 1,
      });
      nodes = await Promise.all(network.nodes.map((node) => network.startNode(node)));
      client = await network.startClient();
    });
    afterAll(async () => {
      await Promise.all([client.running, ...nodes].map((one) => one.stop()));
      await network.close();
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const submitLetter = async (subject: string): Promise<void> => {
      const file = path.join(folder, 'letter.eml');
      writeFileSync(file, await pepMail({ from: alice, to: [bob], subject, text: subject, date: new Date() }));
      const { port, user, token } = client;
      await handIn({ port, user, token, file, from: alice.address, to: bob.address });
    };

    it(`carries a mail handed in by ${smtpClient}, and says so`, async () => {
      await submitLetter('first light');
      const [raw = ''] = await arrived(bobsMailbox, 1);
      expect(/^From: <(.*)>\r?$/m.exec(raw)?.[1]).toMatch(/^mix\d@mix\d\.test$/);
      expect(raw).not.toMatch(/alice|home\.test/i);
      expect(await openMail(raw, bob, alice)).toContain('Subject: first light');
      await delivered(network.client.configFile);
    });

    it('refuses a mail in clear, in words', async () => {
      const file = path.join(folder, 'clear.eml');
      writeFileSync(file, 'From: alice@home.test\r\nTo: bob@friend.test\r\nSubject: hello\r\n\r\nnot encrypted\r\n');
      const { port, user, token } = client;
      await expect(handIn({ port, user, token, file, from: alice.address, to: bob.address })).rejects.toThrow();
    });

    it('carries all mails, once, and reports none lost, while every process is killed in turn', async () => {
      const before = (await readMailbox(bobsMailbox)).length;
      const subjects = ['one', 'two', 'three', 'four', 'five', 'six'];
      for (const [i, subject] of subjects.entries()) {
        await submitLetter(subject);
        const victim = i % (nodes.length + 1);
        const node = nodes[victim];
        const member = network.nodes[victim];
        if (node === undefined || member === undefined) {
          await client.running.kill();
          client = await network.startClient();
        } else {
          await node.kill();
          nodes[victim] = await network.startNode(member);
        }
      }
      await arrived(bobsMailbox, before + subjects.length);
      const mails = (await readMailbox(bobsMailbox)).slice(before);
      const opened = new Map<string, string>();
      for (const raw of mails) {
        const subject = /^Subject: (.*?)\r?$/m.exec(await openMail(raw, bob, alice))?.[1] ?? '';
        // A second copy can only be one that mail programs fold.
        expect(opened.get(subject) ?? messageIdOf(raw)).toBe(messageIdOf(raw));
        opened.set(subject, messageIdOf(raw));
      }
      expect([...opened.keys()].sort()).toEqual([...subjects].sort());
      // And the mail of the first test. An exit that was killed between its server's word and its own note hands over
      // again, and tells so, ten minutes later.
      const states = await statesOf(network.client.configFile);
      expect(states).toHaveLength(1 + subjects.length);
      expect(states.filter((state) => state !== 'in-network' && state !== 'delivered')).toEqual([]);
    });
  });
}
