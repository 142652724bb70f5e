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
import { openGate } from './gate.js';
import { digestIn, writeLetter } from './letters.js';
import { faultKinds, planOf, soakRng } from './plan.js';
import { rewritings, rewritten } from './rewrite.js';

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
