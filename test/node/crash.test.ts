import { beforeAll, describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { replyContent } from '../../src/message/incoming.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { Faults, Killed } from '../fakes/faults.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork } from '../fakes/network.js';
import { thriftyCrypto } from '../fakes/remembering.js';
import { answerWith, exitOf, messageOf, notification, senderIn } from './sender.js';
import { pepMail, person } from '../servers/pep-mail.js';

// A power cut at any step: the n-th call to store, mailbox or mail server, of any process, for every n.

let letters: readonly Uint8Array[];
beforeAll(async () => {
  const [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
  const letter = { from: alice, to: [bob], date: new Date(0), text: 'hello' };
  const attachment = { name: 'a.bin', content: new Uint8Array(20_000).map((_, i) => (i * 7919) >> 3) };
  letters = await Promise.all(
    [
      { ...letter, subject: 'one packet' },
      { ...letter, subject: 'two packets', attachment },
    ].map(async (one) => new TextEncoder().encode(await pepMail(one))),
  );
});

/** Does the work until the killed process, started again, has done it. */
const untilDone = async (work: () => Promise<unknown>): Promise<void> => {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
};

/** Lets everything run, the killed process starting again at its next turn, until nothing is on its way. */
const runToTheEnd = async (network: FakeNetwork, faults: Faults): Promise<void> => {
  const { client, nodes, passMs } = network;
  // As a mail program does: it hands the mail in until it hears that it is taken.
  for (const letter of letters) await untilDone(() => client.submit(letter, ['bob@friend.test'], faults.incarnation()));
  const waiting = (): number =>
    client.store.queuedMessages().length +
    [client, ...nodes].reduce(
      (sum, { store, account }) =>
        sum + store.outgoingCount() + store.waiting(Infinity).length + account.mailbox.raws().length,
      0,
    );
  for (let round = 0; round < 30 && waiting() > 0; round++) {
    for (const one of [client, ...nodes]) {
      await one.turn(faults.incarnation()).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
    }
    passMs(16 * minuteMs);
  }
  expect(waiting()).toBe(0);
};

const messageIdsAt = (network: FakeNetwork): readonly string[] =>
  network.world
    .account('bob@friend.test')
    .mailbox.raws()
    .map((raw) => /^Message-ID: (\S+)/m.exec(latin1(raw))?.[1] ?? '');

// Everything leaves at each flush, so that a run is short; whom it goes to is as random as ever.
const strategy = { kind: 'pool', minimum: 0, rate: 1 } as const;
const quick = { parameters: { strategy }, nodes: 3, crypto: thriftyCrypto(chooseCrypto()) };

describe.each(['before', 'after'] as const)('a power cut just %s the n-th step', (when) => {
  it('loses nothing and doubles nothing, for every n', { timeout: 300_000 }, async () => {
    const struck = new Set<string>();
    let at = 1;
    for (; at < 2000; at++) {
      const network = fakeNetwork({ ...quick, client: { receipts: false } });
      network.world.account('bob@friend.test');
      const faults = new Faults(at, when);
      await runToTheEnd(network, faults);
      const ids = messageIdsAt(network);
      // What a mail program shows: mails of one Message-ID are one mail.
      expect(new Set(ids).size, `cut ${when} ${faults.struck ?? 'nothing'}`).toBe(letters.length);
      // Only an exit that dies while it hands over, after the server's word and before its own note of it, can leave a
      // mail there twice.
      if (ids.length > letters.length) expect(faults.lastOutside).toBe('outbox.send');
      if (faults.struck === undefined) break;
      struck.add(faults.struck);
    }
    // The cuts went through every kind of step there is.
    expect(at).toBeGreaterThan(100);
    for (const call of [
      'store.queueMessage',
      'store.settleMessage',
      'store.atomically',
      'store.addReplayTag',
      'store.addToPool',
      'store.takeFromPool',
      'store.addOutgoing',
      'store.addFragment',
      'store.closeMessage',
      'store.beginAttempt',
      'store.removeOutgoing',
      'store.setCursor',
      'outbox.send',
      'inbox.look',
      'inbox.fetchThose',
      'inbox.remove',
    ])
      expect([...struck]).toContain(call);
  });
});

/** Lets the nodes run, one and the same exit killed and started again, until nothing is on its way. */
const nodesToTheEnd = async (network: FakeNetwork, faults: Faults, meanwhile: () => void): Promise<void> => {
  const exit = exitOf(network);
  for (let round = 0; round < 8; round++) {
    for (const node of network.nodes) {
      const wrap = node === exit ? faults.incarnation() : undefined;
      await node.turn(wrap).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
    }
    meanwhile();
    network.passMs(16 * minuteMs);
  }
  for (const { store, account } of network.nodes)
    expect([store.outgoingCount(), store.waiting(Infinity).length, account.mailbox.raws().length]).toEqual([0, 0, 0]);
};

describe.each(['before', 'after'] as const)('a power cut of an exit just %s the n-th step', (when) => {
  it('makes it tell the truth, and carry an answer once, for every n', { timeout: 300_000 }, async () => {
    const struck = new Set<string>();
    const [letter = expect.fail()] = letters;
    let at = 1;
    for (; at < 2000; at++) {
      const network = fakeNetwork({ ...quick, nodes: 4 });
      const { mailbox } = exitOf(network).account;
      const bob = network.world.account('bob@friend.test').mailbox;
      const anna = senderIn(network);
      const message = await messageOf(letter, 'bob@friend.test', anna.returnAddress(1));
      // All in one packet: of several the exit would take now one first, now another, and each run would be its own.
      const id = anna.send(message, [anna.block(), anna.block()]);
      expect(mailbox.raws().map(({ length }) => length < 2 * geometry.packetBytes)).toEqual([true]);
      let answer: Uint8Array | undefined;
      const faults = new Faults(at, when);
      await nodesToTheEnd(network, faults, () => {
        const [got] = bob.raws();
        if (got === undefined || answer !== undefined) return;
        const to = valuesOf(readHead(got), 'reply-to')[0] ?? expect.fail('no Reply-To');
        answer = answerWith({ To: to }, letter);
        // The mail is read and answered; then some copy of it comes back.
        mailbox.put(answer);
        mailbox.put(notification(id));
        mailbox.put(
          answerWith({ To: to, Subject: 'in clear', 'Message-ID': '<2@b.test>' }, ascii('X: y\r\n\r\nhello')),
        );
      });
      const cut = `cut ${when} ${faults.struck ?? 'nothing'}`;
      const mails = bob.raws().map(latin1);
      const [deliveries, notices] = [/^Subject: \.\.\./m, /^Auto-Submitted/m].map((form) =>
        mails.filter((mail) => form.test(mail)),
      );
      // A mail program shows one of each: copies have one Message-ID.
      for (const copies of [deliveries, notices]) expect(new Set(copies).size, cut).toBe(1);
      if (mails.length > 2) expect(faults.lastOutside).toBe('outbox.send');
      // Block 0 is its return address, 1 and 2 came with it.
      const receipts = new Map(anna.answers().map((one) => [one.block, one.kind === 'receipt' && one.receipt]));
      expect(receipts.get(2), cut).toEqual({ kind: 'bounced', status: [5, 1, 1] });
      if (receipts.has(1)) expect(receipts.get(1), cut).toEqual({ kind: 'handed-over', code: 250 });
      // Only where the mail came back before the exit had noted its own server's word does that go without saying.
      else expect(faults.lastOutside, cut).toBe('outbox.send');
      expect(anna.replies(), cut).toEqual([replyContent(answer ?? expect.fail())]);
      expect(exitOf(network).store.replyBlockCount(), cut).toBe(0);
      if (faults.struck === undefined) break;
      struck.add(faults.struck);
    }
    for (const call of [
      'store.keepBlock',
      'store.takeBlock',
      'store.settleMessage',
      'store.addReturnAddress',
      'store.removeReplyBlock',
      'store.mark',
      'store.addToPool',
      'store.addOutgoing',
      'store.removeOutgoing',
      'store.setCursor',
      'inbox.remove',
      'outbox.send',
    ])
      expect([...struck]).toContain(call);
    expect(at).toBeGreaterThan(100);
  });
});
