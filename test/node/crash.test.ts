import { beforeAll, describe, expect, it } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { Faults, Killed } from '../fakes/faults.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork } from '../fakes/network.js';
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
const untilDone = async (work: () => Promise<void>): Promise<void> => {
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
const quick = { parameters: { poolMinimum: 0, poolRate: 1 }, nodes: 3 };

describe.each(['before', 'after'] as const)('a power cut just %s the n-th step', (when) => {
  it('loses nothing and doubles nothing, for every n', { timeout: 300_000 }, async () => {
    const struck = new Set<string>();
    let at = 1;
    for (; at < 2000; at++) {
      const network = fakeNetwork(quick);
      network.world.account('bob@friend.test');
      const faults = new Faults(at, when);
      await runToTheEnd(network, faults);
      const ids = messageIdsAt(network);
      // What a mail program shows: mails of one Message-ID are one mail.
      expect(new Set(ids).size, `cut ${when} ${faults.struck ?? 'nothing'}`).toBe(letters.length);
      // Only an exit that dies while it hands over, after the server's word and before its own note of it, can leave a
      // mail there twice.
      if (ids.length > letters.length) expect(faults.struck).toMatch(/^(outbox\.send|store\.(begin|remove)\w+)$/);
      if (faults.struck === undefined) break;
      struck.add(faults.struck);
    }
    // The cuts went through every kind of step there is.
    expect(at).toBeGreaterThan(100);
    for (const call of [
      'store.queueMessage',
      'store.unqueueMessage',
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
      'inbox.fetch',
      'inbox.remove',
    ])
      expect([...struck]).toContain(call);
  });
});
