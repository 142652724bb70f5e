import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { packetsInParts } from '../../src/carrier/parts.js';
import { sealable } from '../../src/message/hygiene.js';
import { packetOf, packetsOf } from '../carrier/packets.js';
import { judgeCopies } from './copies.js';
import { hasStack, isUnexplained, tellFall } from './ends.js';
import { type Answer, openGate } from './gate.js';
import { Ledger } from './ledger.js';
import { growthOf, type Sample } from './growth.js';
import { digestIn, writeLetter } from './letters.js';
import { faultKinds, planOf, soakRng } from './plan.js';
import { rewritings, rewritten } from './rewrite.js';
import { afterMsAt } from './times.js';

const rng = soakRng(7, 0);

describe('the plan of a soak', () => {
  const wishes = { seed: 3, lengthMs: 3_600_000, kinds: faultKinds, faults: 360, letters: 2300 };

  it('is the same for the same seed, and another for another', () => {
    expect(planOf(wishes)).toEqual(planOf(wishes));
    expect(planOf({ ...wishes, seed: 4 }).faults).not.toEqual(planOf(wishes).faults);
  });

  it('has each kind of fault at least once, and about as many as asked for', () => {
    const { faults, letters } = planOf(wishes);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
    expect(faults.length).toBeGreaterThan(300);
    expect(faults.length).toBeLessThan(420);
    expect(letters.length).toBeGreaterThan(2150);
  });

  it('keeps its letters whatever goes wrong', () => {
    expect(planOf({ ...wishes, kinds: ['cut'] }).letters).toEqual(planOf(wishes).letters);
  });
});

describe('a mail that a gateway has changed', () => {
  const packets = packetsOf(3, rng);
  const bundle = joinBundle(packets, () => packetOf(rng), rng);
  const raw = composeCarrierMail({ from: 'a@a.test', to: 'b@b.test', bundle, now: 0, rng }, nodeBase64);

  for (const how of rewritings)
    it(`still has its packets (${how})`, async () => {
      const changed = rewritten(Buffer.from(raw), how);
      expect(changed.equals(raw)).toBe(false);
      const found = sliceCarrierMail(changed, nodeBase64) ?? packetsInParts((await parseMail(changed)).parts);
      const digests = (all: readonly Uint8Array[]): string[] =>
        all.map((packet) => createHash('sha256').update(packet).digest('hex'));
      expect(digests(found)).toEqual(digests(sliceCarrierMail(raw, nodeBase64) ?? []));
      expect(digests(found)).toEqual(expect.arrayContaining(digests(packets)));
    });
});

describe('a letter of a soak', () => {
  it('passes the client, and is known again by what is encrypted in it', async () => {
    const letter = writeLetter('alice@home.test', 'bob@friend.test', 5000, rng);
    const { contentType, parts } = await parseMail(Buffer.from(letter.raw, 'latin1'));
    expect(sealable({ contentType, parts }, 'hide', nodeBase64).form).toBe('pgp-mime');
    expect(digestIn(Buffer.from(letter.raw, 'latin1'))).toBe(letter.digest);
    for (const how of rewritings)
      expect(digestIn(rewritten(Buffer.from(letter.raw, 'latin1'), how))).toBe(letter.digest);
  });
});

describe('the wait for a second copy', () => {
  it('is longer than a mix interval at whatever speed, and not shorter than 40 s', () => {
    for (const factor of [1, 12, 15, 18, 30, 60]) expect(afterMsAt(factor)).toBeGreaterThan((12 * 60_000) / factor);
    expect(afterMsAt(30)).toBe(40_000);
  });
});

describe('a process', () => {
  const sample = (pid: number, i: number, [memoryMb, descriptors]: readonly [number, number]): Sample => ({
    ...{ pid, atMs: i * 10_000, memoryMb, descriptors },
  });
  /** So many moments of one process, whose memory and descriptors go from the first to the second. */
  const life = (pid: number, from: readonly [number, number], to: readonly [number, number]): readonly Sample[] =>
    Array.from({ length: 60 }, (_, i) =>
      sample(pid, i, [from[0] + ((to[0] - from[0]) * i) / 59, from[1] + Math.round(((to[1] - from[1]) * i) / 59)]),
    );

  it('that grows is found, also where another took its place', () => {
    expect(growthOf(life(1, [120, 40], [140, 44]))).toEqual([]);
    const grown = [expect.stringMatching(/^memory went from 1\d\d to 2\d\d MB$/)];
    expect(growthOf(life(1, [120, 40], [290, 40]))).toEqual(grown);
    expect(growthOf([...life(1, [120, 40], [290, 40]), ...life(2, [120, 40], [120, 40])])).toEqual(grown);
    expect(growthOf(life(1, [120, 40], [120, 90]))).toEqual([expect.stringMatching(/^descriptors went from/)]);
  });

  it('that starts with more each time is found by what it has at last', () => {
    const lives = [150, 200, 250, 301].flatMap((mb, pid) => [sample(pid, 2 * pid, [mb, 40])]);
    expect(growthOf(lives.slice(0, 3))).toEqual([]);
    expect(growthOf(lives)).toEqual(['301 MB of memory']);
  });

  it('that ends by itself has a reason when it says to try again later, and no other time', () => {
    const fall = (code: number | null, signal: NodeJS.Signals | null) => ({ text: 'a\nb\n', ended: { code, signal } });
    expect(isUnexplained(fall(75, null))).toBe(false);
    for (const one of [fall(0, null), fall(1, null), fall(78, null), fall(null, 'SIGABRT'), fall(null, 'SIGKILL')])
      expect(isUnexplained(one)).toBe(true);
    expect(isUnexplained({ text: 'x', ended: undefined })).toBe(true);
    expect(tellFall(fall(null, 'SIGABRT'))).toBe('ended with SIGABRT: b');
    expect(tellFall(fall(1, null))).toBe('ended with 1: b');
  });

  it('that says its last words is heard', () => {
    expect(hasStack('warn x\n    at file:///a/b.js:10:5\n')).toBe(true);
    expect(hasStack('BUG: a packet without a result')).toBe(true);
    expect(
      hasStack(
        'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n 1: 0xb node::Abort()',
      ),
    ).toBe(true);
    expect(hasStack('info mix in=4 out=4\nwarn mail/closed message=1.2.3.4\n')).toBe(false);
  });
});

describe('copies of a letter', () => {
  const came = (name: string, ...counts: number[]) => ({ name, messageId: `<${name}>`, counts });

  it('may be as many as exits took it, and as there are mails of which nobody could know', () => {
    const letters = [came('a', 1), came('b', 2), came('c', 3), came('d', 2)];
    const exits = new Map([
      ['<b>', 2],
      ['<c>', 2],
      ['<d>', 0],
    ]);
    expect(judgeCopies(letters, { exits, doubts: 2 })).toEqual({ folded: 4, unexplained: 2, doubled: [] });
    expect(judgeCopies(letters, { exits, doubts: 1 }).doubled).toEqual(['c', 'd']);
  });

  it('are doubled under another Message-ID, however many doubts there are', () => {
    const letters = [came('a', 1, 1), came('b', 2)];
    expect(judgeCopies(letters, { exits: new Map(), doubts: 100 }).doubled).toEqual(['a']);
  });

  it('of an exit that mails everything ten times are not let pass', () => {
    const letters = Array.from({ length: 2000 }, (_, i) => came(`${i}`, 10));
    const exits = new Map(letters.map(({ messageId }) => [messageId, 2]));
    expect(judgeCopies(letters, { exits, doubts: 500 }).doubled).toHaveLength(2000);
  });

  it('are mails with traces of their own; the same mail under another number is none', () => {
    const ledger = new Ledger();
    const letter = writeLetter('alice@home.test', 'bob@friend.test', 500, rng);
    ledger.offer(letter);
    ledger.accept(letter);
    const mail = (trace: string): Buffer => Buffer.from(`Received: by x with LMTP id ${trace}\r\n${letter.raw}`);
    for (const trace of ['one', 'one', 'two']) ledger.take(mail(trace));
    expect(ledger.balance()).toMatchObject({ arrived: 1, folded: 1, unexplained: 1, doubled: [] });
    expect(ledger.balance({ exits: new Map(), doubts: 0 }).doubled).toHaveLength(1);
    for (const again of [1, 2]) ledger.take(Buffer.from(`Subject: ${again % 1}\r\n\r\nx`));
    expect(ledger.balance().strangers).toBe(1);
  });
});

describe('a gate before a mail server', () => {
  type Habit = 'answers' | 'takes mails in silence';
  /** Greets, and answers every line with 250 and DATA with 354. */
  const startServer = async (habit: Habit) => {
    let inMail = false;
    const heard: string[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined).setEncoding('latin1');
      socket.write('220 here\r\n');
      socket.on('data', (chunk: string) => {
        heard.push(chunk);
        if (inMail && habit === 'takes mails in silence') {
          server.emit('taken');
          return;
        }
        const answers = inMail
          ? ['250 taken']
          : chunk
              .trim()
              .split('\r\n')
              .map((line) => (line === 'DATA' ? '354 go on' : '250-yes\r\n250 ok'));
        inMail = chunk.endsWith('DATA\r\n');
        socket.write(answers.map((answer) => `${answer}\r\n`).join(''));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = (): void => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    return { port: (server.address() as AddressInfo).port, heard, taken: once(server, 'taken'), stop };
  };
  const mail = ['MAIL FROM:<a@b.test>\r\n', 'DATA\r\n', 'A: b\r\n\r\nc\r\n.\r\n'] as const;

  interface Story {
    readonly habit?: Habit;
    readonly lie?: Answer;
    /** Between the last answer and the end of the line. */
    readonly restMs?: number;
  }

  /** Says these lines, each after the answer to the one before; then the line is cut. @returns doubts */
  const doubtsAfter = async (lines: readonly string[], { habit = 'answers', lie, restMs = 0 }: Story = {}) => {
    let now = 0;
    const server = await startServer(habit);
    const gate = await openGate(server.port, () => now);
    if (lie !== undefined) gate.answer(lie, 1);
    const socket = connect(gate.port, '127.0.0.1').on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await once(socket, 'data');
    for (const line of lines) {
      const answered = habit === 'answers' || line !== mail[2] ? once(socket, 'data') : server.taken;
      socket.write(line);
      await answered;
    }
    now += restMs;
    gate.cut();
    await closed;
    await gate.close();
    server.stop();
    return gate.doubts();
  };

  it('counts the mail whose outcome a process can’t know: unanswered, answered just before the end, denied', async () => {
    expect(await doubtsAfter(['NOOP\r\n'])).toBe(0);
    expect(await doubtsAfter(mail.slice(0, 2))).toBe(0);
    expect(await doubtsAfter(mail, { habit: 'takes mails in silence' })).toBe(1);
    expect(await doubtsAfter(mail)).toBe(1);
    expect(await doubtsAfter(mail, { restMs: 5000 })).toBe(0);
    expect(await doubtsAfter([...mail, 'QUIT\r\n'])).toBe(0);
    expect(await doubtsAfter([...mail, 'QUIT\r\n'], { lie: { at: 'mail', text: '451 4.3.0 no' } })).toBe(1);
  });

  it('follows a client that says several commands at once', async () => {
    const atOnce = ['MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n', mail[2]] as const;
    const all = (): Promise<number> => doubtsAfter(atOnce, { habit: 'takes mails in silence' });
    expect(await all()).toBe(1);
    expect(await doubtsAfter([...atOnce, 'RSET\r\n'])).toBe(0);
    expect(await doubtsAfter([...atOnce, 'RSET\r\n'], { lie: { at: 'mail', text: '451 4.3.0 no' } })).toBe(1);
  });

  it('answers one of several commands in the place of the server, in its turn', async () => {
    const server = await startServer('answers');
    const gate = await openGate(server.port);
    gate.answer({ at: 'command', command: /^RCPT /i, text: '452 4.2.2 full' }, 1);
    const socket = connect(gate.port, '127.0.0.1').setEncoding('latin1');
    let said = '';
    socket.on('data', (text: string) => (said += text));
    const until = async (end: string): Promise<void> => {
      while (!said.endsWith(end)) await once(socket, 'data');
    };
    await until('220 here\r\n');
    socket.write('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@d.test>\r\nDA');
    socket.write('TA\r\n');
    await until('354 go on\r\n');
    expect(said).toBe('220 here\r\n250-yes\r\n250 ok\r\n452 4.2.2 full\r\n250-yes\r\n250 ok\r\n354 go on\r\n');
    expect(server.heard.join('')).toBe('MAIL FROM:<a@b.test>\r\nRCPT TO:<e@d.test>\r\nDATA\r\n');
    socket.destroy();
    await gate.close();
    server.stop();
  });

  it('counts what is under way when nothing can be written down any more', async () => {
    const server = await startServer('answers');
    const gate = await openGate(server.port, () => 0);
    const socket = connect(gate.port, '127.0.0.1');
    await once(socket, 'data');
    socket.write(mail[0]);
    await once(socket, 'data');
    gate.doubt();
    expect(gate.doubts()).toBe(1);
    socket.destroy();
    await gate.close();
    server.stop();
  });
});

describe('a gate', () => {
  const startEcho = async (): Promise<{
    readonly port: number;
    readonly heard: string[];
    readonly stop: () => void;
  }> => {
    const heard: string[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        heard.push(chunk.toString());
        socket.write(`heard ${chunk.toString()}`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = (): void => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    return { port: (server.address() as AddressInfo).port, heard, stop };
  };

  it('answers in the place of the server as often as it is told to, and cuts', async () => {
    const echo = await startEcho();
    const gate = await openGate(echo.port);
    gate.answer({ at: 'command', command: /^\S+ SELECT /, text: '% NO not now' }, 1);
    const socket = connect(gate.port, '127.0.0.1').setEncoding('utf8');
    const say = async (text: string): Promise<string> => {
      socket.write(text);
      return ((await once(socket, 'data')) as [string])[0];
    };
    expect(await say('A1 SELECT INBOX\r\n')).toBe('A1 NO not now\r\n');
    expect(await say('A2 SELECT INBOX\r\n')).toBe('heard A2 SELECT INBOX\r\n');
    expect(echo.heard).toEqual(['A2 SELECT INBOX\r\n']);
    const closed = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));
    gate.cut();
    await closed;
    expect(gate.open()).toBe(0);
    await gate.close();
    echo.stop();
  });
});
