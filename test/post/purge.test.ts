import { expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { ascii, latin1, toHex } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { minuteMs } from '../../src/base/units.js';
import { seededRng } from '../../src/base/random.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { composeDirectoryMail } from '../../src/carrier/directory-mail.js';
import { composeDelivery } from '../../src/message/delivery.js';
import type { Deliverable } from '../../src/message/delivery.js';
import { composeNotice } from '../../src/message/notice.js';
import type { Log } from '../../src/ports/log.js';
import type { Inbox } from '../../src/ports/mail.js';
import { Reading } from '../../src/post/aside.js';
import { type PurgeDeps, purgeOwnSent, purgeSent } from '../../src/post/purge.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeInbox, FakeMailbox } from '../fakes/inbox.js';

const never = new AbortController().signal;
const rng = seededRng(new Uint8Array(32).fill(4));

const silent: Log = { info: () => undefined, warn: () => undefined };

/** What a process has that purges this mailbox. */
const depsOf = (inbox: Inbox, clock = { now: () => 0 }, log = silent): PurgeDeps => ({
  inbox,
  store: sqliteMixStore(':memory:'),
  reading: new Reading({ clock, log }),
  base64: nodeBase64,
});

const packetMail = (): Uint8Array => {
  const bundle = rng(geometry.packetBytes);
  bundle[0] = geometry.version;
  return composeCarrierMail({ from: 'n@one.test', to: 'n@two.test', bundle, now: 0, rng }, nodeBase64);
};

const delivery = (): Uint8Array => {
  const message = { recipient: 'bob@friend.test', form: 'pgp-mime', openpgp: rng(100), autoConsume: false };
  return composeDelivery(
    { from: 'n@one.test', message: message as Deliverable, messageId: messageIdOf(rng(16)), now: 0 },
    nodeBase64,
  );
};

const notice = (): Uint8Array =>
  composeNotice({
    from: 'n@one.test',
    to: 'bob@friend.test',
    reason: 'expired',
    inReplyTo: '<1@friend.test>',
    roomBytes: 0,
    id: toHex(rng(16)),
    now: 0,
  });

const directoryMail = (): Uint8Array =>
  composeDirectoryMail(
    {
      from: 'n@one.test',
      to: 'dir@auth.test',
      documents: ['mixmailer-request 1\nend mixmailer-request\n'],
      now: 0,
      rng,
    },
    nodeBase64,
    nodeCompression,
  );

const letter = ascii('From: owner@one.test\r\nMessage-ID: <1@one.test>\r\n\r\nmixmailer.invalid is a nice name\r\n');

it('leaves of the sent folder only what its owner wrote', async () => {
  const mailbox = new FakeMailbox(['INBOX', 'Junk', 'Sent']);
  const deps = depsOf(fakeInbox(mailbox, { maxFetchCount: 2 }));
  for (const raw of [packetMail(), letter, delivery(), notice(), directoryMail(), packetMail()])
    mailbox.put(raw, 'Sent');
  mailbox.put(packetMail(), 'INBOX');
  await purgeSent(deps, never);
  expect(mailbox.raws('Sent').map((raw) => latin1(raw))).toEqual([latin1(letter)]);
  expect(mailbox.raws('INBOX')).toHaveLength(1);

  mailbox.put(delivery(), 'Sent');
  mailbox.put(notice(), 'Sent');
  await purgeSent(deps, never);
  expect(mailbox.uids('Sent')).toEqual([2]);
});

it('has nothing to do where the provider keeps no copies', async () => {
  const deps = depsOf(fakeInbox(new FakeMailbox()));
  await expect(purgeSent(deps, never)).resolves.toBeUndefined();
});

it.each([
  ['node', purgeSent, 2],
  ['client', purgeOwnSent, 3],
] as const)(
  'removes at a %s what a removal that was cut off has left in the trash, where removals go through it, and no letter',
  async (_role, purge, left) => {
    const mailbox = new FakeMailbox(['INBOX', 'Junk', 'Sent', 'Trash']);
    const about = ascii('From: owner@one.test\r\nSubject: MixMailer packets, what are they?\r\n\r\nhello\r\n');
    const deps = depsOf(fakeInbox(mailbox));
    for (const raw of [letter, packetMail(), about, delivery(), directoryMail()]) mailbox.put(raw, 'Trash');
    await purge(deps, never);
    expect(mailbox.uids('Trash')).toHaveLength(5);
    mailbox.removesThroughTrash = true;
    await purge(deps, never);
    // A person's mailbox is asked for nothing but subjects of this program.
    expect(mailbox.raws('Trash')).toHaveLength(left);
    expect(mailbox.raws('Trash').slice(0, 2)).toEqual([letter, about]);
    mailbox.put(packetMail(), 'Trash');
    await purge(deps, never);
    expect(mailbox.raws('Trash')).toHaveLength(left);
  },
);

it('looks in a person’s sent folder at nothing but what has the subjects of this program', async () => {
  const mailbox = new FakeMailbox(['INBOX', 'Junk', 'Sent']);
  const inbox = fakeInbox(mailbox);
  const looked: number[] = [];
  const watching: typeof inbox = {
    ...inbox,
    fetch: async (...args) => {
      const fetched = await inbox.fetch(...args);
      looked.push(...fetched.mails.flatMap(({ uid, raw }) => (raw === undefined ? [] : [uid])));
      return fetched;
    },
  };
  const about = ascii('From: owner@one.test\r\nSubject: MixMailer packets, what are they?\r\n\r\nhello\r\n');
  for (const raw of [letter, packetMail(), about, directoryMail(), letter]) mailbox.put(raw, 'Sent');
  const deps = depsOf(watching);
  await purgeOwnSent(deps, never);
  expect(mailbox.raws('Sent')).toEqual([letter, about, letter]);
  expect(looked.toSorted()).toEqual([2, 3, 4]);
  mailbox.put(packetMail(), 'Sent');
  await purgeOwnSent(deps, never);
  expect(mailbox.raws('Sent')).toEqual([letter, about, letter]);
  expect(looked.toSorted()).toEqual([2, 3, 4, 6]);
});

it('comes back to a copy that the server did not give, and removes the others meanwhile', async () => {
  const mailbox = new FakeMailbox(['INBOX', 'Junk', 'Sent']);
  const inbox = fakeInbox(mailbox);
  let isMended = false;
  let now = 0;
  const refusing: Inbox = {
    ...inbox,
    fetch: async (...args) => {
      const fetched = await inbox.fetch(...args);
      const mails = fetched.mails.map((mail) =>
        mail.uid === 2 && !isMended ? { uid: 2, raw: undefined, isRefused: true as const } : mail,
      );
      return { ...fetched, mails };
    },
  };
  const told: string[] = [];
  const log = { info: () => undefined, warn: (event: string) => void told.push(event) };
  const deps = depsOf(refusing, { now: () => now }, log);
  for (let i = 0; i < 3; i++) mailbox.put(packetMail(), 'Sent');
  await purgeSent(deps, never);
  expect(mailbox.uids('Sent')).toEqual([2]);
  isMended = true;
  now += 2 * minuteMs;
  await purgeSent(deps, never);
  expect(mailbox.uids('Sent')).toEqual([]);
  expect(told).toEqual(['mail/set-aside']);
});
