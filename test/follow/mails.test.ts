import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { concat, fromLatin1, latin1 } from '../../src/base/bytes.js';
import { MailError } from '../../src/base/errors.js';
import { minuteMs } from '../../src/base/units.js';
import { composeDirectoryMail, composePackedMail } from '../../src/carrier/directory-mail.js';
import { formatRequest } from '../../src/council/request.js';
import type { Inbox } from '../../src/ports/mail.js';
import { Faults, Killed } from '../fakes/faults.js';
import { now, rngOf } from '../route/nodes.js';
import { documentsOf, followWorld } from './follower.js';
import { endorsementOf, listOf, today } from './lists.js';

const list = listOf();
const rng = rngOf('mails');
const alice = 'alice@home.example';
const node = 'mix@mia.example';
const mailOf = (documents: readonly string[], from = alice, to = node): Uint8Array =>
  composeDirectoryMail({ from, to, documents, now, rng }, nodeBase64, nodeCompression);
const packedMail = (packed: Uint8Array): Uint8Array =>
  composePackedMail({ from: alice, to: node, packed, now, rng }, nodeBase64);
const request = formatRequest({ have: undefined });
const changed = (raw: Uint8Array, change: (text: string) => string): Uint8Array => fromLatin1(change(latin1(raw)));

const setUp = () => {
  const world = followWorld();
  world.mail.account(alice);
  return { ...world, mix: world.follower(node) };
};

describe('a mail of the directory', () => {
  it('is acted upon and removed, in the junk folder too', async () => {
    const { mix } = setUp();
    mix.account.mailbox.put(mailOf([endorsementOf(list, 'ann'), list.text]), 'Junk');
    mix.account.mailbox.put(mailOf([endorsementOf(list, 'ben')]));
    await mix.read();
    expect(mix.store.consensuses()).toHaveLength(1);
    expect(mix.store.endorsements(today)).toHaveLength(2);
    expect([...mix.account.mailbox.raws(), ...mix.account.mailbox.raws('Junk')]).toEqual([]);
    expect(mix.logged.at(-1)).toBe('directory {"in-endorsement":2,"in-network":1}');
  });

  it('is read although another folder can’t be, which is said', async () => {
    const { mix } = setUp();
    mix.account.mailbox.put(mailOf([list.text]));
    const { inbox } = mix.account;
    const refusing: Inbox = {
      ...inbox,
      folders: () => Promise.resolve(['Junk', 'INBOX']),
      look: (folder, ...more) =>
        folder === 'Junk' ? Promise.reject(new MailError('mail/protocol', 'NO')) : inbox.look(folder, ...more),
    };
    await expect(mix.read(refusing)).rejects.toThrow(MailError);
    expect(mix.store.consensuses()).toHaveLength(1);
    expect(mix.logged.at(-1)).toBe('directory {"in-network":1}');
  });

  it('is read in whatever form gateways gave it', async () => {
    const { mix } = setUp();
    const wrapped = changed(mailOf([list.text]), (text) =>
      text
        .replace('Subject: MixMailer directory', 'Subject: [EXT] MixMailer directory')
        .replace('A program reads it.', 'A program reads it.\r\n\r\nThis mail was checked for viruses.')
        .replace('directory.bin', 'ATT00001.bin'),
    );
    mix.account.mailbox.put(wrapped);
    await mix.read();
    expect(mix.store.consensuses()).toHaveLength(1);
    expect(mix.account.mailbox.raws()).toEqual([]);
  });

  it('stays, whatever is attached to it, when it is a letter; so do all other mails', async () => {
    const { mix } = setUp();
    const letter = changed(mailOf([list.text]), (text) =>
      text.replace('Auto-Submitted: auto-generated\r\n', '').replace('A program reads it.', 'Look what I got!'),
    );
    const other = changed(mailOf([list.text]), (text) => text.replace('MixMailer directory', 'Your directory'));
    const bare = fromLatin1('From: a@b.example\r\nSubject: MixMailer directory\r\n\r\nWhat is that?\r\n');
    for (const raw of [letter, other, bare]) mix.account.mailbox.put(raw);
    await mix.read();
    expect(mix.account.mailbox.raws()).toEqual([letter, other, bare]);
    expect(mix.store.consensuses()).toHaveLength(1);
    await mix.read();
    expect(mix.logged.filter((line) => line.startsWith('directory'))).toHaveLength(1);
  });

  it('that the server refuses to give holds up no other, and is read when it is given', async () => {
    const { mix, setNow } = setUp();
    const { mailbox } = mix.account;
    mailbox.put(mailOf([list.text]));
    mailbox.put(mailOf([endorsementOf(list, 'ann')]));
    mailbox.refused.add(1);
    for (let i = 0; i < 3; i++) await mix.read();
    expect(mix.store.consensuses()).toEqual([]);
    expect(mix.logged.filter((line) => line.startsWith('mail/'))).toEqual(['mail/set-aside {"mails":1}']);
    expect(mailbox.uids()).toEqual([1]);
    expect(mix.store.cursor('directory INBOX')).toMatchObject({ uid: 0 });
    mailbox.refused.clear();
    await mix.read();
    expect(mailbox.uids()).toEqual([1]);
    setNow(now + minuteMs);
    await mix.read();
    expect(mix.store.consensuses()).toHaveLength(1);
    expect(mailbox.uids()).toEqual([]);
    expect(mix.store.cursor('directory INBOX')).toMatchObject({ uid: 2 });
  });

  it('of which nothing can be made is counted, removed, and not answered', async () => {
    const { mix, mail } = setUp();
    const useless = [
      packedMail(Uint8Array.of(1, 2, 3)),
      packedMail(new Uint8Array()),
      packedMail(nodeCompression.deflate(fromLatin1('mixmailer-request 1\nend mixmailer-request\n\xff'))),
      mailOf([]),
      mailOf(['mixmailer-network 1\n']),
      mailOf(['mixmailer-vote 1\nend mixmailer-vote\n']),
      mailOf(Array.from({ length: 201 }, () => request)),
    ];
    for (const raw of useless) mix.account.mailbox.put(raw);
    await mix.read();
    await mix.post();
    expect(mix.account.mailbox.raws()).toEqual([]);
    expect(mix.logged).toEqual(['directory {"empty":5,"useless":1,"too-many":1}']);
    expect(mail.observed).toEqual([]);
  });

  it('is dealt with once, wherever the process is killed', async () => {
    for (let at = 1; ; at++) {
      const { mix, mail } = setUp();
      mix.take(list.text);
      mix.account.mailbox.put(mailOf([endorsementOf(list, 'ann'), request]));
      const faults = new Faults(at, at % 2 === 0 ? 'before' : 'after');
      const wrap = faults.incarnation();
      const inbox = wrap('inbox', mix.account.inbox);
      try {
        await mix.read(inbox);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
      await mix.read();
      await mix.post();
      expect(mix.account.mailbox.raws()).toEqual([]);
      expect(mix.store.endorsements(today)).toHaveLength(1);
      expect(mail.observed.length).toBeGreaterThan(0);
      if (faults.struck === undefined) {
        expect(mail.observed).toHaveLength(1);
        expect(documentsOf(mail.observed[0]?.raw ?? new Uint8Array())).toHaveLength(2);
        break;
      }
    }
  });
});

describe('whatever is mailed', () => {
  const { mix } = setUp();
  const sane = mailOf([list.text, request, endorsementOf(list, 'ann')]);
  const read = async (raw: Uint8Array): Promise<void> => {
    mix.account.mailbox.put(raw);
    await mix.read();
    expect(mix.store.forks()).toEqual([]);
  };

  it('is read without a complaint: bytes in the attachment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) => read(packedMail(bytes))),
      { numRuns: 60 },
    );
  });

  it('is read without a complaint: bytes that are compressed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) => read(packedMail(nodeCompression.deflate(bytes)))),
      { numRuns: 60 },
    );
  });

  it('is read without a complaint: lines of documents in any order', async () => {
    const lines = [list.text, request, endorsementOf(list, 'ann'), 'mixmailer-diff 1\n=0 1\nend mixmailer-diff\n']
      .flatMap((text) => text.split('\n'))
      .filter((line) => !line.startsWith('data '));
    const anyLine = fc.oneof(fc.constantFrom(...lines), fc.string({ unit: 'grapheme-ascii', maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyLine, { maxLength: 40 }), (some) => read(mailOf([some.join('\n')]))),
      { numRuns: 100 },
    );
  });

  it('is read without a complaint: a mail that was damaged anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sane.length - 1), fc.uint8Array({ maxLength: 4 }), (at, bytes) =>
        read(concat(sane.subarray(0, at), bytes, sane.subarray(at + bytes.length))),
      ),
      { numRuns: 60 },
    );
  });
});
