import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import { decrypt, readMessage } from 'openpgp';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { submissionServer, type Submitted, type SubmissionServer } from '../../src/adapters/submission.js';
import { systemClock, systemRng } from '../../src/adapters/system.js';
import { ConfigError, RouteError, StoreError } from '../../src/base/errors.js';
import { submitMail } from '../../src/client/submit.js';
import type { QueuedMessage } from '../../src/ports/client-store.js';
import { decodeMessage } from '../../src/message/envelope.js';
import { type KeyNames, readEncrypted } from '../../src/message/openpgp.js';
import { readOwnKeys } from '../../src/message/own-keys.js';
import { pepMail, person, type Person } from '../servers/pep-mail.js';
import { dialSmtp, type SmtpLine } from '../servers/smtp-line.js';

const token = 'f00dfeed'.repeat(4);
const user = 'mixmailer';
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let alice: Person;
let bob: Person;
let encrypted: string;
beforeAll(async () => {
  [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
  encrypted = await pepMail({ from: alice, to: [bob], subject: 's', text: 't', date: new Date(0) });
});

const serve = async (
  accept: (mail: Submitted) => Promise<unknown>,
  maxMailBytes = 200_000,
): Promise<SubmissionServer & { readonly logged: string[] }> => {
  const logged: string[] = [];
  const note = (event: string, counts = {}): void => void logged.push(`${event} ${JSON.stringify(counts)}`);
  const log = { info: note, warn: note };
  const pause = (): Promise<void> => Promise.resolve();
  const server = await submissionServer({ host: '127.0.0.1', port: 0, user, token, maxMailBytes, accept, log, pause });
  closers.push(() => server.close());
  return { ...server, logged };
};

/** A whole client behind a port: what it queues is in the file. */
const serveClient = async (
  mustReach: (recipient: string) => void = () => undefined,
  ownKeys: KeyNames = new Set(),
): Promise<{ port: number; file: string }> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-submission-'));
  const file = path.join(folder, 'mixmailer.db');
  const store = sqliteClientStore(file);
  closers.push(
    () => rmSync(folder, { recursive: true }),
    () => store.close(),
  );
  const deps = {
    store,
    parse: parseMail,
    base64: nodeBase64,
    clock: systemClock,
    rng: systemRng,
    keyIds: 'hide',
    ownKeys,
    replyBlocks: 0,
    mustReach,
  } as const;
  const { port } = await serve((mail) => submitMail(deps, mail));
  return { port, file };
};

const messagesIn = (file: string): readonly QueuedMessage[] => {
  const reopened = sqliteClientStore(file);
  try {
    return reopened.queuedMessages();
  } finally {
    reopened.close();
  }
};
const queuedIn = (file: string): readonly string[] => messagesIn(file).map(({ recipient }) => recipient);

interface Handing {
  readonly raw?: string;
  readonly to?: readonly string[];
  readonly pass?: string;
}

/** What the user of a mail program reads. */
const handIn = async (port: number, { raw = encrypted, to = ['bob@friend.test'], pass = token }: Handing = {}) => {
  const program = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, auth: { user, pass } });
  try {
    const { response } = await program.sendMail({ raw, envelope: { from: 'alice@home.test', to: [...to] } });
    return response;
  } catch (error) {
    return (error as { readonly response?: string }).response ?? String(error);
  } finally {
    program.close();
  }
};

const dial = async (port: number): Promise<SmtpLine> => {
  const line = await dialSmtp(port);
  closers.push(() => void line.socket.destroy());
  return line;
};

const plain = Buffer.from(`\0${user}\0${token}`).toString('base64');

const inData = async (port: number): Promise<SmtpLine> => {
  const line = await dial(port);
  line.socket.write(
    `EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<a@home.test>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\n`,
  );
  await line.said(/^354 /m);
  return line;
};

describe('the submission server', () => {
  it('says 250 only when the mail is on the disk', async () => {
    const { port, file } = await serveClient();
    expect(await handIn(port, { to: ['bob@friend.test', 'hidden@bcc.test'] })).toMatch(/^250 /);
    expect(queuedIn(file).toSorted()).toEqual(['bob@friend.test', 'hidden@bcc.test']);
  });

  it('queues nothing that is encrypted to its user, whose keys it knows', async () => {
    const own = readOwnKeys(Buffer.from(alice.publicKey.armor()), nodeBase64);
    const { port, file } = await serveClient(undefined, own.kind === 'keys' ? own.names : expect.fail(own.reason));
    expect(await handIn(port)).toMatch(/^250 /);
    const [queued = expect.fail('nothing is queued')] = messagesIn(file);
    const binaryMessage = decodeMessage(queued.message).openpgp;
    const message = readEncrypted(binaryMessage);
    expect(message.kind === 'encrypted' && message.sessionKeys).toHaveLength(1);
    await expect(
      decrypt({ message: await readMessage({ binaryMessage }), decryptionKeys: bob.privateKey }),
    ).resolves.toBeDefined();
  });

  it('queues a mail once that a program hands in again because it did not hear the answer', async () => {
    const { port, file } = await serveClient();
    expect(await handIn(port)).toMatch(/^250 /);
    expect(await handIn(port)).toMatch(/^250 /);
    expect(queuedIn(file)).toEqual(['bob@friend.test']);
    expect(await handIn(port, { to: ['carol@friend.test'] })).toMatch(/^250 /);
    expect(queuedIn(file)).toHaveLength(2);
  });

  it('waits with its 250 for the disk, and says so when there is none', async () => {
    let stored = false;
    const { port } = await serve(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      stored = true;
      throw new StoreError('store/write', 'no space left');
    });
    expect(await handIn(port)).toMatch(/^452 .*could not be stored/);
    expect(stored).toBe(true);
  });

  it('refuses mail in clear with 550 and words for its writer', async () => {
    const { port, file } = await serveClient();
    const answer = await handIn(port, { raw: 'From: a@home.test\r\nSubject: hi\r\n\r\nin clear\r\n' });
    expect(answer).toMatch(/^550 .*turn on encryption/);
    expect(queuedIn(file)).toEqual([]);
  });

  it('refuses a recipient nobody can have with 550, and then queues for none of them', async () => {
    const { port, file } = await serveClient();
    expect(await handIn(port, { to: ['bob@friend.test', 'root@localhost'] })).toMatch(/^550 .*full domain name/);
    expect(queuedIn(file)).toEqual([]);
  });

  it('refuses what is too large with 552, announced or not', async () => {
    const { port } = await serve(() => Promise.resolve());
    const large = `${encrypted}${'x'.repeat(250_000)}`;
    expect(await handIn(port, { raw: large })).toMatch(/^552 /);
    const { socket, said } = await inData(port);
    socket.write(`${'x\r\n'.repeat(100_000)}.\r\n`);
    expect(await said(/^552 .*$/m)).toContain('at most 200000 bytes');
  });

  it('says with 451 why nothing can go when there is no valid network list', async () => {
    const { port, file } = await serveClient(() => {
      throw new RouteError('route/expired', 'the network list was valid until yesterday; get the next one');
    });
    expect(await handIn(port)).toMatch(/^451 .*nothing left this machine.*valid until yesterday/);
    expect(queuedIn(file)).toEqual([]);
  });

  it('wants a log-in, and the right one', async () => {
    let taken = 0;
    const { port } = await serve(() =>
      Promise.resolve().then(() => {
        taken++;
      }),
    );
    expect(await handIn(port, { pass: `${token}0` })).toMatch(/^535 .*mixmailer client/);
    expect(await handIn(port, { pass: '' })).not.toMatch(/^250/);
    const { socket, said } = await dial(port);
    socket.write('EHLO x\r\nMAIL FROM:<a@home.test>\r\n');
    expect(await said(/^530 .*$/m)).toContain('authentication');
    expect(taken).toBe(0);
  });

  it('says nothing of the machine it runs on', async () => {
    const { port } = await serve(() => Promise.resolve());
    const { socket, said } = await dial(port);
    socket.write('EHLO mailprogram.alices-laptop.lan\r\nHELP\r\nVRFY root\r\nQUIT\r\n');
    const text = await said(/^221 /m);
    expect(text).not.toContain(hostname());
    expect(text).toMatch(/^220 localhost /);
    expect(text).not.toMatch(/STARTTLS/);
  });

  it('takes several commands at once', async () => {
    let taken: Submitted | undefined;
    const { port } = await serve((mail) => {
      taken = mail;
      return Promise.resolve();
    });
    const { socket, said } = await dial(port);
    socket.write(
      `EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<a@home.test>\r\nRCPT TO:<bob@friend.test>\r\nRCPT TO:<eve@friend.test>\r\nDATA\r\nA: b\r\n\r\n..dot\r\n.\r\nQUIT\r\n`,
    );
    await said(/^221 /m);
    expect(taken?.recipients).toEqual(['bob@friend.test', 'eve@friend.test']);
    expect(Buffer.from(taken?.raw ?? []).toString()).toBe('A: b\r\n\r\n.dot\r\n');
  });

  it('lives on after garbage', async () => {
    const { port } = await serve(() => Promise.resolve());
    for (const garbage of [
      '\0'.repeat(10_000),
      'x'.repeat(1_000_000),
      'EHLO\r\n'.repeat(500),
      `AUTH PLAIN ${'A'.repeat(5000)}\r\n`,
      'AUTH PLAIN ====\r\nAUTH LOGIN\r\n*\r\nAUTH XOAUTH2 x\r\n',
      `EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<${'a'.repeat(5000)}>\r\nRCPT TO:<\u00ff>\r\nRCPT TO:<a b@c>\r\nDATA\r\n.\r\n`,
      `EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<>\r\nRCPT TO:<x@y.test>\r\nDATA\r\n\r\n.\r\n`,
    ]) {
      const { socket } = await dial(port);
      socket.write(garbage, 'latin1');
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
    }
    expect(await handIn(port)).toMatch(/^250 /);
  });

  it('lives on when a program is gone in the middle of its mail', async () => {
    let taken = 0;
    const { port } = await serve(() =>
      Promise.resolve().then(() => {
        taken++;
      }),
    );
    for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const { socket } = await inData(port);
      socket.write('Subject: half a ma');
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket[end]();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(taken).toBe(0);
    expect(await handIn(port)).toMatch(/^250 /);
  });

  it('lives on when a program is gone before it hears the answer, and has the mail', async () => {
    let open: () => void = () => undefined;
    const disk = new Promise<void>((resolve) => (open = resolve));
    let taken = 0;
    const { port } = await serve(() =>
      disk.then(() => {
        taken++;
      }),
    );
    const { socket } = await inData(port);
    socket.write('A: b\r\n\r\nc\r\n.\r\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    open();
    expect(await handIn(port)).toMatch(/^250 /);
    expect(taken).toBe(2);
  });

  it('logs no address, size or text of a mail', async () => {
    const server = await serve(() => Promise.reject(new StoreError('store/write', 'no space left')));
    await handIn(server.port);
    await handIn(server.port, { raw: 'x' });
    expect(server.logged.join()).not.toMatch(/alice|bob|friend|\d{3}/);
  });

  it('names the key to change when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    closers.push(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const log = { info: () => undefined, warn: () => undefined };
    const starting = submissionServer({
      ...{ host: '127.0.0.1', port, user, token, maxMailBytes: 1000, log },
      accept: () => Promise.resolve(),
    });
    await expect(starting).rejects.toThrow(ConfigError);
    await expect(starting).rejects.toThrow(/^client\.submission\.port: .*EADDRINUSE/);
  });

  it('is closed within two seconds though a program holds its line', async () => {
    const server = await serve(() => Promise.resolve());
    const { socket } = await inData(server.port);
    const isGone = once(socket, 'close');
    const began = Date.now();
    await server.close();
    expect(Date.now() - began).toBeLessThan(2000);
    await isGone;
  });
});
