import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { queueLines } from '../../src/cli/queue.js';
import { dearmor } from '../../src/message/armor.js';
import { deliveredMessageId, deliveryToken } from '../../src/message/delivery.js';
import { messageIdIn, readHead, valuesOf } from '../../src/message/head.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions } from '../fakes/network.js';
import { thriftyCrypto } from '../fakes/remembering.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';
import { weatherOver } from './weather.js';

// Packets are lost, nodes die, mailboxes are out of reach. Every message arrives and its sender learns it, or the sender
// is told that it may not have arrived.

const messages = 200;
/** Another one is another story with the same end. */
const seed = 1;

interface Letter {
  readonly raw: Uint8Array;
  readonly to: Person;
  readonly subject: string;
  /** Packets of one sending, with the reply blocks for its answers. */
  readonly packets: number;
}

let alice: Person;
let friends: readonly Person[];
let letters: readonly Letter[];

/** Most are short. One of forty has 3 to 5 fragments, four of forty have a return address. */
const letterNo = async (n: number, to: Person): Promise<Letter> => {
  const letter = { from: alice, to: [to], subject: `letter ${n}`, text: 'hello', date: new Date(n * 1000) };
  if (n % 40 === 7) {
    // The last fragment has no room for reply blocks, which go in a packet of their own.
    const fragments = 3 + (n % 3);
    const content = seededRng(new Uint8Array(32).fill(n))(fragments * 18_700 - 10_400);
    const raw = ascii(await pepMail({ ...letter, attachment: { name: 'noise', content } }));
    return { raw, to, subject: letter.subject, packets: fragments + 1 };
  }
  const asks = n % 10 === 3;
  const raw = ascii(`${asks ? 'MixMailer-Reply: 2\r\n' : ''}${await pepMail(letter)}`);
  return { raw, to, subject: letter.subject, packets: asks ? 2 : 1 };
};

beforeAll(async () => {
  const addresses = ['bob@one.test', 'carol@two.test', 'dan@two.test', 'erin@three.test', 'frank@four.test'];
  alice = await person('Alice', 'alice@home.test');
  friends = await Promise.all(addresses.map((address) => person('Friend', address)));
  letters = await Promise.all(Array.from({ length: messages }, (_, n) => letterNo(n, friends[n % 5] ?? alice)));
});

const crypto = thriftyCrypto(chooseCrypto());

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mm-loss-'));
  file = path.join(folder, 'client.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A network, and the letters handed in. */
const handedIn = async (options: FakeNetworkOptions, some = letters): Promise<FakeNetwork> => {
  const network = fakeNetwork({ seed, crypto, nodes: 8, loopsPerInterval: 0.5, ...options });
  for (const { address } of friends) network.world.account(address);
  await handIn(network, some);
  return network;
};

const handIn = async ({ client }: FakeNetwork, some: readonly Letter[]): Promise<void> => {
  for (const { raw, to } of some) await client.submit(raw, [to.address]);
};

const unsettled = ({ client }: FakeNetwork): number => client.store.unsettledMessages(Infinity).length;
const total = ({ nodes }: FakeNetwork, name: string): number =>
  nodes.reduce((sum, { counted }) => sum + (counted()[name] ?? 0), 0);

/** How often each message has been sent. */
const sendings = ({ client }: FakeNetwork): readonly number[] =>
  client.store.messageStatuses().map((status) => status.sendings);

/** A mail that an exit handed over, as its reader sees it. */
interface HandedOver {
  readonly subject: string;
  readonly to: string;
  readonly exit: string;
  readonly messageId: string | undefined;
}

const handedOver = async ({ world }: FakeNetwork): Promise<readonly HandedOver[]> => {
  const mails = friends.flatMap((reader) => {
    const { mailbox } = world.account(reader.address);
    return mailbox.raws().map(async (raw): Promise<HandedOver> => {
      const head = readHead(raw);
      const [exit = ''] = valuesOf(head, 'from');
      const text = await openMail(latin1(raw), reader, alice);
      const subject = /^Subject: (.+?)\r?$/m.exec(text)?.[1] ?? '';
      return { subject, to: reader.address, exit, messageId: messageIdIn(head) };
    });
  });
  return Promise.all(mails);
};

/**
 * Each letter has arrived, from no exit twice, and under one Message-ID from whichever, by which mail programs fold
 * copies.
 *
 * @returns how many mails it took
 */
const expectAllArrived = async (network: FakeNetwork, some = letters): Promise<number> => {
  const mails = await handedOver(network);
  const ids = network.client.store.messageStatuses().map(({ id }) => deliveredMessageId(deliveryToken(id)));
  expect(ids).toHaveLength(some.length);
  let counted = 0;
  for (const [n, { subject, to }] of some.entries()) {
    const copies = mails.filter((mail) => mail.subject === subject && mail.to === to.address);
    counted += copies.length;
    expect(new Set(copies.map(({ messageId }) => messageId)), subject).toEqual(new Set([ids[n]]));
    expect(new Set(copies.map(({ exit }) => exit)).size, subject).toBe(copies.length);
  }
  expect(mails).toHaveLength(counted);
  return counted;
};

/** What lies in the user's inbox and isn't on its way into the client. */
const noticesFor = ({ account }: FakeNetwork['client']): readonly Uint8Array[] =>
  account.mailbox.raws().filter((raw) => sliceCarrierMail(raw, nodeBase64) === undefined);

/** The user knows that each of them was handed over, was told of each once, and has no notice. */
const expectAllConfirmed = ({ client }: FakeNetwork, count: number): void => {
  const statuses = client.store.messageStatuses();
  expect(statuses).toHaveLength(count);
  for (const { state, ending } of statuses)
    expect({ state, ending }).toEqual({ state: 'delivered', ending: { kind: 'handed-over', code: 250 } });
  const told = client.statuses.filter(({ state }) => state !== 'in-network');
  expect(told).toHaveLength(count);
  expect(new Set(told.map(({ id }) => id)).size).toBe(count);
  expect(noticesFor(client)).toHaveLength(0);
};

/** Opens the client's database, into which first comes what its log holds, as it does by itself when the log is full. */
const lookInto = <T>(look: (db: InstanceType<typeof DatabaseSync>) => T): T => {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const found = look(db);
  db.close();
  return found;
};

/** How many letters can be found in it by 32 bytes of their ciphertext. */
const lettersIn = (): number => {
  const bytes = lookInto(() => readFileSync(file));
  return letters.filter(({ raw }) => {
    const { binary } = dearmor(raw, nodeBase64) ?? expect.fail('a letter is armored');
    const middle = binary.length >> 1;
    return bytes.includes(Buffer.from(binary.subarray(middle, middle + 32)));
  }).length;
};

const rowsIn = (): Readonly<Record<string, number>> =>
  lookInto((db) => {
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    return Object.fromEntries(tables.map(({ name }) => [name, db.prepare(`SELECT * FROM ${name}`).all().length]));
  });

describe('a network that loses three packets of ten, and one of its exits for good', () => {
  it('hands over all messages, confirms all, none twice by one exit', { timeout: 300_000 }, async () => {
    // A packet crosses two links between nodes and its receipt three: at this loss one of six is confirmed, 0.7^5, and
    // fewer with a dead node on so many paths. Of 200 messages the last one needs some dozens of sendings. With the
    // default, every six hours for five days, one of a hundred would end in "nobody knows".
    const retry = { intervalMs: 2 * hourMs, giveUpMs: 6 * dayMs };
    const network = await handedIn({ nodes: 16, exits: 6, client: { file, retry } });
    // But those whose 32 bytes lie across two pages.
    expect(lettersIn()).toBeGreaterThan(messages - 10);
    const weather = weatherOver(network, { loss: 0.3, seed });
    const killAt = network.now() + hourMs;
    await weather.until(() => network.now() >= killAt, dayMs);
    weather.dead.add(network.nodes[0] ?? expect.fail());
    await weather.until(() => unsettled(network) === 0, 6 * dayMs);

    const { packets, lost } = weather.crossed();
    expect(lost / packets).toBeCloseTo(0.3, 1);
    const copies = await expectAllArrived(network);
    // The story is one in which exits doubled.
    expect(copies).toBeGreaterThan(messages);
    expectAllConfirmed(network, messages);
    const mean = sendings(network).reduce((a, b) => a + b) / messages;
    expect(mean).toBeGreaterThan(3);
    expect(mean).toBeLessThan(12);

    // Of the messages nothing is left but whom they were for, which exit is asked once more, and what can still come about
    // them: a bounce.
    expect(lettersIn()).toBe(0);
    expect(lookInto((db) => db.prepare('SELECT * FROM sending WHERE length(bytes) > 0').all().length)).toBe(0);
    const { pool, outgoing, inbound, surb = 0 } = rowsIn();
    expect({ pool, outgoing, inbound }).toEqual({ pool: 0, outgoing: 0, inbound: 0 });
    expect(surb).toBeGreaterThan(messages);
    // Nor is that when the keys of all reply blocks are destroyed.
    network.passMs(16 * dayMs);
    await network.client.turn();
    const left = Object.entries(rowsIn()).filter(([, count]) => count > 0);
    // How far the mailbox is read, when the next mail leaves, and SQLite's own count of the mails there were.
    expect(left.map(([table]) => table).filter((table) => table !== 'sqlite_sequence')).toEqual(['cursor', 'note']);
  });
});

describe('a network whose only exit is dead', () => {
  it('leaves the user a notice of each message, which says that nobody knows', { timeout: 120_000 }, async () => {
    const retry = { giveUpMs: 12 * hourMs };
    const network = await handedIn({ exits: 1, client: { retry } });
    const weather = weatherOver(network, { loss: 0, seed });
    weather.dead.add(network.nodes[0] ?? expect.fail());
    const { client } = network;
    const { mailbox } = client.account;
    const endAt = network.now() + retry.giveUpMs;
    await weather.until(() => network.now() >= endAt, 2 * dayMs);
    expect(mailbox.raws()).toHaveLength(0);
    expect(Math.min(...sendings(network))).toBeGreaterThan(1);
    await weather.until(() => unsettled(network) === 0 && mailbox.raws().length >= messages, hourMs);
    // And that was all.
    await weather.until(() => network.now() > endAt + 10 * hourMs, dayMs);

    const notices = mailbox.raws().map((raw) => latin1(raw));
    expect(notices).toHaveLength(messages);
    const about = notices.map((notice) => valuesOf(readHead(ascii(notice)), 'in-reply-to')[0]);
    expect(new Set(about)).toEqual(new Set(letters.map(({ raw }) => messageIdIn(readHead(raw)))));
    for (const notice of notices) {
      expect(notice.match(/^Action: .+(?=\r$)/gm)).toEqual(['Action: failed']);
      expect(notice).toContain('Nobody knows whether it was delivered');
      expect(notice).not.toMatch(/It was delivered|delivered after all/);
      for (const { address } of friends) expect(notice).not.toContain(address.split('@')[1]);
    }
    const noMeter = { bits: undefined, floorBits: 0 };
    const [, ...rows] = queueLines(
      { messages: client.store.messageStatuses(), meter: noMeter, unreadSince: undefined },
      network.now(),
    );
    expect(rows).toHaveLength(messages);
    for (const row of rows) expect(row).toMatch(/ failed .*: Nobody knows/);
    expect(await handedOver(network)).toEqual([]);
  });
});

describe('a network that loses nothing', () => {
  it('takes one sending and one receipt for each message', { timeout: 120_000 }, async () => {
    const network = await handedIn({ exits: 4, loopsPerInterval: 1 });
    const weather = weatherOver(network, { loss: 0, seed });
    await weather.until(() => unsettled(network) === 0, dayMs);
    expect(await expectAllArrived(network)).toBe(messages);
    expectAllConfirmed(network, messages);
    expect(new Set(sendings(network))).toEqual(new Set([1]));

    // What it costs: a short letter one packet there and one back.
    const longLetters = 4 + 2 * 5 + 2 * 6;
    expect(weather.made()).toBe(175 + 20 * 2 + longLetters);
    expect(weather.made()).toBe(letters.reduce((sum, { packets }) => sum + packets, 0));
    expect(total(network, 'answer')).toBe(messages);
    expect(total(network, 'mailbox')).toBe(messages);
    expect(total(network, 'delivery')).toBe(messages);
    expect(total(network, 'message/already-known')).toBe(0);
  });
});

describe('a day out of reach', () => {
  const some = (from: number, count: number): readonly Letter[] => letters.slice(from, from + count);

  it('of an exit: it hands over what waited, once, and says so', { timeout: 120_000 }, async () => {
    const network = await handedIn({ nodes: 6, exits: 2, client: { file } }, some(0, 30));
    const { client } = network;
    const weather = weatherOver(network, { loss: 0, seed });
    weather.asleep.add(network.nodes[0] ?? expect.fail());
    const wakeAt = network.now() + dayMs;
    await weather.until(() => network.now() >= wakeAt - 12 * hourMs, dayMs);
    client.restart();
    await weather.until(() => network.now() >= wakeAt, dayMs);
    weather.asleep.clear();
    await weather.until(() => network.now() >= wakeAt + 12 * hourMs, dayMs);
    expect(await expectAllArrived(network, some(0, 30))).toBeGreaterThan(30);
    expectAllConfirmed(network, 30);
    // No sooner than every three hours.
    expect(Math.max(...sendings(network))).toBeLessThanOrEqual(8);
  });

  it('of the only exit: nothing is lost, nothing doubled, nothing reported', { timeout: 120_000 }, async () => {
    const network = await handedIn({ nodes: 6, exits: 1 }, some(0, 30));
    const weather = weatherOver(network, { loss: 0, seed });
    weather.asleep.add(network.nodes[0] ?? expect.fail());
    const wakeAt = network.now() + dayMs;
    await weather.until(() => network.now() >= wakeAt, 2 * dayMs);
    expect(await handedOver(network)).toEqual([]);
    weather.asleep.clear();
    await weather.until(() => unsettled(network) === 0, dayMs);
    expect(await expectAllArrived(network, some(0, 30))).toBe(30);
    expectAllConfirmed(network, 30);
    // No sooner than every three hours.
    expect(Math.max(...sendings(network))).toBeLessThanOrEqual(1 + 24 / 3);
  });

  it('of the user’s own mailbox: nothing is sent again, nothing is given up', { timeout: 120_000 }, async () => {
    const retry = { giveUpMs: 12 * hourMs };
    const network = await handedIn({ nodes: 6, exits: 4, client: { file, retry } }, some(0, 20));
    const { client } = network;
    const { mailbox } = client.account;
    const weather = weatherOver(network, { loss: 0, seed });
    mailbox.fault = 'mail/connect';
    const endAt = network.now() + dayMs;
    await weather.until(() => network.now() >= endAt - 16 * hourMs, dayMs);
    client.restart();
    await handIn(network, some(20, 10));
    await weather.until(() => network.now() >= endAt, dayMs);
    // All is there, and all receipts are; only the user can't know.
    expect(await expectAllArrived(network, some(0, 30))).toBe(30);
    expect(total(network, 'mailbox')).toBe(30);
    expect(unsettled(network)).toBe(30);
    mailbox.fault = undefined;
    await client.turn();
    expectAllConfirmed(network, 30);
    expect(sendings(network)).toEqual(Array.from({ length: 30 }, () => 1));
  });
});
