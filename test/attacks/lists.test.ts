import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { ascii, concat, fromLatin1, latin1 } from '../../src/base/bytes.js';
import { RouteError } from '../../src/base/errors.js';
import { dayMs } from '../../src/base/units.js';
import { composeDirectoryMail, composePackedMail } from '../../src/carrier/directory-mail.js';
import { formatRequest } from '../../src/council/request.js';
import { usualAnswerBounds, answerCache } from '../../src/follow/answer.js';
import { documentsOf, type Follower, followWorld } from '../follow/follower.js';
import { endorsementOf, keyOf, listAfter, listOf, signedBy, today } from '../follow/lists.js';
import { now, rngOf } from '../route/nodes.js';

// What can be done to who follows the lists of a network: by whoever mails them, by nodes that lie, by authorities.

const first = listOf();
const second = listAfter(first);
const alicesAddress = 'alice@home.example';
const rng = rngOf('attacks on lists');
const mailOf = (documents: readonly string[], from: string, to: string): Uint8Array =>
  composeDirectoryMail({ from, to, documents, now, rng }, nodeBase64, nodeCompression);
const complaintOf = (alice: Follower, at: number): RouteError => {
  try {
    alice.directory.network(at);
  } catch (error) {
    if (error instanceof RouteError) return error;
  }
  throw new Error('no complaint');
};

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'lists-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('an old list is shown again', () => {
  it('and is refused, while it is still valid and later', () => {
    const { setNow, follower } = followWorld();
    const alice = follower(alicesAddress);
    setNow(now + dayMs);
    alice.take(second.text);
    for (let i = 0; i < 3; i++) alice.take(first.text);
    expect(alice.directory.network(now + dayMs).digest).toBe(second.digest);
    expect(alice.logged.slice(1)).toEqual(Array(3).fill('follow/refused {"why":"route/stale"}'));
    // To somebody new an old list is refused when its time is over.
    setNow(now + 3 * dayMs);
    const bob = follower('bob@home.example');
    bob.take(first.text);
    expect(bob.store.consensuses()).toEqual([]);
  });
});

describe('authorities show one client another list than the rest of the world', () => {
  const forked = listOf({ salt: '7', signers: ['ben', 'cyd'] });

  it('and the client sends nothing, says who signed both, and still refuses after a restart', () => {
    const { follower, now: at } = followWorld();
    const alice = follower(alicesAddress, { file: path.join(folder, 'data', 'mixmailer.db') });
    alice.take(first.text);
    alice.take(forked.text);
    const check = (): void => {
      const { code, message } = complaintOf(alice, at());
      expect(code).toBe('route/fork');
      for (const part of [keyOf('ben'), keyOf('cyd'), first.digest, forked.digest, 'forget-fork'])
        expect(message).toContain(part);
      expect(message).not.toContain(keyOf('ann'));
    };
    check();
    alice.restart();
    check();
    // The next list of the chain mends nothing: somebody has to look.
    alice.take(second.text);
    check();
    expect(alice.store.forks()[0]?.evidence).toBe(forked.text);
    expect(alice.store.forgetForks()).toBe(1);
    expect(complaintOf(alice, at()).code).toBe('route/no-list');
    alice.take(first.text);
    expect(alice.directory.network(at()).digest).toBe(first.digest);
    alice.store.forgetForks();
    alice.restart();
    alice.take(second.text);
    expect(alice.directory.network(now + dayMs).digest).toBe(second.digest);
  });

  it('which shows when the next list names the other one', () => {
    const { follower, setNow } = followWorld();
    const alice = follower(alicesAddress);
    alice.take(forked.text);
    setNow(now + dayMs);
    alice.take(second.text);
    const { code, message } = complaintOf(alice, now + dayMs);
    expect(code).toBe('route/fork');
    expect(message).toContain(`number ${today},`);
    expect(alice.store.consensuses().map(({ digest }) => digest)).toEqual([forked.digest]);
  });

  it('which shows when any honest node tells what it has heard', () => {
    const { follower, now: at } = followWorld();
    const alice = follower(alicesAddress);
    alice.take(forked.text);
    alice.take(endorsementOf(first, 'ann'));
    expect(alice.directory.network(at()).digest).toBe(forked.digest);
    alice.take(endorsementOf(first, 'ben'));
    expect(complaintOf(alice, at()).message).toContain(keyOf('ben'));
  });

  it('which shows by an old list too', () => {
    const { follower, setNow } = followWorld();
    const alice = follower(alicesAddress);
    setNow(now + dayMs);
    alice.take(second.text);
    alice.take(forked.text);
    expect(complaintOf(alice, now + dayMs).code).toBe('route/fork');
  });
});

describe('a few lie about the list', () => {
  it('and stop nobody: a node with a list of too few authorities, one authority, strangers by the hundred', () => {
    const { follower, now: at } = followWorld();
    const alice = follower(alicesAddress);
    alice.take(first.text);
    const other = listOf({ salt: '7' });
    alice.take(signedBy(other, ['ben']));
    alice.take(listOf({ salt: '8', signers: ['ben', ...Array.from({ length: 20 }, (_, i) => `eve${i}`)] }).text);
    alice.take(endorsementOf(other, 'ben'));
    alice.take(endorsementOf(listOf({ salt: '9' }), 'ben'));
    for (let i = 0; i < 100; i++) alice.take(endorsementOf(other, `eve${i}`));
    expect(alice.store.forks()).toEqual([]);
    expect(alice.directory.network(at()).digest).toBe(first.digest);
    expect(alice.logged.filter((line) => line.startsWith('follow/other-list'))).toHaveLength(2);
    expect(alice.store.endorsements(today)).toHaveLength(2);
  });
});

describe('a stranger signs', () => {
  it('what only authorities have a say in, by the thousand, and no signature of it is checked', async () => {
    const { follower } = followWorld();
    const alice = follower(alicesAddress);
    alice.take(first.text);
    const bad = endorsementOf(first, 'eve').replace(/^number .*$/m, 'number 7');
    alice.account.mailbox.put(mailOf(Array(200).fill(bad), 'eve@bad.example', alicesAddress));
    await alice.read();
    expect(alice.logged.slice(1)).toEqual(['directory {"in-endorsement":200}']);
  });
});

describe('somebody mails bombs', () => {
  const bytesOf = (megabytes: number): Uint8Array => new Uint8Array(megabytes * 1024 * 1024).fill(65);
  const setUp = () => {
    const world = followWorld();
    const alice = world.follower(alicesAddress);
    alice.take(first.text);
    return { ...world, alice };
  };

  it('and their attachments are not inflated beyond what was asked for', async () => {
    const { alice, now: at } = setUp();
    for (const megabytes of [9, 400]) {
      const packed = nodeCompression.deflate(bytesOf(megabytes));
      alice.account.mailbox.put(
        composePackedMail({ from: 'eve@bad.example', to: alicesAddress, packed, now, rng }, nodeBase64),
      );
    }
    await alice.read();
    expect(alice.logged.at(-1)).toBe('directory {"empty":2}');
    expect(alice.account.mailbox.raws()).toEqual([]);
    expect(alice.directory.network(at()).digest).toBe(first.digest);
  });

  it('while a list is awaited, and only from whom it was asked a large one is taken', async () => {
    const { alice } = setUp();
    const packed = nodeCompression.deflate(concat(ascii(endorsementOf(first, 'ann')), bytesOf(9)));
    alice.store.setAskPlan({ number: today + 1, kind: 'ask', at: now });
    alice.store.addAsk(today + 1, 'mix@mia.example', now);
    for (const from of ['eve@bad.example', 'mix@mia.example']) {
      alice.account.mailbox.put(composePackedMail({ from, to: alicesAddress, packed, now, rng }, nodeBase64));
      await alice.read();
    }
    expect(alice.logged.slice(-2)).toEqual(['directory {"empty":1}', 'directory {"in-endorsement":1}']);
  });

  it('in a difference that copies the list again and again, and it is dropped when it outgrows the list', () => {
    const { alice } = setUp();
    const copies = '=0 3\n'.repeat(300_000);
    const diff = `mixmailer-diff 1\nfrom ${first.digest}\nto ${'77'.repeat(32)}\n${copies}end mixmailer-diff\n`;
    const before = process.memoryUsage().heapUsed;
    alice.take({ kind: 'diff', text: diff });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000);
    expect(alice.logged.at(-1)).toBe('follow/refused {"why":"route/bad-document"}');
  });

  it('in a list of 64 signatures and ten thousand nodes, which is dropped by its signatures alone', () => {
    const { alice } = setUp();
    const node = first.nodes[0]?.text ?? '';
    const text = second.text.replace(node, node.repeat(2000));
    alice.take({ kind: 'network', text });
    expect(alice.logged.at(-1)).toBe('follow/refused {"why":"route/too-few-signatures"}');
  });
});

describe('somebody lets others pay', () => {
  const setUp = () => {
    const world = followWorld();
    const node = world.follower('mix@mia.example', {
      prefers: 'authorities',
      answers: { bounds: { ...usualAnswerBounds, count: 20 }, cache: answerCache() },
    });
    node.take(first.text);
    return { ...world, node };
  };
  const request = formatRequest({ have: undefined });

  it('by thousands of requests in the name of one victim, who gets four answers', async () => {
    const { node, mail } = setUp();
    mail.account('victim@home.example');
    for (let i = 0; i < 50; i++)
      node.account.mailbox.put(mailOf([request, request], 'victim@home.example', node.account.address));
    await node.read();
    await node.post();
    expect(mail.observed).toHaveLength(4);
    expect(node.account.mailbox.raws()).toEqual([]);
  });

  it('by requests in the names of thousands, and the account mails no more than its bound', async () => {
    const { node, mail } = setUp();
    for (let i = 0; i < 100; i++)
      node.account.mailbox.put(mailOf([request], `victim${i}@home.example`, node.account.address));
    await node.read();
    expect(node.store.outgoingCount()).toBe(20);
    await node.post();
    expect(mail.observed.length).toBeLessThanOrEqual(20);
  });

  it('by a From or a Reply-To that names many, and nobody gets anything, or the one who is named', async () => {
    const { node, mail } = setUp();
    for (const name of ['a', 'b', 'c']) mail.account(`${name}@home.example`);
    const raw = latin1(mailOf([request], 'a@home.example', node.account.address));
    const put = (head: string): void =>
      node.account.mailbox.put(fromLatin1(raw.replace('From: <a@home.example>', head)));
    put('From: <a@home.example>, <b@home.example>');
    put('From: <a@home.example>\r\nFrom: <b@home.example>');
    put('From: <a@home.example\r\n >\r\nReply-To: <b@home.example>\r\nSender: <c@home.example>');
    put('X-From: <a@home.example>');
    await node.read();
    await node.post();
    expect(mail.observed.map(({ to }) => to)).toEqual(['a@home.example']);
  });
});

describe('a program answers everything it gets', () => {
  it('and is not answered: neither a vacation program, nor a bounce, nor an echo of what was mailed', async () => {
    const { mail, follower } = followWorld();
    const node = follower('mix@mia.example');
    node.take(first.text);
    mail.account(alicesAddress);
    const ask = mailOf([formatRequest({ have: undefined })], alicesAddress, node.account.address);
    node.account.mailbox.put(ask);
    const echoes: readonly ((raw: string) => string)[] = [
      (raw) => raw.replace('auto-generated', 'auto-replied (vacation)'),
      (raw) => `Return-Path: <>\r\n${raw}`,
      (raw) => `Precedence: auto_reply\r\n${raw}`,
      (raw) => `X-Autoreply: yes\r\n${raw}`,
      (raw) => raw.replace('From: <', 'From: <MAILER-DAEMON@home.example>, <'),
      (raw) => raw.replace(`From: <${alicesAddress}>`, 'From: <mailer-daemon@home.example>'),
      (raw) => raw.replace(`From: <${alicesAddress}>`, `From: <${node.account.address}>`),
    ];
    for (let round = 0; round < 5; round++) {
      await node.read();
      await node.post();
      // What was mailed comes back, as it is and with the request that led to it.
      for (const echo of echoes) {
        node.account.mailbox.put(fromLatin1(echo(latin1(ask))));
        for (const { raw } of mail.observed) node.account.mailbox.put(fromLatin1(echo(latin1(raw))));
      }
    }
    expect(mail.observed).toHaveLength(1);
    expect(documentsOf(mail.observed[0]?.raw ?? new Uint8Array()).map(({ kind }) => kind)).toEqual(['network']);
  });

  it('and a bounce of a request, forwarded whole, asks for nothing', async () => {
    const { mail, follower } = followWorld();
    const node = follower('mix@mia.example');
    node.take(first.text);
    mail.account('postmaster@home.example');
    const ask = latin1(mailOf([formatRequest({ have: undefined })], node.account.address, alicesAddress));
    const bounce = [
      'From: <postmaster@home.example>',
      `To: <${node.account.address}>`,
      'Subject: Undelivered: MixMailer directory',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
      '',
      '--b',
      'Content-Type: message/rfc822',
      '',
      ask,
      '--b--',
      '',
    ].join('\r\n');
    node.account.mailbox.put(ascii(bounce));
    await node.read();
    expect(node.store.outgoingCount()).toBe(0);
    // It is a letter to the account's owner, who may want to know.
    expect(node.account.mailbox.raws()).toHaveLength(1);
  });

  it('and two nodes that ask one another come to rest', async () => {
    const { mail, follower } = followWorld();
    const one = follower('mix@mia.example', { prefers: 'authorities' });
    const two = follower('mix@noa.example', { prefers: 'authorities', seed: 2 });
    for (const node of [one, two]) node.take(first.text);
    one.account.mailbox.put(mailOf([formatRequest({ have: undefined })], two.account.address, one.account.address));
    two.account.mailbox.put(mailOf([formatRequest({ have: undefined })], one.account.address, two.account.address));
    for (let round = 0; round < 10; round++)
      for (const node of [one, two]) {
        await node.read();
        await node.post();
      }
    expect(mail.observed).toHaveLength(2);
  });
});
