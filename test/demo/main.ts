import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createTransport } from 'nodemailer';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Letter, Person } from '../servers/pep-mail.js';
import { readMailbox } from './mailbox.js';
import { layNetwork } from './network.js';
import type { Running } from './processes.js';
import { bold, bytesText, dim, green, heading, red, say, sideBySide } from './screen.js';
import { Watch } from './watch.js';

const options = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    mail: { type: 'string', default: 'in-process' },
  },
}).values;

/** As far as a mail on its way may take here. */
const patienceMs = 100_000;

const words = ['Dinner on Friday?', 'The figures you asked for', 'Re: the figures', 'Train is late', 'Happy birthday!'];

const writeLetters = (alice: Person, bob: Person): readonly Letter[] => [
  ...words.map((subject, i) => ({
    from: alice,
    to: [bob],
    subject,
    text: `Dear Bob,\r\n\r\nthis is letter ${i + 1}: ${subject}\r\n\r\nAlice`,
    date: new Date(),
  })),
  {
    from: alice,
    to: [bob],
    subject: 'The photo from the lake',
    text: 'Dear Bob,\r\n\r\nhere it is, in full size.\r\n\r\nAlice',
    attachment: { name: 'lake.jpg', content: crypto.getRandomValues(new Uint8Array(65_536)) },
    date: new Date(),
  },
];

/** The photo is 540 kB, which encryption and two layers of base64 make a mail of one megabyte. */
const enlarge = (letter: Letter): Letter => {
  if (letter.attachment === undefined) return letter;
  const content = Buffer.concat(Array.from({ length: 8 }, () => crypto.getRandomValues(new Uint8Array(65_536))));
  return { ...letter, attachment: { ...letter.attachment, content } };
};

interface Sent {
  readonly subject: string;
  readonly raw: string;
}

interface Received extends Sent {
  readonly opened: string;
}

const receive = async (account: Account, bob: Person, alice: Person): Promise<readonly Received[]> =>
  Promise.all(
    (await readMailbox(account)).map(async (raw) => {
      const opened = await openMail(raw, bob, alice);
      return { raw, opened, subject: /^Subject: (.*)\r?$/m.exec(opened)?.[1]?.trim() ?? '' };
    }),
  );

const headerOf = (raw: string): readonly string[] => raw.split(/\r?\n\r?\n/)[0]?.split(/\r?\n/) ?? [];

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

/** Whether a mail shows who wrote it. Base64 has no `@`, `<` or `.`, so none of these turns up in it by chance. */
const shows = (alice: Person, raw: string): boolean =>
  ['alice@', 'Alice <', 'home.test', alice.publicKey.getKeyID().toHex(), alice.publicKey.getFingerprint()].some(
    (trace) => raw.includes(trace),
  ) || /alice|home/i.test(headerOf(raw).join());

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

const main = async (): Promise<number> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-'));
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    heading(`MixMailer: five mix nodes on five mailboxes, a sender, a receiver (mail servers: ${options.mail})`);
    const world = await startWorld();
    closers.unshift(() => world.stop());
    const [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
    const bobsMailbox = await world.addAccount('bob', 'friend.test');
    const watch = new Watch([bob.address]);
    const network = await layNetwork({
      folder,
      world,
      nodes: 5,
      schedule: '*/2 * * * * *',
      loopsPerInterval: 3,
      spreadSeconds: 2,
      onMail: watch.see,
    });
    closers.unshift(() => network.close());
    const running: Running[] = await Promise.all(network.nodes.map((node) => network.startNode(node)));
    closers.unshift(async () => {
      await Promise.all(running.map((one) => one.stop()));
    });
    const client = await network.startClient();
    running.push(client.running);
    say(`  ${network.nodes.map(({ account }) => account.address).join('  ')}`);
    say(`  each a process that knows its mailbox and a signed list of the others; mix interval 2 s, normally 12 min`);

    const letters = writeLetters(alice, bob).map(enlarge);
    const sent: readonly Sent[] = await Promise.all(
      letters.map(async (letter) => ({ subject: letter.subject, raw: await pepMail(letter) })),
    );
    heading(`Alice's mail program hands ${sent.length} encrypted mails to the client on her own machine`);
    const program = createTransport({
      host: '127.0.0.1',
      port: client.port,
      secure: false,
      ignoreTLS: true,
      auth: { user: client.user, pass: client.token },
    });
    for (const { subject, raw } of sent) {
      const { response } = await program.sendMail({ raw, envelope: { from: alice.address, to: [bob.address] } });
      say(`  ${subject.padEnd(28)} ${bytesText(raw.length).padStart(8)}   ${dim(response)}`);
    }
    const refused = await program
      .sendMail({ from: alice.address, to: bob.address, subject: 'in clear', text: 'not encrypted' })
      .then(
        () => 'accepted?!',
        (error: unknown) => (error as Error).message,
      );
    say(`  ${'a mail in clear'.padEnd(28)} ${''.padStart(8)}   ${dim(refused)}`);
    program.close();

    heading('What the mailbox providers see (1 pkt = 32,768 bytes, at every hop)');
    watch.start();
    const startedAt = Date.now();
    let received: readonly Received[] = [];
    while (new Set(received.map(({ subject }) => subject)).size < sent.length && Date.now() - startedAt < patienceMs) {
      await sleep(500);
      received = await receive(bobsMailbox, bob, alice);
    }
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
    // One interval more, in which a second copy would come.
    await sleep(2500);
    received = await receive(bobsMailbox, bob, alice);
    watch.stop();

    const [first] = sent;
    const arrived = received.find(({ subject }) => subject === first?.subject);
    if (first !== undefined && arrived !== undefined) {
      heading('The same mail: as Alice sent it, and as it lies in Bob’s mailbox');
      sideBySide([bold('sent'), ...outline(first.raw)], [bold('received'), ...outline(arrived.raw)]);
      heading('What Bob reads, decrypted with his key and signed by Alice’s');
      const letter = arrived.opened.split(/\r?\n/);
      const from = letter.findIndex((line) => line.startsWith('From: '));
      for (const line of letter.slice(from, letter.indexOf('--wrapper', from))) say(`  ${line}`);
    }

    heading('What leaked');
    const beyond = watch.mails.filter(({ from }) => from !== alice.address);
    const leaking = beyond.filter(({ raw }) => shows(alice, raw.toString('latin1')));
    say(
      `  Alice's address, provider, key id or fingerprint: in ${leaking.length} of the ${beyond.length} mails beyond her own provider`,
    );
    say(
      `  headers of the mail in Bob's mailbox: ${headerOf(arrived?.raw ?? '')
        .filter((line) => /^\S+:/.test(line))
        .map((line) => line.split(':')[0])
        .join(', ')}`,
    );

    const subjects = received.map(({ subject }) => subject);
    const lost = sent.filter(({ subject }) => !subjects.includes(subject)).length;
    const doubled = subjects.length - new Set(subjects).size;
    const good = lost === 0 && doubled === 0 && leaking.length === 0;
    say();
    if (!good) for (const one of running) say(dim(`${one.name}: ${one.log.split('\n').slice(-12).join(' | ')}`));
    say(dim(`after ${seconds} s`));
    const verdict = `delivered ${sent.length - lost} of ${sent.length}, ${lost} lost, ${doubled} doubled`;
    if (options.keep) {
      say(good ? green(verdict) : red(verdict));
      heading('The network keeps running. In a mail program with OpenPGP:');
      say(
        `  outgoing server (SMTP)  127.0.0.1  port ${client.port}  no TLS, password sent in clear (it stays on this machine)`,
      );
      say(`  user ${client.user}  password ${client.token}`);
      say(
        `  write to ${bob.address}; his inbox: IMAP 127.0.0.1 port ${bobsMailbox.imap.port} no TLS, user ${bobsMailbox.user} password ${bobsMailbox.password}`,
      );
      const keyFile = path.join(folder, 'bob.asc');
      writeFileSync(keyFile, bob.privateKey.armor(), { mode: 0o600 });
      say(`  his throw-away key, secret and public part, to import: ${keyFile}`);
      say('  Ctrl-C ends everything.');
      await new Promise<void>((resolve) => {
        process.once('SIGINT', resolve);
        process.once('SIGTERM', resolve);
      });
    } else say(verdict);
    return good ? 0 : 1;
  } finally {
    for (const close of closers) await close();
  }
};

process.exitCode = await main();
