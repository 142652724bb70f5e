import * as tools from 'vitest';
import { describe, expect, it } from 'vitest';
import { fetchContract } from '../contracts/fetch-url.js';
import { inboxContract, mailNamed, type InboxRig } from '../../src/testing/inbox.js';
import { outboxContract, type OutboxRig } from '../../src/testing/outbox.js';
import { fakeFetchUrl } from './fetch-url.js';
import { fakeInbox, FakeMailbox } from './inbox.js';
import { fakeMailWorld } from './mail-world.js';
import { fakeOutbox, handlings } from './outbox.js';

const nothingToStop = (): Promise<void> => Promise.resolve();

const inboxRig = (): InboxRig => {
  const mailbox = new FakeMailbox(['INBOX', 'Parcels']);
  return {
    open: (limits) => fakeInbox(mailbox, limits),
    openWithWrongPassword: () => {
      mailbox.fault = 'mail/login';
      return fakeInbox(mailbox);
    },
    deliver: (raw) => {
      mailbox.put(raw);
      return Promise.resolve();
    },
    rebuild: (folder, raw) => {
      mailbox.rebuild(folder);
      mailbox.put(raw, folder);
      return Promise.resolve();
    },
    markDeleted: (uid) => {
      mailbox.markDeleted(uid);
      return Promise.resolve();
    },
    uids: () => Promise.resolve(mailbox.uids()),
    // Nobody ever marks one.
    unseen: (folder) => Promise.resolve(mailbox.uids(folder)),
    links: () => 0,
    cut: () => mailbox.stir(),
    freeze: () => (mailbox.frozen = true),
    thaw: () => (mailbox.frozen = false),
    stop: nothingToStop,
  };
};

const outboxRig = (): OutboxRig => {
  const world = fakeMailWorld();
  const from = world.account('a@mix.test');
  const to = world.account('b@mix.test');
  const opening =
    (handling: keyof typeof handlings): (() => ReturnType<typeof fakeOutbox>) =>
    () =>
      fakeOutbox(
        () => true,
        () => handlings[handling],
      );
  let frozen = false;
  return {
    from: from.address,
    to: to.address,
    open: () => {
      const silent = { outcome: { kind: 'later', code: undefined, why: 'timeout' }, taken: false } as const;
      world.handle = () => (frozen ? silent : undefined);
      return from.outbox;
    },
    openWithWrongPassword: opening('noLogin'),
    openToNobody: opening('noConnection'),
    received: () => Promise.resolve(to.mailbox.raws()),
    nobody: 'nobody@mix.test',
    refusesNobody: true,
    plusAddresses: true,
    cut: () => undefined,
    freeze: () => (frozen = true),
    thaw: () => (frozen = false),
    stop: nothingToStop,
  };
};

describe('the fake mail world', () => {
  it('shows an observer the envelope id of a mail', async () => {
    const world = fakeMailWorld();
    const from = world.account('a@mix.test');
    const to = world.account('b@mix.test');
    const mail = { from: from.address, to: 'b+k7@mix.test', raw: mailNamed('seen'), envelopeId: 'id7' };
    await from.outbox.send(mail, new AbortController().signal);
    expect(world.observed).toEqual([mail]);
    expect(to.mailbox.raws()).toEqual([mail.raw]);
  });

  it('can be one that knows no plus addresses', async () => {
    const world = fakeMailWorld();
    world.plusAddresses = false;
    const from = world.account('a@mix.test');
    const mail = { from: from.address, to: 'a+k7@mix.test', raw: mailNamed('lost') };
    expect(await from.outbox.send(mail, new AbortController().signal)).toMatchObject({ kind: 'refused' });
  });
});

inboxContract(tools, 'fake', () => Promise.resolve({ rig: () => Promise.resolve(inboxRig()), stop: nothingToStop }));
outboxContract(tools, 'fake', () => Promise.resolve({ rig: () => Promise.resolve(outboxRig()), stop: nothingToStop }));
fetchContract('fake', () => {
  const files = new Map<string, string>();
  const url = 'https://lists.example';
  const put = (name: string, text: string): void => void files.set(`${url}/${name}`, text);
  return Promise.resolve({ url, put, fetchUrl: fakeFetchUrl(files).fetchUrl, stop: nothingToStop });
});
