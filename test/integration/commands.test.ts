import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecretKey } from '../../src/adapters/file-keys.js';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { hourMs, secondMs } from '../../src/base/units.js';
import { inspectNetwork, signNetwork } from '../../src/route/network.js';
import { layNetwork } from '../demo/network.js';
import type { Member, TestNetwork } from '../demo/network.js';
import { startInProcess } from '../servers/in-process.js';
import type { MailWorld } from '../servers/mail-world.js';
import { pepMail, person } from '../servers/pep-mail.js';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end. */
const mixmailer = async (args: readonly string[], input: string | Uint8Array = ''): Promise<Ended> => {
  const child = spawn(process.execPath, [main, ...args]);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  // It may refuse before it has read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
};

const folder = mkdtempSync(path.join(tmpdir(), 'mm-commands-'));
let world: MailWorld;
let network: TestNetwork;
let carried = 0;
let letter: string;
let client: Member;

beforeAll(async () => {
  world = await startInProcess({
    onMail: () => {
      carried++;
    },
  });
  const [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
  letter = await pepMail({ from: alice, to: [bob], subject: 's', text: 't', date: new Date(0) });
  // Reply blocks need a path of three without the exit.
  const plan = { folder, world, nodes: 4, schedule: '* * * * * *', loopsPerInterval: 1, paceSeconds: 0.1 };
  network = await layNetwork(plan);
  ({ client } = network);
});
afterAll(async () => {
  await network.close();
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

const another = (i: number | string): string => `X-Nr: ${i}\r\n${letter}`;
const sendmail = (input: string, ...args: readonly string[]): Promise<Ended> =>
  mixmailer(['sendmail', '-C', client.configFile, ...args], input);

const queued = (): readonly string[] => {
  const store = sqliteClientStore(path.join(path.dirname(client.configFile), 'data', 'mixmailer.db'));
  try {
    return store.queuedMessages().map(({ recipient }) => recipient);
  } finally {
    store.close();
  }
};

const until = async (isSo: () => boolean): Promise<void> => {
  for (const end = Date.now() + 20 * secondMs; !isSo();) {
    if (Date.now() > end) throw new Error('waited in vain');
    await sleep(50);
  }
};

describe('mixmailer sendmail', () => {
  it('on a new data folder: several at once, each mail is there', async () => {
    const ended = await Promise.all(
      Array.from({ length: 4 }, (_, i) => sendmail(another(i), '-i', `friend${i}@friend.test`)),
    );
    expect(ended.map(({ code, err }) => [code, err])).toEqual(Array.from({ length: 4 }, () => [0, '']));
    expect(queued().toSorted()).toEqual([0, 1, 2, 3].map((i) => `friend${i}@friend.test`));
  });

  it('with -t takes the recipients from To, Cc and Bcc', async () => {
    const before = queued().length;
    const header = 'Cc: Carol <carol@friend.test>\r\nBcc: hidden@bcc.test\r\n';
    expect(await sendmail(`${header}${letter}`, '-t', '-i')).toMatchObject({ code: 0, err: '' });
    expect(queued().slice(before).toSorted()).toEqual(['bob@friend.test', 'carol@friend.test', 'hidden@bcc.test']);
  });

  it('ends the mail at a lone dot unless it is told not to', async () => {
    const dotted = letter.replace('\r\n\r\n', '\r\n\r\n.\r\n');
    expect(await sendmail(dotted, 'dot@friend.test')).toMatchObject({ code: 65 });
    expect(await sendmail(dotted, '-oi', 'dot@friend.test')).toMatchObject({ code: 0 });
  });

  it('takes flags that look like the program’s own', async () => {
    const before = queued().length;
    expect(await sendmail(another('envelope'), '-V', 'id7', '-i', '--', 'v@friend.test')).toMatchObject({
      code: 0,
      out: '',
    });
    expect(queued()).toHaveLength(before + 1);
  });

  it('says with 64, 65 or 78 what its user can mend', async () => {
    const before = queued().length;
    const clear = 'To: bob@friend.test\r\nSubject: hi\r\n\r\nin clear\r\n';
    const cases: readonly (readonly [Promise<Ended>, number, RegExp])[] = [
      [sendmail(letter, '-bs'), 64, /-bs/],
      [sendmail(clear, 'bob@friend.test'), 65, /turn on encryption/],
      [sendmail(letter, 'root'), 65, /recipient/],
      [sendmail(letter), 65, /no recipient/],
      [sendmail('x'.repeat(7_000_000), 'bob@friend.test'), 65, /at most 6000000 bytes/],
      [mixmailer(['sendmail', '-C', path.join(folder, 'none.toml'), 'bob@friend.test'], letter), 78, /none\.toml/],
    ];
    for (const [ending, code, text] of cases) {
      const { code: found, out, err } = await ending;
      expect([found, out]).toEqual([code, '']);
      expect(err).toMatch(/^mixmailer sendmail: /);
      expect(err).toMatch(text);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
    expect(queued()).toHaveLength(before);
  });

  it('works beside a running client, which sends what is handed in', async () => {
    const { running } = await network.startClient();
    try {
      await until(() => queued().length === 0);
      const before = carried;
      const ended = await Promise.all([7, 8, 9].map((i) => sendmail(another(i), '-i', 'bob@friend.test')));
      expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
      await until(() => queued().length === 0 && carried > before);
      expect(running.log).not.toMatch(/warn/);
      // The data folder is this client's alone.
      const second = await mixmailer(['client', '--config', client.configFile]);
      expect(second.code).toBe(75);
      expect(second.err).toMatch(/in use by another MixMailer process\n$/);
    } finally {
      const began = Date.now();
      await running.stop();
      expect(Date.now() - began).toBeLessThan(3 * secondMs);
    }
  });
});

describe('without a network list that is valid now', () => {
  const listFile = path.join(folder, 'network.txt');

  it('sendmail keeps the mail with its program (75), and node and client are tried again (75)', async () => {
    const { network: list } = inspectNetwork(readFileSync(listFile, 'utf8'), []);
    const now = Math.floor(Date.now() / secondMs) * secondMs;
    renameSync(listFile, `${listFile}.good`);
    writeFileSync(
      listFile,
      signNetwork(
        {
          validFrom: now - 2 * hourMs,
          validUntil: now - hourMs,
          parameters: list.parameters,
          descriptors: list.nodes.map(({ text }) => text),
        },
        readSecretKey(path.join(folder, 'authority.key')),
      ),
    );
    try {
      const before = queued().length;
      const [node] = network.nodes;
      for (const ending of [
        sendmail(another('late'), '-i', 'bob@friend.test'),
        mixmailer(['client', '--config', client.configFile]),
        mixmailer(['node', '--config', node?.configFile ?? '']),
      ]) {
        const { code, out, err } = await ending;
        expect([code, out]).toEqual([75, '']);
        expect(err).toMatch(/^mixmailer[^\n]*: the network list was valid until [^\n]*; get the next one\n$/);
      }
      expect(queued()).toHaveLength(before);
    } finally {
      renameSync(`${listFile}.good`, listFile);
    }
  });
});

describe('mixmailer check', () => {
  it('of an exit sends one mail, to itself, and keeps what became of it', async () => {
    const [node] = network.nodes;
    const before = carried;
    const { code, out, err } = await mixmailer(['check', '--config', node?.configFile ?? '']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('ok     plus addresses arrive: replies are matched by them\n');
    expect(carried).toBe(before + 1);
    const data = path.join(path.dirname(node?.configFile ?? ''), 'data');
    expect(readFileSync(path.join(data, 'plus-address'), 'utf8')).toBe('yes\n');
  });
});

describe('mixmailer node', () => {
  it('with a mistake in its configuration ends with 78, one line and no stack', async () => {
    const [node] = network.nodes;
    const good = readFileSync(node?.configFile ?? '', 'utf8');
    for (const [from, to, text] of [
      ['loopsPerInterval = 1', 'loopsPerInterval = "many"', /node\.cover\.loopsPerInterval: expected/],
      ['[node]', '[nood]', /nood/],
      ['[mail.imap]', '[mail.imap', /line \d/],
    ] as const) {
      const file = path.join(path.dirname(node?.configFile ?? ''), 'wrong.toml');
      writeFileSync(file, good.replace(from, to));
      const { code, out, err } = await mixmailer(['node', '--config', file]);
      expect([code, out]).toEqual([78, '']);
      expect(err).toMatch(text);
      expect(err).not.toMatch(/\n\s+at /);
    }
  });

  it('on mail servers that never answer still ends when it is told to', async () => {
    const sockets = new Set<Socket>();
    const silent: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const [, node] = network.nodes;
    const file = path.join(path.dirname(node?.configFile ?? ''), 'silent.toml');
    const good = readFileSync(node?.configFile ?? '', 'utf8');
    writeFileSync(
      file,
      good.replaceAll(/^port = .*$/gm, `port = ${port}`).replace(/loopsPer.*/, 'loopsPerInterval = 20'),
    );
    const child = spawn(process.execPath, [main, 'node', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    await once(child.stdout, 'data');
    // One for IMAP; and one for SMTP after the first flush.
    await until(() => sockets.size > 1);
    await sleep(200);
    const began = Date.now();
    child.kill('SIGTERM');
    const [code] = (await once(child, 'close')) as [number | null];
    expect(Date.now() - began).toBeLessThan(5 * secondMs);
    expect([code, err.match(/\n\s+at /)]).toEqual([0, null]);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});

describe('a word that every object of the program has', () => {
  it('is no command', async () => {
    for (const word of ['constructor', '__proto__', 'toString']) {
      const { code, err } = await mixmailer([word]);
      expect(code).toBe(1);
      expect(err).toBe(`error: unknown command '${word}'\n`);
    }
  });
});

describe('mixmailer client', () => {
  it('whose port is taken ends with 78 and names the key', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const file = path.join(path.dirname(client.configFile), 'taken.toml');
    writeFileSync(file, readFileSync(client.configFile, 'utf8').replace('port = 0', `port = ${port}`));
    const { code, err } = await mixmailer(['client', '--config', file]);
    expect(code).toBe(78);
    expect(err).toMatch(/^mixmailer: client\.submission\.port: expected a free port [^\n]*\n$/);
    taken.close();
  });
});
