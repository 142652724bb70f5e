import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExitSearch } from '../demo/exit-search.js';
import { handIn } from '../demo/hand-in.js';
import { readMailbox } from '../demo/mailbox.js';
import { layNetwork } from '../demo/network.js';
import type { Member, RunningClient, TestNetwork } from '../demo/network.js';
import { mixmailerHere } from '../demo/processes.js';
import type { Running } from '../demo/processes.js';
import { fieldOf, pressReply } from '../demo/reply.js';
import { filesBelow, tracesIn } from '../demo/traces.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';
import type { SeenMail } from '../servers/smtp-tap.js';

// Long and rare, so that nothing but the sender has these words.
const sender = { user: 'wilhelmina.of.the.lake', domain: 'quiet-harbour.test' };
const senderWords = [`${sender.user}@${sender.domain}`, sender.user, sender.domain];

const patienceMs = 240_000;
const timeout = 3 * patienceMs;

describe('a search for traces', () => {
  const [, word = ''] = senderWords;
  const base64 = (before: string): string => Buffer.from(`${before}${word}!`).toString('base64');
  it.each([
    ['as it is', `x${word}y`],
    ['in capitals', word.toUpperCase()],
    ['over a line end', `${word.slice(0, 9)}\r\n ${word.slice(9)}`],
    ['in UTF-16, little end first', Buffer.from(`-${word}-`, 'utf16le').toString('latin1')],
    ['in UTF-16, big end first', Buffer.from(`-${word}-`, 'utf16le').swap16().toString('latin1')],
    ['in hex', Buffer.from(word).toString('hex').toUpperCase()],
    ['in quoted-printable', word.replace('h', '=68').replace('.of', '=\r\n.of')],
    ['in base64', base64('')],
    ['in base64, one byte further', base64('<')],
    ['in base64, two bytes further', base64('a<')],
    ['in base64 with line ends', base64('a<').replace(/.{7}/g, '$&\r\n')],
  ])('finds a word %s', (_, text) => {
    expect(tracesIn(Buffer.from(text, 'latin1'), senderWords)).toEqual([word]);
  });
});

/** A provider's notice that a mail it had taken can't be delivered (RFC 3464), for servers that don't write any. */
const bounceOf = (mail: string, from: string): string =>
  [
    `From: Mail Delivery System <${from}>`,
    `To: ${fieldOf(mail, 'From') ?? ''}`,
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="report"',
    '',
    '--report',
    '',
    'Your mail could not be delivered.',
    '--report',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.friend.test',
    '',
    `Final-Recipient: rfc822; ${fieldOf(mail, 'To') ?? ''}`,
    'Action: failed',
    'Status: 5.1.1',
    '',
    '--report',
    'Content-Type: text/rfc822-headers',
    '',
    ...(mail.split(/\r?\n\r?\n/)[0] ?? '').split(/\r?\n/),
    '',
    '--report--',
    '',
  ].join('\r\n');

for (const kind of await findServers()) {
  if (kind.kind === 'unavailable') {
    describe(`replies over ${kind.name}`, () => it.skip(missingLine(kind)));
    continue;
  }
  describe(`replies over ${kind.name}`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
    const seen: SeenMail[] = [];
    const exits: Running[] = [];
    let world: MailWorld;
    let network: TestNetwork;
    let exit: Member;
    let mixes: readonly Running[];
    let client: RunningClient;
    let search: ExitSearch;
    let wilhelmina: Person;
    let bob: Person;
    let carol: Person;
    let bobsMailbox: Account;
    let carolsMailbox: Account;

    beforeAll(async () => {
      world = await kind.start();
      [wilhelmina, bob, carol] = await Promise.all([
        person('Wilhelmina', `${sender.user}@${sender.domain}`),
        person('Bob', 'bob@friend.test'),
        person('Carol', 'carol@elsewhere.test'),
      ]);
      bobsMailbox = await world.addAccount('bob', 'friend.test');
      carolsMailbox = await world.addAccount('carol', 'elsewhere.test');
      network = await layNetwork({
        folder,
        world,
        // Reply blocks need a path of three without the exit.
        nodes: 4,
        exits: 1,
        alias: 'message-id',
        sender,
        // So few that a letter is one packet.
        replyBlocks: 2,
        // What three programs and four nodes have to do at any time leaves time for the letters on a busy machine.
        schedule: '*/2 * * * * *',
        loopsPerInterval: 1,
        paceSeconds: 1,
        onMail: (mail) => seen.push(mail),
      });
      exit = network.nodes.at(-1) as Member;
      mixes = await Promise.all(network.nodes.slice(0, -1).map((node) => network.startNode(node)));
      exits.push(await network.startNode(exit));
      client = await network.startClient();
      search = new ExitSearch({ exits: [exit], processes: exits, mails: seen, words: senderWords });
    });
    afterAll(async () => {
      await Promise.all([client.running, ...mixes, ...exits].map((one) => one.stop()));
      await network.close();
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** What the condition gives once it gives something; the exit is searched meanwhile. */
    const until = async <T>(what: string, holds: () => Promise<T | undefined>): Promise<T> => {
      for (const end = Date.now() + patienceMs; ;) {
        await search.look();
        const result = await holds();
        if (result !== undefined) return result;
        if (Date.now() > end) {
          const logs = [client.running, ...mixes, ...exits].map(({ name, log }) => `${name}: ${log.slice(-1000)}`);
          throw new Error([`waited in vain: ${what}`, ...logs].join('\n'));
        }
        await sleep(500);
      }
    };

    let written = 0;
    /** A letter of the sender, handed to her client. @returns its Message-ID */
    const send = async (to: Person, subject: string): Promise<string> => {
      const date = new Date(Date.UTC(2026, 10, 1) + 1000 * written++);
      const raw = await pepMail({ from: wilhelmina, to: [to], subject, text: `about ${subject}`, date });
      const { port, user, token } = client;
      await handIn({ port, user, password: token }, { from: wilhelmina.address, to: to.address, raw });
      return fieldOf(raw, 'Message-ID') ?? '';
    };

    const stateOf = async (recipient: string): Promise<readonly string[]> => {
      const rows = JSON.parse(
        await mixmailerHere('queue', '--config', network.client.configFile, '--json'),
      ) as readonly {
        readonly recipient: string;
        readonly state: string;
      }[];
      return rows.filter((row) => row.recipient === recipient).map(({ state }) => state);
    };
    const untilState = (recipient: string, wanted: string): Promise<string> =>
      until(`${recipient} ${wanted}`, async () => (await stateOf(recipient)).find((state) => state === wanted));

    const textIn = (mail: string, reader: Person, writer: Person): Promise<string | undefined> =>
      openMail(mail, reader, writer).catch(() => undefined);
    /** The mail in which that text stands for the reader, once it has arrived. */
    const arrived = (account: Account, [reader, writer]: readonly [Person, Person], text: string): Promise<string> =>
      until(`"${text}" at ${account.address}`, async () => {
        for (const mail of await readMailbox(account))
          if ((await textIn(mail, reader, writer))?.includes(text)) return mail;
        return undefined;
      });

    const readReplies = async (writer: Person, text: string): Promise<readonly string[]> => {
      const mails = await readMailbox(network.client.account);
      const texts = await Promise.all(mails.map((mail) => textIn(mail, wilhelmina, writer)));
      return mails.filter((_, i) => texts[i]?.includes(text));
    };

    /** Bob reads a letter by IMAP and answers it by SMTP, and the sender finds the answer in her inbox. */
    const answerLetter = async (subject: string): Promise<{ readonly to: string; readonly reply: string }> => {
      const original = await send(bob, subject);
      const mail = await arrived(bobsMailbox, [bob, wilhelmina], `about ${subject}`);
      const text = `my answer on ${subject}`;
      const { to, raw } = await pressReply({
        ...{ mail, from: bob, reader: wilhelmina, subject: `Re: ${subject}`, text },
        ...{ id: `answer.${subject}`, date: new Date() },
      });
      const port = await network.doorOf(bobsMailbox);
      await handIn({ ...bobsMailbox, port }, { from: bob.address, to, raw });
      const reply = await arrived(network.client.account, [wilhelmina, bob], text);
      expect(fieldOf(reply, 'From')).toBe('Bob <bob@friend.test>');
      expect(fieldOf(reply, 'To')).toBe(`<${wilhelmina.address}>`);
      expect(fieldOf(reply, 'In-Reply-To')).toBe(original);
      expect(fieldOf(reply, 'References')).toBe(original);
      expect(fieldOf(reply, 'Message-ID')).toBe(`<answer.${subject}@friend.test>`);
      expect(await openMail(reply, wilhelmina, bob)).toContain(`Subject: Re: ${subject}`);
      expect(await readReplies(bob, text)).toHaveLength(1);
      return { to, reply };
    };

    /** The notice in the sender's inbox that the mail of that Message-ID was not delivered. */
    const failureOf = (original: string): Promise<string> =>
      until(`notice of ${original}`, async () =>
        (await readMailbox(network.client.account)).find(
          (mail) =>
            /multipart\/report/.test(fieldOf(mail, 'Content-Type') ?? '') && fieldOf(mail, 'In-Reply-To') === original,
        ),
      );

    const expectFailure = async (to: Person, original: string): Promise<void> => {
      const notice = await failureOf(original);
      await untilState(to.address, 'failed');
      expect(notice).toMatch(/^Action: failed\r?$/m);
      expect(tracesIn(Buffer.from(notice, 'latin1'), [to.address, 'friend.test'])).toEqual([]);
    };

    it('an answer is known by what it answers; what can’t be delivered is told', { timeout }, async () => {
      const refused = async (): Promise<void> => {
        if (!world.refusesUnknownRecipients) return;
        const nobody = await person('Nobody', 'nobody.lives.here@friend.test');
        await expectFailure(nobody, await send(nobody, 'refused'));
        expect(seen.filter(({ to }) => to.includes(nobody.address))).toEqual([]);
      };
      const bounced = async (): Promise<void> => {
        const gone = await person('Gone', world.bouncing ?? 'moved.away@friend.test');
        if (world.bouncing !== undefined) {
          await expectFailure(gone, await send(gone, 'bounced'));
          return;
        }
        const [user = '', domain] = gone.address.split('@');
        const mailbox = await world.addAccount(user, domain);
        const original = await send(gone, 'bounced');
        const mail = await arrived(mailbox, [gone, wilhelmina], 'about bounced');
        await untilState(gone.address, 'delivered');
        await handIn(
          { ...mailbox, port: mailbox.smtp.port },
          {
            from: mailbox.address,
            to: exit.account.address,
            raw: bounceOf(mail, mailbox.address),
          },
        );
        await expectFailure(gone, original);
      };
      const answered = async (): Promise<void> => {
        const { to } = await answerLetter('first');
        expect(to).toBe(exit.account.address);
        await untilState(bob.address, 'delivered');
      };
      await Promise.all([answered(), refused(), bounced()]);
    });

    it('an answer is known by the alias it goes to, by mail and from client to client', { timeout }, async () => {
      await exits.at(-1)?.stop();
      const config = readFileSync(exit.configFile, 'utf8');
      writeFileSync(exit.configFile, config.replace('alias = "message-id"', 'alias = "plus"'));
      exits.push(await network.startNode(exit));
      const carolsClient = await network.addClient(carolsMailbox);
      const running = await network.startClient(carolsClient);

      const byMail = async (): Promise<void> => {
        const { to } = await answerLetter('second');
        expect(to).toMatch(/^mix4\+[a-z2-7]{16}@mix4\.test$/);
      };
      const byClient = async (): Promise<void> => {
        const original = await send(carol, 'third');
        const mail = await arrived(carolsMailbox, [carol, wilhelmina], 'about third');
        const text = 'answered through a client';
        const { to, raw } = await pressReply({
          ...{ mail, from: carol, reader: wilhelmina, subject: 'Re: third', text },
          ...{ id: 'answer.third', date: new Date() },
        });
        const { port, user, token } = running;
        await handIn({ port, user, password: token }, { from: carol.address, to, raw });
        const reply = await arrived(network.client.account, [wilhelmina, carol], text);
        expect(fieldOf(reply, 'In-Reply-To')).toBe(original);
        expect(await readReplies(carol, text)).toHaveLength(1);
        // It has reached the sender without a mail of Carol's to the exit.
        expect(seen.filter(({ from, to: [first] }) => from === carol.address && first === to)).toEqual([]);
      };
      try {
        // A server without plus addresses has no mailbox for them; a client's answer needs none.
        await Promise.all([...(world.plusAddresses ? [byMail()] : []), byClient()]);
        await untilState(carol.address, 'delivered');
      } finally {
        await running.running.stop();
      }
    });

    it('the exit never held a sign of the sender', async () => {
      await search.look();
      expect([...search.found]).toEqual([]);
      expect([...search.looked.keys()]).toEqual(
        expect.arrayContaining([
          ...['mixmailer.toml', 'identity.key', 'mixmailer.db', 'mixmailer.db-wal', 'log'],
          ...['mailbox', 'mail from it', 'mail to it'],
        ]),
      );
      // The same search finds her where she is.
      const own = filesBelow(path.dirname(network.client.configFile));
      expect(own.flatMap(({ bytes }) => tracesIn(bytes, senderWords))).toEqual(expect.arrayContaining(senderWords));
    });
  });
}
