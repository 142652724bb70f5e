import { beforeAll, describe, expect, it, afterEach } from 'vitest';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { submissionServer, type Submitted } from '../../src/adapters/submission.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { parseAddress } from '../../src/base/address.js';
import { composeNotice } from '../../src/message/notice.js';
import { silentLog } from '../contracts/server-rigs.js';
import { fakeNetwork, type FakeNetwork } from '../fakes/network.js';
import { letterOf, quick, turns } from '../node/packets.js';
import { answerWith, exitOf, mailWith, messageOf, nodeTurns, senderIn } from '../node/sender.js';
import { startScriptedSmtp } from '../servers/scripted-smtp.js';
import { dialSmtp } from '../servers/smtp-line.js';

// Two servers that don't agree where a mail ends make two mails of one: the second is the attacker's, with the good name
// of the server in between. All that can be taken for the end of a mail, and is not, is put into mails.

const ends = [
  '\n.\n',
  '\r.\r',
  '\r\n.\n',
  '\n.\r\n',
  '\r.\r\n',
  '\r\n.\r',
  '\n.\r',
  '\r\n\0.\r\n',
  '\r\r\n.\r\r\n',
  '\n\r.\n\r',
];
const second = 'MAIL FROM:<eve@evil.test>\r\nRCPT TO:<victim@other.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});

describe('to the submission server', () => {
  it.each(ends.map((end) => [JSON.stringify(end), end] as const))('%s ends no mail', async (_name, end) => {
    const taken: Submitted[] = [];
    const [user, token] = ['mixmailer', 'secret'];
    const server = await submissionServer({
      ...{ host: '127.0.0.1', port: 0, user, token, maxMailBytes: 100_000, log: silentLog },
      accept: (mail) => Promise.resolve(taken.push(mail)),
    });
    closers.push(() => server.close());
    const { socket, said, closed } = await dialSmtp(server.port);
    closers.push(() => void socket.destroy());
    const login = Buffer.from(`\0${user}\0${token}`).toString('base64');
    socket.write(`EHLO x\r\nAUTH PLAIN ${login}\r\nMAIL FROM:<a@home.test>\r\nRCPT TO:<bob@friend.test>\r\nDATA\r\n`);
    await said(/^354 /m);
    // At the very start, inside, and cut in two on the wire.
    const body = `Subject: one\r\n\r\nhello${end}${second}`;
    const rest = `${end}${second}\r\n.\r\nQUIT\r\n`;
    socket.write(`${end}${body}`, 'latin1');
    for (const character of rest.slice(0, 4)) socket.write(character, 'latin1');
    socket.write(rest.slice(4), 'latin1');
    const answers = await closed();
    expect(taken).toHaveLength(1);
    expect(taken[0]?.recipients).toEqual(['bob@friend.test']);
    expect(latin1(taken[0]?.raw ?? new Uint8Array()).split('smuggled')).toHaveLength(3);
    expect(answers.match(/^354 /gm)).toHaveLength(1);
    expect(answers.match(/^250 2?[\d. ]*.*Queued/gm)).toHaveLength(1);
  });
});

/** Nothing that any server takes for a line end but CRLF, and no line of more than SMTP's 998 characters. */
const expectStrict = (raw: Uint8Array): void => {
  const text = latin1(raw);
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
  expect(text.endsWith('\r\n')).toBe(true);
  expect(text.split('\r\n').some((line) => line.length > 998)).toBe(false);
};

const observe = ({ world }: FakeNetwork): void => {
  expect(world.observed.length).toBeGreaterThan(0);
  for (const { from, to, raw, envelopeId = 'x' } of world.observed) {
    // What answers by hand, from other people's programs, is not ours.
    if (!from.endsWith('@friend.test')) expectStrict(raw);
    expect(parseAddress(from).kind).toBe('address');
    expect(parseAddress(to).kind).toBe('address');
    expect(envelopeId).toMatch(/^[0-9a-zA-Z]+$/);
  }
};

describe('what a network hands to its mail servers', () => {
  it('has one kind of line end, whatever stood in the mail that was submitted', async () => {
    for (const end of ends.slice(0, 5)) {
      const network = fakeNetwork({ ...quick, client: { receipts: false } });
      network.world.account('bob@friend.test');
      const head = `X-A: b${end.replaceAll('\r\n', '\n ')}\r\nMessage-ID: <a${end}b@home.test>\r\n`;
      const dirty = new Uint8Array(Buffer.concat([Buffer.from(head, 'latin1'), letter]));
      const [first] = await network.client.submit(dirty, ['bob@friend.test']).catch(() => []);
      // A head that ends too early is no mail with an encrypted part, and goes nowhere.
      if (first === undefined) continue;
      await turns(network, 6);
      observe(network);
    }
  });

  it('has it in notices to whoever answers, and in answers, whatever those hold', async () => {
    const network = fakeNetwork({ ...quick, replyTo: 'plus' });
    const exit = exitOf(network);
    const anna = senderIn(network);
    const bob = network.world.account('bob@friend.test');
    anna.send(await messageOf(letter, bob.address, anna.returnAddress(40)));
    await nodeTurns(network, 3);
    const got = latin1(bob.mailbox.raws()[0] ?? expect.fail('no mail'));
    const to = /^Reply-To: <(.*)>\r$/m.exec(got)?.[1] ?? expect.fail('no alias');
    const put = (end: string, text: string): void =>
      exit.account.mailbox.put(
        new Uint8Array(
          Buffer.concat([
            Buffer.from(`X-Number: ${end.length}${end}Message-ID: <i${end}d@x.test>\r\n`, 'latin1'),
            Buffer.from(text, 'latin1'),
          ]),
        ),
      );
    for (const [i, end] of ends.slice(0, 6).entries()) {
      const clear = mailWith({ From: `bob${i}@friend.test`, To: to, 'Message-ID': `<a${i}@friend.test>` }, 'clear');
      network.world.account(`bob${i}@friend.test`);
      put(end, `${latin1(clear)}${end}${second}`);
      exit.account.mailbox.put(clear);
      put(end, `${latin1(answerWith({ From: bob.address, To: to }, letter))}${end}${second}`);
    }
    await nodeTurns(network, 6);
    expect(exit.counted()['notice']).toBeGreaterThan(0);
    observe(network);
  });

  it('names no Message-ID in a notice that could end a line', () => {
    const notice = { from: 'exit@x.test', to: 'bob@friend.test', reason: 'expired', roomBytes: 0 } as const;
    for (const end of ends)
      for (const inReplyTo of [`<a${end}@b.test>`, `<a@b.test>${end}${second}`, `${end}<a@b.test>`])
        expectStrict(composeNotice({ ...notice, inReplyTo, id: '0'.repeat(32), now: 0 }));
  });
});

describe('to the mail server itself', () => {
  it('a line that begins with a dot gets one more, so that no text ends a mail', async () => {
    const server = await startScriptedSmtp();
    closers.push(() => server.stop());
    const outbox = smtpOutbox(
      {
        ...{ host: '127.0.0.1', port: server.port, security: 'none', user: 'a@b.test' },
        credential: () => Promise.resolve({ password: 'x' }),
      },
      silentLog,
    );
    closers.push(() => outbox.close());
    const raw = ascii(`Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n.\r\n${second}\r\n.\r\n`);
    const sent = await outbox.send({ from: 'a@b.test', to: 'bob@friend.test', raw }, new AbortController().signal);
    expect(sent).toMatchObject({ kind: 'accepted' });
    expect(server.mails).toHaveLength(1);
    expect(server.commands.filter((line) => /^(?:MAIL|RCPT|DATA)/.test(line))).toHaveLength(3);
    // The scripted server takes dots off inside only.
    expect(server.mails[0]).toContain('smuggled');
  });
});
