import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import type { Pace } from '../../src/cover/pace.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import type { Receipt } from '../../src/message/receipt.js';
import { reportMessageId, wordsFor } from '../../src/message/report.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';
import { notification } from '../node/sender.js';
import { fakeNetwork } from '../fakes/network.js';
import { handOf, nextSendingMs } from './hand.js';
import type { Hand } from './hand.js';

let letter: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  [letter, large] = await Promise.all([letterOf(), letterOf(100_000)]);
});

const handedOver: Receipt = { kind: 'handed-over', code: 250 };

/** A letter that has been sent once. */
const sent = async (hand: Hand, raw = letter) => {
  const id = await hand.submit(raw);
  await hand.turn();
  return id;
};

const reports = (hand: Hand): readonly string[] => hand.inbox().filter((mail) => mail.includes('From: MixMailer'));
const statesOf = ({ network }: Hand): readonly string[] => network.client.statuses.map(({ state }) => state);

describe('a message', () => {
  it('is delivered when its exit says so, which costs the user no mail', async () => {
    const hand = handOf();
    const id = await sent(hand);
    expect(hand.status(id)).toMatchObject({ state: 'in-network', sendings: 1, recipient: addressOfBob });
    hand.network.passMs(hourMs);
    const answeredAt = hand.network.now();
    await hand.answer(handedOver);
    await hand.turn();
    expect(hand.status(id)).toMatchObject({ state: 'delivered', settledAt: answeredAt, nextAt: undefined });
    expect(hand.inbox()).toEqual([]);
    expect(statesOf(hand)).toEqual(['in-network', 'delivered']);
    expect(hand.network.client.account.mailbox.raws()).toEqual([]);
    // Only whom to ask once more.
    expect(hand.network.client.store.sendings(id).map(({ bytes }) => bytes.length)).toEqual([0]);
    await hand.pass(2 * nextSendingMs);
    expect(hand.status(id).sendings).toBe(1);
  });

  it('is delivered by the receipt behind a mail that the server refuses to give, and that one is read when it is given', async () => {
    const hand = handOf();
    const { mailbox } = hand.network.client.account;
    const ids = [await sent(hand), await sent(hand, await letterOf())];
    for (const block of hand.unused('receipt')) hand.bring([hand.packet(block, encodeReceipt(handedOver))]);
    expect(mailbox.uids()).toEqual([1, 2]);
    mailbox.refused.add(1);
    await hand.turn();
    const states = (): readonly string[] => ids.map((id) => hand.status(id).state).toSorted();
    expect(states()).toEqual(['delivered', 'in-network']);
    expect(hand.network.client.warnings).toEqual(['mail/set-aside']);
    mailbox.refused.clear();
    hand.network.passMs(minuteMs);
    await hand.turn();
    expect(states()).toEqual(['delivered', 'delivered']);
    expect(mailbox.raws()).toEqual([]);
    expect(hand.network.client.warnings).toEqual(['mail/set-aside']);
  });

  it.each<Receipt>([
    { kind: 'refused', code: 550 },
    { kind: 'rejected', reason: 'message/too-large' },
    { kind: 'rejected', reason: 'message/not-encrypted' },
    { kind: 'bounced', status: [5, 1, 1] },
  ])('has failed when its exit answers $kind, and one notice in the inbox says so', async (receipt) => {
    const hand = handOf();
    const id = await sent(hand);
    await hand.answer(receipt);
    await hand.pass(2 * nextSendingMs);
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: receipt, sendings: 1 });
    const [notice = '', ...more] = reports(hand);
    expect(more).toEqual([]);
    expect(notice).toContain('Action: failed');
    if (receipt.kind === 'incomplete') expect.fail();
    expect(notice.replaceAll('\r\n', ' ')).toContain(wordsFor(receipt));
    // The mail program shows it under the user's own mail.
    expect(notice).toMatch(/^In-Reply-To: <pEp\.0\.1Z4X\.7d1f@home\.test>\r$/m);
    // It lies at the user's provider.
    expect(notice).not.toContain('friend.test');
    expect(statesOf(hand)).toEqual(['in-network', 'failed']);
  });

  it('is named with its recipient in a notice only if the user wants that', async () => {
    const hand = handOf({ client: { notices: 'name-recipient' } });
    await sent(hand);
    await hand.answer({ kind: 'refused', code: 550 });
    await hand.turn();
    expect(reports(hand)[0]).toContain(`Final-Recipient: rfc822; ${addressOfBob}`);
  });

  it('that was delivered has failed when it comes back, once', async () => {
    const hand = handOf();
    const id = await sent(hand);
    await hand.answer(handedOver);
    expect(hand.status(id).state).toBe('delivered');
    await hand.pass(3 * 24 * hourMs, 12 * hourMs);
    await hand.answer({ kind: 'bounced', status: [5, 2, 2] }, hand.unused('bounce')[0]);
    await hand.turn();
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'bounced' } });
    expect(reports(hand)).toHaveLength(1);
    expect(statesOf(hand)).toEqual(['in-network', 'delivered', 'failed']);
  });

  it('that came back stays so, whatever comes later', async () => {
    const hand = handOf();
    const id = await sent(hand);
    await hand.pass(nextSendingMs);
    const receipts = hand.unused('receipt');
    expect(receipts.length).toBeGreaterThan(2);
    await hand.answer({ kind: 'bounced', status: [5, 1, 1] });
    await hand.answer(handedOver, receipts[0]);
    await hand.answer({ kind: 'bounced', status: [5, 1, 1] }, hand.unused('bounce')[0]);
    await hand.turn();
    expect(hand.status(id).ending).toEqual({ kind: 'bounced', status: [5, 1, 1] });
    expect(reports(hand)).toHaveLength(1);
  });

  it('that nobody confirms is given up after its time with exactly one notice', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const { submittedAt } = hand.status(id);
    while (hand.status(id).state === 'in-network') await hand.pass(hourMs);
    expect(hand.network.now() - submittedAt).toBeGreaterThanOrEqual(120 * hourMs);
    expect(hand.network.now() - submittedAt).toBeLessThan(122 * hourMs);
    const { sendings, ending } = hand.status(id);
    expect(ending).toEqual({ kind: 'no-answer', sendings });
    expect(sendings).toBeGreaterThan(12);
    await hand.pass(24 * hourMs, 2 * hourMs);
    expect(reports(hand)).toHaveLength(1);
    expect(hand.status(id).sendings).toBe(sendings);
  });

  it('that was given up, and had arrived all the same, is delivered, and a second notice says so', async () => {
    const hand = handOf();
    const id = await sent(hand);
    await hand.pass(121 * hourMs, hourMs);
    expect(hand.status(id).state).toBe('failed');
    await hand.answer(handedOver, hand.unused('receipt')[0]);
    await hand.answer(handedOver, hand.unused('receipt')[1]);
    await hand.turn();
    expect(hand.status(id).state).toBe('delivered');
    const [lost = '', found = '', ...more] = reports(hand);
    expect(more).toEqual([]);
    expect(lost).toContain(
      `Message-ID: ${reportMessageId({ messageId: id, ending: { kind: 'no-answer', sendings: 0 } })}`,
    );
    expect(found).toContain('Action: delivered');
    expect(statesOf(hand).slice(-2)).toEqual(['failed', 'delivered']);
  });

  it('that is delivered is not told of again when another exit says what it lacks', async () => {
    const hand = handOf();
    await sent(hand, large);
    await hand.pass(nextSendingMs);
    const before = statesOf(hand);
    expect(new Set(before)).toEqual(new Set(['in-network']));
    expect(before.length).toBeGreaterThan(1);
    await hand.answer(handedOver, hand.unused('receipt')[0]);
    await hand.answer({ kind: 'incomplete', have: [0] }, hand.unused('receipt')[1]);
    await hand.answer({ kind: 'expired' }, hand.unused('receipt')[1]);
    expect(statesOf(hand)).toEqual([...before, 'delivered']);
  });

  it('for which there is no way for all that time was not sent, and the notice says that', async () => {
    const hand = handOf({ nodes: 4 });
    const id = await hand.submit(letter);
    const { network } = hand.network;
    const nodes = network.nodes.slice(1);
    hand.network.client.sees({ ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) });
    await hand.pass(121 * hourMs, hourMs);
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'no-answer', sendings: 0 } });
    expect(reports(hand)[0]).toContain('Subject: Your mail was not sent');
  });

  it('is told of in the same way when the list has run out meanwhile', async () => {
    const hand = handOf();
    const id = await sent(hand);
    hand.network.client.sees(undefined);
    for (let hours = 0; hours < 122; hours++) {
      hand.network.passMs(hourMs);
      await expect(hand.turn()).rejects.toMatchObject({ code: 'route/expired' });
    }
    expect(hand.status(id).state).toBe('failed');
    expect(reports(hand)).toHaveLength(1);
  });
});

describe('what is in the mailbox', () => {
  it('without being for the client does nothing: fillers, copies, noise', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const [block = expect.fail('none')] = hand.unused('receipt');
    const packet = hand.packet(block, encodeReceipt({ kind: 'refused', code: 550 }));
    const damaged = packet.map((byte, i) => (i === packet.length - 1 ? byte ^ 1 : byte));
    hand.bring([damaged]);
    await hand.turn();
    expect(hand.status(id).state).toBe('in-network');
    // What was damaged on its way, by whomever, doesn't use the block up.
    hand.bring([hand.packet(block, encodeReceipt(handedOver))]);
    await hand.turn();
    expect(hand.status(id).state).toBe('delivered');
    hand.bring([packet, packet]);
    await hand.turn();
    expect(hand.status(id).state).toBe('delivered');
    expect(hand.inbox()).toEqual([]);
    expect(hand.network.client.account.mailbox.raws()).toEqual([]);
  });

  it('is acted upon also where a gateway has changed the mail, which goes then; somebody else’s packets stay', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const wrapped = (raw: Uint8Array): Uint8Array =>
      ascii(
        latin1(raw)
          .replace('Subject: MixMailer packets', 'Subject: [EXTERN] MixMailer packets')
          .replace('A program reads them.', 'A program reads them.\r\n-- \r\nChecked by a gateway.'),
      );
    const [first = expect.fail('none'), second = expect.fail('none')] = [
      ...hand.unused('receipt'),
      ...hand.unused('bounce'),
    ];
    const foreign = { ...second, id: second.id.map((byte) => byte ^ 1) };
    hand.bring([hand.packet(foreign, encodeReceipt(handedOver))], wrapped);
    await hand.turn();
    expect(hand.network.client.account.mailbox.raws()).toHaveLength(1);
    hand.bring([hand.packet(first, encodeReceipt(handedOver))], wrapped);
    await hand.turn();
    expect(hand.status(id).state).toBe('delivered');
    expect(hand.network.client.account.mailbox.raws()).toHaveLength(1);
  });

  it('is acted upon in a letter, too, that somebody attached it to, and the letter stays', async () => {
    const hand = handOf();
    const id = await sent(hand);
    const [block = expect.fail('none')] = hand.unused('receipt');
    const attached = (raw: Uint8Array): Uint8Array =>
      concat(
        ascii(
          'From: bob@friend.test\r\nSubject: Re: Fwd: MixMailer packets\r\nMIME-Version: 1.0\r\n' +
            'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' +
            '--b\r\n\r\nI looked at what you sent me.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n',
        ),
        raw,
        ascii('\r\n--b--\r\n'),
      );
    hand.bring([hand.packet(block, encodeReceipt(handedOver))], attached);
    await hand.turn();
    expect(hand.status(id).state).toBe('delivered');
    expect(hand.network.client.account.mailbox.raws()).toHaveLength(1);
  });

  it('of letters stays unread, whatever it says it is', async () => {
    const hand = handOf();
    const { mailbox } = hand.network.client.account;
    const letters = [
      ascii('From: bob@friend.test\r\nSubject: hi\r\n\r\nhello\r\n'),
      ascii(`From: bob@friend.test\r\nSubject: MixMailer packets\r\n\r\n${'hello\r\n'.repeat(10_000)}`),
    ];
    for (const one of letters) mailbox.put(one);
    await hand.pass(hourMs);
    expect(mailbox.raws()).toEqual(letters);
  });

  it('is understood only as far as it fits: a receipt is none over a block for replies, and a piece none over others', async () => {
    const hand = handOf({ client: { replyBlocks: 1 } });
    const id = await sent(hand);
    const [reply = expect.fail('none')] = hand.unused('reply');
    await hand.answer(handedOver, reply);
    expect(hand.status(id).state).toBe('in-network');
    const [receipt = expect.fail('none')] = hand.unused('receipt');
    hand.bring([hand.packet(receipt, ascii('noise'))]);
    await hand.turn();
    expect(hand.status(id).state).toBe('in-network');
    expect(hand.network.client.store.inboundIds()).toEqual([]);
  });
});

describe('in a network of nodes', () => {
  it('a receipt comes back for every mail, and nothing is sent twice', async () => {
    const network = fakeNetwork({ ...quick, nodes: 5 });
    const bob = network.world.account(addressOfBob).mailbox;
    for (const raw of [letter, large]) await network.client.submit(raw, [addressOfBob]);
    await turns(network, 40);
    expect(network.client.store.messageStatuses().map(({ state, sendings }) => [state, sendings])).toEqual([
      ['delivered', 1],
      ['delivered', 1],
    ]);
    expect(bob.raws()).toHaveLength(2);
    while (network.client.store.openSendings().length > 0) await turns(network, 1);
    await network.client.turn();
    expect(network.client.account.mailbox.raws()).toEqual([]);
  });

  it('a mail is sent again when its receipt is lost, and confirmed then, without a second copy for its recipient', async () => {
    const network = fakeNetwork({ ...quick, nodes: 5 });
    const bob = network.world.account(addressOfBob).mailbox;
    const [one] = await network.client.submit(letter, [addressOfBob]);
    const { address } = network.client.account;
    let lost = 0;
    network.world.handle = ({ to }) => {
      if (to !== address || lost > 0) return undefined;
      lost++;
      return { outcome: { kind: 'accepted', code: 250 }, taken: false };
    };
    await turns(network, 80);
    expect(lost).toBe(1);
    const id = one?.id ?? expect.fail('not queued');
    expect(network.client.store.messageStatus(id)).toMatchObject({ state: 'delivered', sendings: 2 });
    expect(bob.raws()).toHaveLength(1);
  });

  it('a mail that comes back is told of, though what the exit says of itself is lost', async () => {
    const pace: Pace = { meanMs: 10 * minuteMs, packets: 1, cover: true, questions: 0.5 };
    for (const client of [{}, { pace }]) {
      const network = fakeNetwork({ ...quick, nodes: 5, client });
      const { store, account } = network.client;
      network.world.account(addressOfBob);
      const [one] = await network.client.submit(letter, [addressOfBob]);
      const id = one?.id ?? expect.fail('not queued');
      const stateOf = (): string | undefined => store.messageStatus(id)?.state;
      while (stateOf() !== 'delivered') await turns(network, 1);
      const [{ exit } = expect.fail('nothing to ask')] = store.openSendings();
      const at = network.nodes.find(({ nodeId }) => nodeId === exit) ?? expect.fail('not there');
      at.account.mailbox.put(notification(id));
      let lost = 0;
      network.world.handle = ({ to }) => {
        if (to !== account.address) return undefined;
        lost++;
        return { outcome: { kind: 'accepted', code: 250 }, taken: false };
      };
      await turns(network, 10);
      expect([at.counted()['bounce'], lost > 0, stateOf()]).toEqual([1, true, 'delivered']);
      network.world.handle = () => undefined;
      const heardBy = network.now() + 12 * hourMs;
      while (stateOf() !== 'failed' && network.now() < heardBy) await turns(network, 1);
      await network.client.turn();
      expect(store.messageStatus(id)).toMatchObject({
        state: 'failed',
        sendings: 1,
        ending: { kind: 'bounced', status: [5, 1, 1] },
      });
      expect(
        account.mailbox
          .raws()
          .map(latin1)
          .filter((raw) => raw.includes('Action: failed')),
      ).toHaveLength(1);
      expect(store.openSendings()).toEqual([]);
    }
  });

  it('a mail is refused at once where no way leads back, with the way out', async () => {
    const network = fakeNetwork({ ...quick, nodes: 3 });
    await expect(network.client.submit(letter, [addressOfBob])).rejects.toThrow(/receipts.*client\.receipts = false/);
    const without = fakeNetwork({ ...quick, nodes: 3, client: { receipts: false } });
    await without.client.submit(letter, [addressOfBob]);
    await without.client.turn();
    const [status] = without.client.store.messageStatuses();
    expect(status).toMatchObject({ state: 'sent', sendings: 1, nextAt: undefined });
    expect(without.client.statuses.map(({ state }) => state)).toEqual(['sent']);
    without.passMs(20 * minuteMs);
    await without.client.turn();
    expect(without.client.store.messageStatuses()).toEqual([status]);
  });
});
