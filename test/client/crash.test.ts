import { beforeAll, describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/base/units.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import { cutReply, pieceDataBytes } from '../../src/message/reply.js';
import type { Surb } from '../../src/ports/client-store.js';
import { Faults, Killed } from '../fakes/faults.js';
import { letterOf } from '../node/packets.js';
import { mailWith } from '../node/sender.js';
import { handOf } from './hand.js';
import type { Hand } from './hand.js';

// A power cut at any step of a client that sends, collects and brings mails to its user: the n-th call to store, mailbox
// or mail server, for every n.

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});

/** Turns of the client, which is started again when it has been killed, until it has done what is asked. */
const turnsUntil = async (hand: Hand, faults: Faults, isDone: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) {
    hand.wrap = faults.incarnation();
    await hand.turn().catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    hand.network.passMs(5 * minuteMs);
    if (isDone()) return;
  }
  expect.fail(`not done after a cut at ${faults.struck ?? 'nothing'}`);
};

/** A block that the client has given away: what it made before the power was cut is gone. */
const blockFor = ({ network, unused }: Hand, purpose: Surb['purpose'], nth = 0): Surb =>
  unused(purpose).filter(({ id }) => network.client.store.surb(id) !== undefined)[nth] ?? expect.fail('no block');

describe.each(['before', 'after'] as const)('a power cut just %s the n-th step of a client', (when) => {
  it('loses no answer and brings each to the user once, for every n', { timeout: 300_000 }, async () => {
    const struck = new Set<string>();
    let at = 1;
    for (; at < 2000; at++) {
      const faults = new Faults(at, when);
      const hand = handOf({ nodes: 4, client: { replyBlocks: 2 } });
      const { store, account } = hand.network.client;
      const id = await hand.submit(letter);
      await turnsUntil(
        hand,
        faults,
        () => hand.status(id).state === 'in-network' && store.waiting(Infinity).length === 0,
      );
      // One sending, whatever happened to the client meanwhile.
      expect(hand.status(id).sendings).toBe(1);
      const isQuiet = (): boolean =>
        account.mailbox.raws().length === hand.inbox().length && store.inboundIds().length === 0;

      const reply = mailWith({ From: 'bob@friend.test', 'Message-ID': '<1@bob>' }, 'x'.repeat(1.5 * pieceDataBytes));
      const [one = expect.fail(), two = expect.fail()] = cutReply(reply, new Uint8Array(16).fill(1));
      const receipt = encodeReceipt({ kind: 'handed-over', code: 250 });
      hand.bring([hand.packet(blockFor(hand, 'receipt'), receipt), hand.packet(blockFor(hand, 'reply', 0), two)]);
      hand.bring([hand.packet(blockFor(hand, 'reply', 0), one)]);
      await turnsUntil(hand, faults, () => isQuiet() && hand.inbox().length > 0);
      expect(hand.status(id).state).toBe('delivered');

      hand.bring([hand.packet(blockFor(hand, 'bounce'), encodeReceipt({ kind: 'bounced', status: [5, 1, 1] }))]);
      await turnsUntil(hand, faults, () => isQuiet() && hand.status(id).state === 'failed');
      const [answer = '', notice = '', ...more] = hand.inbox();
      const cut = `cut ${when} ${faults.struck ?? 'nothing'}`;
      expect(more, cut).toEqual([]);
      expect([answer.includes('Message-ID: <1@bob>'), notice.includes('Action: failed')], cut).toEqual([true, true]);
      if (faults.struck === undefined) break;
      struck.add(faults.struck);
    }
    // The cuts went through every kind of step there is.
    for (const call of [
      'store.addToPool',
      'store.addSurb',
      'store.putSending',
      'store.countSending',
      'store.atomically',
      'store.removeSurb',
      'store.addPiece',
      'store.closeReply',
      'store.settleMessage',
      'store.addInbound',
      'store.beginInbound',
      'store.removeInbound',
      'store.setCursor',
      'inbox.fetch',
      'inbox.remove',
      'inbox.append',
      'outbox.send',
    ])
      expect([...struck]).toContain(call);
  });
});
