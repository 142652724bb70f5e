import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { MailWorld } from '../servers/mail-world.js';
import { pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';
import { ExitSearch } from './exit-search.js';
import { tellFindings } from './findings.js';
import { handIn } from './hand-in.js';
import type { Door } from './hand-in.js';
import { keepRunning } from './keep.js';
import { answers, writeLetters } from './letters.js';
import { MailProgram } from './mail-program.js';
import type { Opened } from './mail-program.js';
import { beginNetwork } from './begin.js';
import { foundNetwork } from './network.js';
import type { Member, RunningClient } from './network.js';
import { mixmailer, mixmailerHere } from './processes.js';
import type { Running } from './processes.js';
import { fieldOf, headerOf, pressReply } from './reply.js';
import { bytesText, dim, green, heading, red, say, sideBySide } from './screen.js';
import { Watch } from './watch.js';

const options = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    mail: { type: 'string', default: 'in-process' },
  },
}).values;

/** As far as all mails and answers on their way may take here. */
const patienceMs = 150_000;

/** What a mail program shows its user about where a mail came from, without the lines servers add on its last way. */
const outline = (raw: string): readonly string[] =>
  raw
    .split(/\r?\n/)
    .filter((line, i, lines) => line !== '' || lines[i - 1] !== '')
    .filter(
      (line) =>
        !/^(Received|Return-Path|Delivered-To|X-Original-To):|^\s+(by|for|id|from|with|\(|[A-Z][a-z]{2}, )/.test(line),
    )
    .slice(0, 26);

/** The fields of a header that say where a mail belongs, whole. */
const thread = (raw: string): readonly string[] =>
  ['From', 'Reply-To', 'To', 'Subject', 'Message-ID', 'In-Reply-To', 'References'].flatMap((name) => {
    const value = fieldOf(raw, name);
    return value === undefined ? [] : [`${name}: ${value}`];
  });

/** The part of a decrypted mail that its reader sees. */
const shownPart = (text: string): readonly string[] => {
  const lines = text.split(/\r?\n/);
  const from = lines.findIndex((line) => line.startsWith('From: '));
  const end = lines.indexOf('--wrapper', from);
  return lines.slice(from, end === -1 ? undefined : end);
};

const fieldNames = (raw: string): readonly string[] =>
  headerOf(raw)
    .split(/\r?\n/)
    .flatMap((line) => /^([^\s:]+):/.exec(line)?.[1] ?? []);

/** The servers asked for; a message and an end of the process if they can't be had. */
const startWorld = async (): Promise<MailWorld> => {
  const kinds = await findServers();
  const kind = kinds.find(({ name }) => name.toLowerCase().startsWith(options.mail.toLowerCase()));
  if (kind?.kind === 'available') return kind.start();
  throw new Error(
    kind === undefined
      ? `--mail ${options.mail} is not known; there are: ${kinds.map(({ name }) => name).join(', ')}`
      : missingLine(kind),
  );
};

interface Sent {
  readonly subject: string;
  readonly messageId: string;
  readonly raw: string;
}

/** Alice's mail program hands her letters, and one mail in clear, to the client on her own machine. */
const handInLetters = async (client: RunningClient, alice: Person, bob: Person): Promise<readonly Sent[]> => {
  const sent: readonly Sent[] = await Promise.all(
    writeLetters(alice, bob).map(async (letter) => {
      const raw = await pepMail(letter);
      return { subject: letter.subject, messageId: fieldOf(raw, 'Message-ID') ?? '', raw };
    }),
  );
  heading(`Alice's mail program hands ${sent.length} encrypted mails to the client on her own machine`);
  const door = { port: client.port, user: client.user, password: client.token };
  const toBob = { from: alice.address, to: bob.address };
  for (const { subject, raw } of sent)
    say(`  ${subject.padEnd(28)} ${bytesText(raw.length).padStart(8)}   ${dim(await handIn(door, { ...toBob, raw }))}`);
  const clear = `From: ${alice.address}\r\nTo: ${bob.address}\r\nSubject: in clear\r\n\r\nnot encrypted\r\n`;
  const refused = await handIn(door, { ...toBob, raw: clear }).then(
    () => 'accepted?!',
    (error: unknown) => (error as Error).message,
  );
  say(`  ${'a mail in clear'.padEnd(28)} ${''.padStart(8)}   ${dim(refused)}`);
  return sent;
};

/** Bob answers a letter, if it is one of those: from his own account, over his own provider. @returns his mail */
const answerLetter = async (
  { raw: mail, subject }: Opened,
  [bob, alice]: readonly [Person, Person],
  door: Door,
): Promise<string | undefined> => {
  const text = answers.get(subject);
  if (text === undefined) return undefined;
  const answer = await pressReply({
    ...{ mail, from: bob, reader: alice, subject: `Re: ${subject}`, text },
    ...{ id: crypto.randomUUID(), date: new Date() },
  });
  await handIn(door, { from: bob.address, to: answer.to, raw: answer.raw });
  return answer.raw;
};

interface Row {
  readonly state: string;
}

const queueRows = async (client: Member): Promise<readonly Row[]> =>
  JSON.parse(await mixmailerHere('queue', '--config', client.configFile, '--json')) as readonly Row[];

const distinct = (mails: readonly Opened[]): number => new Set(mails.map(({ subject }) => subject)).size;

const main = async (): Promise<number> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    heading(
      `MixMailer: five mix nodes on five mailboxes, a sender, a receiver, and no list of nodes (mail servers: ${options.mail})`,
    );
    const world = await startWorld();
    closers.unshift(() => world.stop());
    const [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
    const bobsAccount = await world.addAccount('bob', 'friend.test');
    const watch = new Watch(alice.address);
    const network = await foundNetwork({
      folder,
      world,
      authorities: 1,
      periodSeconds: 12,
      nodes: 5,
      exits: 1,
      // One exit is all that five nodes need; in layers replies would end at a second one.
      topology: 'free',
      probesPerPeriod: 1,
      alias: world.plusAddresses ? 'plus' : 'message-id',
      replyBlocks: 8,
      schedule: '*/2 * * * * *',
      loopsPerInterval: 2,
      paceSeconds: 1,
      // The photo is 40 packets.
      clientPackets: 16,
      onMail: watch.see,
    });
    closers.unshift(() => network.close());
    const running: Running[] = [];
    closers.unshift(async () => {
      await Promise.all(running.map((one) => one.stop()));
    });
    const { authority, nodes, client } = await beginNetwork(network);
    running.push(authority, ...nodes, client.running);
    const exit = network.nodes.at(-1) as Member;
    const search = new ExitSearch({
      exits: [exit],
      processes: nodes.slice(-1),
      mails: watch.mails,
      words: [alice.address, 'home.test'],
    });
    say(
      `  ${exit.account.address} is the exit, which hands mails to their recipients; mix interval 2 s, normally 12 min; a new list every 12 s, normally every day`,
    );

    const sent = await handInLetters(client, alice, bob);

    heading('What the mailbox providers see (1 pkt = 32,768 bytes, at every hop)');
    watch.start();
    const startedAt = Date.now();
    const bobsProgram = new MailProgram(bobsAccount, bob, alice);
    const alicesProgram = new MailProgram(network.client.account, alice, bob);
    const bobsDoor = { ...bobsAccount, port: await network.doorOf(bobsAccount) };
    const written = new Map<string, string>();
    let received: readonly Opened[] = [];
    let replies: readonly Opened[] = [];
    let confirmed = 0;
    const look = async (): Promise<void> => {
      received = await bobsProgram.read();
      for (const letter of received) {
        if (written.has(letter.subject)) continue;
        const mail = await answerLetter(letter, [bob, alice], bobsDoor);
        if (mail !== undefined) written.set(letter.subject, mail);
      }
      replies = await alicesProgram.read();
      confirmed = (await queueRows(network.client)).filter(({ state }) => state === 'delivered').length;
      await search.look();
    };
    const isDone = (): boolean =>
      distinct(received) >= sent.length && distinct(replies) >= answers.size && confirmed >= sent.length;
    while (!isDone() && Date.now() - startedAt < patienceMs) {
      await sleep(500);
      await look();
    }
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
    // One interval more, in which a second copy would come.
    await sleep(2500);
    await look();
    watch.stop();
    say(dim(`  and ${watch.directoryMails} mails about the list of nodes, of which there were several meanwhile`));

    const [first] = sent;
    const arrived = received.find(({ subject }) => subject === first?.subject);
    if (first !== undefined && arrived !== undefined) {
      heading('The same mail: as Alice sent it, and as it lies in Bob’s mailbox');
      sideBySide(['sent', ...outline(first.raw)], ['received', ...outline(arrived.raw)]);
      heading('What Bob reads, decrypted with his key and signed by Alice’s');
      for (const line of shownPart(arrived.text)) say(`  ${line}`);
    }

    const wrote = written.get(first?.subject ?? '');
    const reply = replies.find(({ subject }) => subject === `Re: ${first?.subject ?? ''}`);
    if (first !== undefined && wrote !== undefined && reply !== undefined) {
      heading(
        'Bob presses Reply in his mail program, which knows nothing of MixMailer, and mails from his own account:',
      );
      for (const line of thread(wrote)) say(`  ${line}`);
      heading('Which lies in Alice’s inbox then, under her own mail:');
      for (const line of thread(reply.raw))
        say(
          `  ${line}${line === `In-Reply-To: ${first.messageId}` ? green('   <- the Message-ID of her own mail') : ''}`,
        );
      heading('What Alice reads, decrypted with her key and signed by Bob’s');
      for (const line of shownPart(reply.text)) say(`  ${line}`);
    }

    heading('What became of her mails: mixmailer queue');
    for (const line of (await mixmailer('queue', '--config', network.client.configFile)).trimEnd().split('\n'))
      say(`  ${line}`);

    heading('What leaked');
    say(`  headers of the mail in Bob's mailbox: ${fieldNames(arrived?.raw ?? '').join(', ')}`);
    const leaks = tellFindings({ alice, bob, mails: watch.mails, search });

    const lost = sent.filter(({ subject }) => !received.some((one) => one.subject === subject)).length;
    const doubled = received.length - distinct(received);
    const isGood =
      lost === 0 &&
      doubled === 0 &&
      confirmed === sent.length &&
      written.size === answers.size &&
      distinct(replies) === written.size &&
      replies.length === written.size &&
      leaks === 0;
    say();
    if (!isGood) for (const one of running) say(dim(`${one.name}: ${one.log.split('\n').slice(-12).join(' | ')}`));
    say(dim(`after ${seconds} s`));
    const verdict = [
      `delivered ${sent.length - lost} of ${sent.length}, ${lost} lost, ${doubled} doubled`,
      `receipts ${confirmed} of ${sent.length}, replies ${replies.length} of ${written.size}`,
    ];
    for (const line of verdict) say(options.keep ? (isGood ? green(line) : red(line)) : line);
    if (options.keep) {
      const alicesDoor = { port: client.port, user: client.user, password: client.token };
      await keepRunning(folder, [
        { who: alice, account: network.client.account, door: alicesDoor },
        { who: bob, account: bobsAccount, door: bobsDoor },
      ]);
    }
    return isGood ? 0 : 1;
  } finally {
    for (const close of closers) await close();
  }
};

process.exitCode = await main();
