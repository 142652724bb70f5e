import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import {
  directoryPerSender,
  mostDirectoryRead,
  mostDocuments,
  mostTextRead,
  mostUnaskedBytes,
  mostWaitingMails,
} from '../../src/base/bounds.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { MailError } from '../../src/base/errors.js';
import { minuteMs } from '../../src/base/units.js';
import { composePackedMail } from '../../src/carrier/directory-mail.js';
import { formatRequest } from '../../src/council/request.js';
import type { DirectoryMailbox } from '../../src/follow/following.js';
import { directoryReading, readDirectoryMails } from '../../src/follow/mails.js';
import type { Ticker } from '../../src/ports/ticker.js';
import { fakeDirectory } from '../fakes/directory.js';
import { fakeNetwork } from '../fakes/network.js';
import { at } from '../directory/stories.js';
import { carrierTo, packetOver, quick } from '../node/packets.js';

// Mails of the directory by the hundred, from strangers, to a node or an authority: nobody else waits for them.

const authoritys = 'dir@auth.test';
const request = nodeCompression.deflate(ascii(formatRequest({ have: undefined })));
/** 8 kB that ask for the most that may come from a stranger. */
const bomb = nodeCompression.deflate(new Uint8Array(mostUnaskedBytes).fill(97));
const letter = ascii('From: <owner@home.test>\r\nSubject: Re: MixMailer directory\r\n\r\nWhat is that?\r\n');

const noTicks: Ticker = { every: () => ({ stop: () => Promise.resolve() }) };

const setUp = () => {
  const network = fakeNetwork({ ...quick, nodes: 3 });
  const node = at(network.nodes, 0);
  const { mailbox, inbox } = node.account;
  const reading = directoryReading();
  const taken: string[] = [];
  const logged: string[] = [];
  const log = (event: string, counts: object = {}): void => void logged.push(`${event} ${JSON.stringify(counts)}`);
  const read: DirectoryMailbox['read'] = (from, signal) =>
    readDirectoryMails(
      {
        inbox: from,
        reading,
        store: node.store,
        parse: parseMail,
        base64: nodeBase64,
        compression: nodeCompression,
        clock: { now: network.now },
        log: { info: log, warn: log },
        known: () => new Set([authoritys]),
        bounds: () => ({ bytes: mostUnaskedBytes, documents: mostDocuments }),
        take: (_document, { from: author = '' }) => taken.push(author) > 0,
      },
      signal,
    );
  const mailFrom = (from: string, packed: Uint8Array): Uint8Array =>
    composePackedMail({ from, to: node.account.address, packed, now: network.now(), rng: network.rng }, nodeBase64);
  const flood = (count: number, packed: Uint8Array, from = (i: number) => `mallory${i}@evil.test`): void => {
    for (let i = 0; i < count; i++) mailbox.put(mailFrom(from(i), packed));
  };
  const isOfDirectory = (raw: Uint8Array): boolean => latin1(raw.subarray(0, 400)).includes('MixMailer directory');
  /** Runs the node until it has the packet that comes last. @returns how many mails of the directory still wait then */
  const untilPacket = async (by = read): Promise<number> => {
    mailbox.put(carrierTo(network, node, [packetOver(network, [node, at(network.nodes, 1)])]));
    const count = (): number => mailbox.raws().filter(isOfDirectory).length;
    let left: number | undefined;
    const reading: DirectoryMailbox['read'] = (from, signal) => {
      if (node.store.poolSize() > 0) left ??= count();
      return by(from, signal);
    };
    node.joins({ mailbox: { inbox, pollMs: minuteMs, read: reading }, tick: () => Promise.resolve() });
    const stop = new AbortController();
    const ended = node.run(noTicks, stop.signal);
    while (node.store.poolSize() === 0) await turnOfEvents();
    stop.abort();
    await ended;
    return left ?? count();
  };
  const readSome = (): Promise<boolean> => read(inbox, new AbortController().signal);
  return { network, node, mailbox, flood, mailFrom, taken, logged, readSome, untilPacket };
};

describe('a flood of mails of the directory', () => {
  it('keeps no packet waiting for more than some of them', async () => {
    const { flood, untilPacket } = setUp();
    flood(100, request);
    expect(await untilPacket()).toBeGreaterThanOrEqual(100 - mostDirectoryRead);
  });

  it('keeps no packet waiting for more than a second of inflating', async () => {
    const { flood, untilPacket } = setUp();
    flood(12, bomb);
    expect(await untilPacket()).toBeGreaterThanOrEqual(12 - mostTextRead / mostUnaskedBytes);
  });

  it('that can’t be read, or has no end, keeps no packet waiting', async () => {
    expect(await setUp().untilPacket(() => Promise.reject(new MailError('mail/protocol', 'NO')))).toBe(0);
    expect(await setUp().untilPacket(() => turnOfEvents(true))).toBe(0);
  });

  it('of many addresses keeps no authority waiting, nor of one address anybody else', async () => {
    const { flood, mailbox, mailFrom, taken, readSome } = setUp();
    flood(100, request);
    mailbox.put(mailFrom(authoritys, request));
    await readSome();
    expect(taken).toContain(authoritys);
    flood(100, request, () => 'mallory@evil.test');
    await readSome();
    mailbox.put(mailFrom('node@new.test', request));
    while (await readSome());
    expect(taken.indexOf('node@new.test')).toBeLessThan(taken.lastIndexOf('mallory@evil.test'));
  });

  it('has no more than its sender’s share read of it, and no more left waiting than may; letters stay', async () => {
    const { mailbox, flood, taken, logged, readSome, network } = setUp();
    mailbox.put(letter);
    // A document costs as much as 45 kB of text.
    const full = nodeCompression.deflate(ascii(formatRequest({ have: undefined }).repeat(mostDocuments)));
    flood(mostWaitingMails + 100, full, () => 'mallory@evil.test');
    while (await readSome());
    const burst = 7 * directoryPerSender;
    expect(taken.length).toBeGreaterThan(burst - 2 * mostDocuments);
    expect(taken.length).toBeLessThan(burst + 2 * mostDocuments);
    const after = taken.length;
    network.passMs(12 * minuteMs);
    while (await readSome());
    expect(taken.length - after).toBeLessThanOrEqual(directoryPerSender + mostDocuments);
    const read = taken.length / mostDocuments;
    expect(mailbox.raws()).toHaveLength(1 + mostWaitingMails - read + 1);
    expect(mailbox.raws()).toContainEqual(letter);
    expect(logged.some((line) => line.includes('"mail/over-backlog":'))).toBe(true);
  });
});

describe('authorities whose mailboxes strangers flood', () => {
  it('hear one another in time, and take nodes in', async () => {
    const directory = fakeDirectory({ authorities: 3, nodes: 3, probesPerPeriod: 0 });
    const strangers = Array.from({ length: 30 }, (_, i) => `mallory${i}@evil.test`);
    const text = 'mixmailer-vote 1\nend mixmailer-vote\n'.repeat(mostDocuments);
    const flood = async (): Promise<void> => {
      for (const { account } of directory.authorities)
        for (const from of strangers) await directory.mail(from, account.address, [text]);
    };
    for (const node of directory.nodes) await node.announce();
    for (let turn = 0; turn < 16; turn++) {
      await flood();
      await directory.runUntil(directory.now() + directory.periodMs / 16);
    }
    const lists = directory.authorities.map((authority) => authority.list());
    expect(new Set(lists.map((list) => list?.digest))).toEqual(new Set([lists[0]?.digest]));
    expect(lists[0]?.nodes.map(({ name }) => name).toSorted()).toEqual(['mix1', 'mix2', 'mix3']);
  });
});
