import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { submissionServer, type Submitted } from '../../src/adapters/submission.js';
import { ascii, concat, latin1, u32 } from '../../src/base/bytes.js';
import { ConfigError } from '../../src/base/errors.js';
import { configFrom } from '../../src/config.js';
import { encodeMessage, type Message } from '../../src/message/envelope.js';
import { sealable } from '../../src/message/hygiene.js';
import { silentLog } from '../contracts/server-rigs.js';
import { fakeNetwork, type FakeNetwork } from '../fakes/network.js';
import { letterOf, quick } from '../node/packets.js';
import { exitOf, nodeTurns, senderIn } from '../node/sender.js';
import { dialSmtp } from '../servers/smtp-line.js';

// Somebody looks for a machine that mails what they like to whom they like: spam, through an exit or through a client.

let openpgp: Uint8Array;
beforeAll(async () => {
  ({ openpgp } = sealable(await parseMail(await letterOf()), 'hide', nodeBase64));
});

const accounts = ['bob@friend.test', 'carol@friend.test', 'relay@friend.test'];

/** What an exit mails to whom, of messages that a sender makes without the client, and what it says of them. */
const mailedOf = async (
  messages: readonly Partial<Message>[],
): Promise<{ readonly mails: FakeNetwork['world']['observed']; readonly ends: readonly string[] }> => {
  const network = fakeNetwork({ ...quick, nodes: 4 });
  for (const address of accounts) network.world.account(address);
  const anna = senderIn(network);
  for (const message of messages) {
    const whole: Message = { recipient: 'bob@friend.test', form: 'pgp-mime', autoConsume: false, openpgp, ...message };
    anna.send(encodeMessage(whole), [anna.block()]);
  }
  await nodeTurns(network, 5);
  const mails = network.world.observed.filter(({ to }) => to.endsWith('@friend.test'));
  return { mails, ends: anna.receipts().map(({ kind }) => kind) };
};

describe('an exit', () => {
  it('hands over one encrypted message to one recipient', async () => {
    const { mails, ends } = await mailedOf([{}]);
    expect(mails.map(({ to }) => to)).toEqual(['bob@friend.test']);
    expect(ends).toEqual(['handed-over']);
    const text = latin1(mails[0]?.raw ?? new Uint8Array());
    expect(text.match(/^(?:To|Cc|Bcc|Resent-To|From): /gm)).toEqual(['From: ', 'To: ']);
    expect(text).toContain('-----BEGIN PGP MESSAGE-----');
  });

  const recipients = [
    'bob@friend.test,carol@friend.test',
    'bob@friend.test carol@friend.test',
    'bob@friend.test>,<carol@friend.test',
    '<bob@friend.test>',
    '@relay.test:bob@friend.test',
    'friends: bob@friend.test, carol@friend.test;',
    '"bob@friend.test"@',
    'bob@[127.0.0.1]',
    'bob@localhost',
    'bob',
  ];
  it('mails to nobody where the recipient is not one plain address', async () => {
    const { mails, ends } = await mailedOf(recipients.map((recipient) => ({ recipient })));
    expect(mails).toEqual([]);
    expect(ends).toEqual(recipients.map(() => 'rejected'));
  });

  const inClear = 'Buy now! https://spam.test\r\n';
  const armored = `-----BEGIN PGP MESSAGE-----\r\n\r\n${inClear}\r\n-----END PGP MESSAGE-----\r\n`;
  const packet = (tag: number, body: Uint8Array): Uint8Array =>
    concat(Uint8Array.of(0xc0 | tag, 255), u32(body.length), body);
  const contents: Readonly<Record<string, () => Uint8Array>> = {
    'a text': () => ascii(inClear),
    'a text that looks like armor': () => ascii(armored),
    'OpenPGP of a text that is not encrypted': () => packet(11, concat(ascii('b\0\0\0\0\0'), ascii(inClear))),
    'a signed text': () =>
      concat(packet(4, new Uint8Array(13)), packet(11, ascii(inClear)), packet(2, new Uint8Array(20))),
    'compressed data': () => packet(8, concat(Uint8Array.of(0), ascii(inClear))),
    'a key': () => packet(6, new Uint8Array(60)),
    'a text behind the encrypted message': () => concat(openpgp, ascii(inClear)),
    'a text before it': () => concat(ascii(inClear), openpgp),
    'a text in a packet of its own before it': () => concat(packet(11, ascii(inClear)), openpgp),
    'a text in a packet of an unknown kind': () => concat(packet(60, ascii(inClear)), openpgp),
    'two encrypted messages': () => concat(openpgp, openpgp),
  };
  it('mails nothing that is not one encrypted message', async () => {
    const made = Object.values(contents).map((make) => ({ openpgp: make() }));
    const { mails, ends } = await mailedOf(made);
    expect(mails).toEqual([]);
    expect(ends).toEqual(made.map(() => 'rejected'));
  });

  it('takes no mail over for anybody who writes to its mailbox', async () => {
    const network = fakeNetwork({ ...quick, nodes: 4 });
    for (const address of accounts) network.world.account(address);
    const { mailbox, address } = exitOf(network).account;
    const letter = latin1(await letterOf());
    for (const to of ['bob@friend.test', `bob%friend.test@mix1.test`, address, `"bob@friend.test"@mix1.test`])
      for (const more of ['', 'Resent-To: carol@friend.test\r\n', 'X-Forward-To: carol@friend.test\r\n'])
        mailbox.put(ascii(`${more}${letter.replace(/^To: .*$/m, `To: ${to}`)}`));
    await nodeTurns(network, 4);
    expect(network.world.observed).toEqual([]);
  });

  it('takes mail at no port: only the client has a server for it, and the status page is the only other one', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const having = (what: RegExp): readonly string[] =>
      sources.filter((name) => what.test(readFileSync(join('src', name), 'utf8'))).sort();
    expect(having(/server\.listen\(|createServer\(|new SMTPServer\(/)).toEqual([
      'adapters/status-server.ts',
      'adapters/submission.ts',
    ]);
    expect(having(/smtp-server/)).toEqual(['adapters/submission.ts']);
    expect(having(/import .*statusServer/)).toEqual(['compose-status.ts']);
    expect(having(/import .*submissionServer/)).toEqual(['cli/client.ts']);
  });
});

describe('the client’s server', () => {
  const closers: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  const serve = async () => {
    const taken: Submitted[] = [];
    const server = await submissionServer({
      ...{ host: '127.0.0.1', port: 0, user: 'mixmailer', token: 'secret', maxMailBytes: 100_000, log: silentLog },
      accept: (mail) => Promise.resolve(taken.push(mail)),
      pause: () => Promise.resolve(),
    });
    closers.push(() => server.close());
    return { taken, port: server.port };
  };

  it('takes nothing from who has not logged in, in any order', async () => {
    const { taken, port } = await serve();
    const orders = [
      'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\nx\r\n.\r\n',
      'MAIL FROM:<a@b.test>\r\nEHLO x\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\nx\r\n.\r\n',
      'HELO x\r\nMAIL FROM:<a@b.test> AUTH=<>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\n.\r\n',
      'EHLO x\r\nAUTH ANONYMOUS dGVzdA==\r\nMAIL FROM:<>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\n.\r\n',
      'EHLO x\r\nAUTH PLAIN AAA=\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\n.\r\n',
      'EHLO x\r\nXCLIENT ADDR=127.0.0.1 LOGIN=mixmailer\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\n.\r\n',
    ];
    for (const order of orders) {
      const { socket, closed } = await dialSmtp(port);
      closers.push(() => void socket.destroy());
      socket.write(`${order}QUIT\r\n`);
      expect(await closed()).not.toMatch(/^(?:235|354) /m);
    }
    expect(taken).toEqual([]);
  });

  it('is reached from this machine only', async () => {
    const { port } = await serve();
    const others = Object.values(networkInterfaces())
      .flatMap((addresses = []) => addresses)
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others) {
      const reached = await new Promise((resolve) => {
        const socket = connect(port, address);
        socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
        closers.push(() => void socket.destroy());
      });
      expect(reached).toBe(false);
    }
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'mail.home.test', '127.0.0.1.evil.test', '']) {
      const settings = {
        ...{ data: 'data', mail: { address: 'a@b.test', smtp: { host: 'smtp.b.test', passwordEnv: 'X' } } },
        client: { receipts: false, submission: { host } },
      };
      expect(() => configFrom(settings, '/tmp'), host).toThrow(ConfigError);
      expect(() => configFrom(settings, '/tmp')).toThrow(/client\.submission\.host: expected loopback address/);
    }
  });
});
