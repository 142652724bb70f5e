import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { decrypt, readMessage } from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MixClient } from '../../src/mix-client.js';
import type { Reply } from '../../src/mix-client.js';
import { handIn } from '../demo/hand-in.js';
import { readMailbox } from '../demo/mailbox.js';
import { layNetwork } from '../demo/network.js';
import type { TestNetwork } from '../demo/network.js';
import type { Running } from '../demo/processes.js';
import { fieldOf, pressReply } from '../demo/reply.js';
import { startInProcess } from '../servers/in-process.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';

const folder = mkdtempSync(path.join(tmpdir(), 'mm-library-'));
let world: MailWorld;
let network: TestNetwork;
let nodes: readonly Running[];
let config: string;
let alice: Person;
let bob: Person;
let bobsMailbox: Account;

beforeAll(async () => {
  world = await startInProcess();
  [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
  bobsMailbox = await world.addAccount('bob', 'friend.test');
  const pace = { schedule: '* * * * * *', loopsPerInterval: 1, paceSeconds: 0.5 };
  // Reply blocks need a path of three without the exit.
  network = await layNetwork({ folder, world, nodes: 4, exits: 1, replyBlocks: 4, ...pace });
  nodes = await Promise.all(network.nodes.map((node) => network.startNode(node)));
  config = network.client.configFile;
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await network.close();
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A program of docs/examples, as it is built. */
class Example {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #said = '';

  constructor(name: string, ...args: readonly string[]) {
    const file = fileURLToPath(new URL(`../../dist/docs/examples/${name}.js`, import.meta.url));
    this.#child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#said);
      if (found !== null) return found;
      if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.#said}`);
      await Promise.race([once(this.#child.stdout, 'data'), once(this.#child, 'close')]);
    }
  }

  async ended(): Promise<{ readonly code: number | null; readonly said: string }> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    return { code: this.#child.exitCode, said: this.#said };
  }
}

/** The newest mail in Bob's mailbox. */
const newestOfBob = async (): Promise<string> => (await readMailbox(bobsMailbox)).at(-1) ?? expect.fail('nothing came');

/** Bob answers, from his own mail program through his own provider. */
const bobAnswers = async (mail: string, id: string): Promise<void> => {
  const answer = await pressReply({
    mail,
    from: bob,
    reader: alice,
    subject: `Re: ${id}`,
    text: 'yes',
    id,
    date: new Date(0),
  });
  const { user, password, smtp } = bobsMailbox;
  await handIn({ port: smtp.port, user, password }, { from: bob.address, to: answer.to, raw: answer.raw });
};

describe('the package', () => {
  it('does nothing when it is imported', () => {
    const program = "console.log(Object.keys(await import('mixmailer')).sort().join())";
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    const door = 'ClientError,ConfigError,MixClient,RouteError,StoreError,SubmissionError,mixTransport\n';
    expect([status, stdout, stderr]).toEqual([0, door, '']);
  });
});

describe('docs/examples', () => {
  it('send.ts hands a mail in and waits until it is delivered', async () => {
    const letter = path.join(folder, 'letter.eml');
    writeFileSync(
      letter,
      await pepMail({ from: alice, to: [bob], subject: 'the lake', text: 'hello', date: new Date(0) }),
    );
    const { code, said } = await new Example('send', config, letter, bob.address).ended();
    expect(said).toMatch(/^bob@friend\.test: in-network\nbob@friend\.test: delivered\n$/);
    expect(code).toBe(0);
    expect(await openMail(await newestOfBob(), bob, alice)).toContain('Subject: the lake');
  });

  it('receive.ts takes the answer, and leaves nothing of it in the mailbox', async () => {
    const replies = path.join(folder, 'replies');
    mkdirSync(replies);
    await bobAnswers(await newestOfBob(), 'first');
    const example = new Example('receive', config, replies);
    const [, from, file = ''] = await example.says(/^(\S+) answers message [0-9a-f]{32}: (.*)$/m);
    example.interrupt();
    expect(await example.ended()).toMatchObject({ code: 0 });
    expect(from).toBe(bob.address);
    expect(readdirSync(replies)).toEqual([path.basename(file)]);
    const reply = readFileSync(file, 'latin1');
    expect(fieldOf(reply, 'To')).toBe(`<${alice.address}>`);
    expect(await openMail(reply, alice, bob)).toContain('Subject: Re: first');
    expect((await readMailbox(network.client.account)).join('\n')).not.toContain('friend.test');
  });

  it('nodemailer.ts writes, encrypts and sends', async () => {
    const key = path.join(folder, 'bob.asc');
    writeFileSync(key, bob.publicKey.armor());
    const { code, said } = await new Example('nodemailer', config, bob.address, key).ended();
    expect([code, said]).toEqual([0, 'bob@friend.test delivered\n']);
    const mail = await newestOfBob();
    expect(fieldOf(mail, 'Content-Type')).toMatch(/^multipart\/encrypted;/);
    const armored = /-----BEGIN PGP MESSAGE-----[^]*-----END PGP MESSAGE-----/.exec(mail)?.[0] ?? '';
    const message = await readMessage({ armoredMessage: armored });
    const { data } = (await decrypt({ message, decryptionKeys: bob.privateKey })) as { readonly data: string };
    expect(data).toContain('Subject: Dinner on Friday?');
    expect(data).toContain('At eight, at the lake.');
  });
});

describe('a reply that a program did not take', () => {
  it('is there for the next client on the folder, the same bytes', async () => {
    await bobAnswers(await newestOfBob(), 'second');
    const refused = await new Promise<Reply>((resolve, reject) => {
      const onReply = (reply: Reply): Promise<void> => {
        client.then((opened) => opened.close()).then(() => resolve(reply), reject);
        return Promise.reject(new Error('disk full'));
      };
      const client = MixClient.open({ config, onReply });
      client.catch(reject);
    });
    const taken: Reply[] = [];
    await new Promise<void>((resolve, reject) => {
      const onReply = (reply: Reply): Promise<void> => {
        taken.push(reply);
        client.then((opened) => opened.close()).then(resolve, reject);
        return Promise.resolve();
      };
      const client = MixClient.open({ config, onReply });
      client.catch(reject);
    });
    expect(taken).toEqual([refused]);
    expect(refused.from).toBe(bob.address);
    expect(await openMail(Buffer.from(refused.raw).toString('latin1'), alice, bob)).toContain('Subject: Re: second');
  });
});
