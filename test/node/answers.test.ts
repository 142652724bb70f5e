import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import type { MessageId } from '../../src/base/ids.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { deliveryToken } from '../../src/message/delivery.js';
import { encodeMessage } from '../../src/message/envelope.js';
import { fragmentDataBytes } from '../../src/message/fragment.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import type { Handling } from '../fakes/outbox.js';
import { addressOfBob, letterOf, quick } from './packets.js';
import { exitOf, messageOf, nodeTurns, notification, senderIn } from './sender.js';
import type { Sender } from './sender.js';

let message: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  [message, large] = await Promise.all([
    letterOf().then((letter) => messageOf(letter, addressOfBob)),
    letterOf(60_000).then((letter) => messageOf(letter, addressOfBob)),
  ]);
});

/** Four nodes, of which the first is the exit, a sender, and Bob, for whom each mail ends as told. */
const story = (
  options: FakeNetworkOptions = {},
  handling: () => Handling | undefined = () => undefined,
): { network: FakeNetwork; anna: Sender; bobHas: () => number } => {
  const network = fakeNetwork({ ...quick, ...options });
  const bob = network.world.account(addressOfBob).mailbox;
  network.world.handle = ({ to }) => (to === addressOfBob ? handling() : undefined);
  return { network, anna: senderIn(network), bobHas: () => bob.raws().length };
};

const hoursLater = async (network: FakeNetwork, hours: number): Promise<void> => {
  network.passMs(hours * hourMs);
  await nodeTurns(network, 4);
};

describe('a receipt says how a message ended', () => {
  it('when the exit’s mail server has taken it, with that server’s word', async () => {
    const { network, anna, bobHas } = story({}, () => ({ outcome: { kind: 'accepted', code: 251 }, taken: true }));
    anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    expect(bobHas()).toBe(1);
    expect(anna.answers()).toEqual([{ kind: 'receipt', block: 0, receipt: { kind: 'handed-over', code: 251 } }]);
    expect(exitOf(network).counted()).toMatchObject({ delivery: 1, answer: 1 });
    expect(network.nodes[3]?.counted()).toMatchObject({ mailbox: 1 });
  });

  it('when its account has no mails left for it: at once, so that it goes to another exit', async () => {
    const { network, anna, bobHas } = story({ limits: { perDay: 100 } });
    const most = 21;
    for (let i = 0; i < most; i++) anna.send(message);
    await exitOf(network).turn();
    const sent = bobHas();
    expect(sent).toBeGreaterThan(0);
    for (let i = 0; i < sent; i++) anna.send(message);
    await exitOf(network).turn();
    const late = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    expect(exitOf(network).counted()).toMatchObject({ delivery: most + sent, 'delivery/no-room': 1 });
    expect(anna.receipts()).toEqual([{ kind: 'gave-up' }]);
    // It stays so when there is room again.
    await hoursLater(network, 24);
    const before = bobHas();
    expect(before).toBeGreaterThan(sent);
    anna.send(message, [anna.block()], { id: late });
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'gave-up' }, { kind: 'gave-up' }]);
    expect(exitOf(network).counted()).toMatchObject({ 'delivery/no-room': 1, 'message/already-known': 1 });
  });

  it('when it has waited for mails of the account for more than two days', async () => {
    const { network, anna, bobHas } = story({ limits: { perDay: 8 } });
    const sent = Array.from({ length: 16 }, () => anna.send(message));
    await exitOf(network).turn();
    for (const id of sent) anna.send(message, [anna.block()], { id });
    await hoursLater(network, 53);
    expect(exitOf(network).store.untriedOutgoing('delivery')).toBeGreaterThan(8);
    await hoursLater(network, 1);
    expect(exitOf(network).store.untriedOutgoing('delivery')).toBe(0);
    const had = bobHas();
    expect(had).toBeGreaterThan(0);
    // Accounts of eight mails a day take their time for the answers, too.
    for (let i = 0; i < 4; i++) await hoursLater(network, 12);
    expect(bobHas()).toBe(had);
    expect(anna.receipts()).toHaveLength(sent.length);
    expect(anna.receipts().filter(({ kind }) => kind === 'gave-up')).toHaveLength(sent.length - had);
  });

  it('but not for an alias of the exit itself, which costs it no such mail', async () => {
    const { network, anna } = story({ limits: { perDay: 100 } });
    for (let i = 0; i < 30; i++) anna.send(message);
    const toAlias = await messageOf(await letterOf(), `node+${'a'.repeat(16)}@mix1.test`);
    await exitOf(network).turn();
    anna.send(toAlias, [anna.block()]);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'refused', code: 550 }]);
  });

  it('when that server has refused it, and when nobody took it for two days', async () => {
    const refusing = story({}, () => ({ outcome: { kind: 'refused', code: 554 }, taken: false }));
    refusing.anna.send(message, [refusing.anna.block()]);
    await nodeTurns(refusing.network, 4);
    expect(refusing.anna.receipts()).toEqual([{ kind: 'refused', code: 554 }]);

    const silent = story({}, () => handlings.later);
    silent.anna.send(message, [silent.anna.block()]);
    for (let hour = 0; hour < 60; hour += 6) {
      expect(silent.anna.receipts()).toEqual([]);
      await hoursLater(silent.network, 5);
    }
    expect(silent.anna.receipts()).toEqual([{ kind: 'gave-up' }]);
  });

  it('when it is against the exit’s policy', async () => {
    const { network, anna } = story({ bounds: { maxMessageBytes: 100_000 } });
    const clear = { form: 'pgp-inline', autoConsume: false, openpgp: ascii('in clear') } as const;
    const cases = [
      [ascii('no message'), 'message/bad-envelope'],
      [encodeMessage({ recipient: addressOfBob, ...clear }), 'message/not-encrypted'],
      [encodeMessage({ recipient: 'root', ...clear }), 'message/bad-recipient'],
      [new Uint8Array(100_001), 'message/too-large'],
    ] as const;
    for (const [bad, reason] of cases) {
      const before = anna.receipts().length;
      anna.send(bad, [anna.block(), anna.block()]);
      await nodeTurns(network, 4);
      expect(anna.receipts().slice(before)).toEqual([{ kind: 'rejected', reason }]);
    }
    const { store, counted } = exitOf(network);
    expect(store.openMessages()).toBe(0);
    expect(counted()).not.toHaveProperty('delivery');
    // What is not handed over can't come back: the block for that takes no room, with a copy neither.
    const id = anna.send(ascii('no message'), [anna.block(), anna.block()]);
    await nodeTurns(network, 1);
    expect(store.takeBlock(id, 'bounce')).toBeUndefined();
    anna.send(ascii('no message'), [anna.block(), anna.block()], { id });
    await nodeTurns(network, 1);
    expect(store.takeBlock(id, 'bounce')).toBeUndefined();
  });

  it('when its fragments did not come in time', async () => {
    const { network, anna } = story();
    anna.send(large, [anna.block()], { only: [0] });
    await nodeTurns(network, 1);
    await hoursLater(network, 48);
    expect(anna.receipts()).toEqual([{ kind: 'expired' }]);
    expect(exitOf(network).counted()).toMatchObject({ 'message/expired': 1 });
  });

  it('at the first packet that shows it to be too large; the others of it take no room', async () => {
    const { network, anna } = story({ bounds: { maxMessageBytes: 103_000 } });
    const tooLarge = { kind: 'rejected', reason: 'message/too-large' };
    // By the count of its fragments.
    const id = anna.send(new Uint8Array(150_000), [anna.block()], { only: [] });
    await nodeTurns(network, 4);
    anna.send(new Uint8Array(150_000), [], { id, only: [0, 1] });
    // Only its last fragment shows it; the block came before.
    const close = anna.send(new Uint8Array(104_000), [anna.block()], { only: [] });
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([tooLarge]);
    anna.send(new Uint8Array(104_000), [], { id: close });
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([tooLarge, tooLarge]);
    expect(exitOf(network).store.openMessages()).toBe(0);
    expect(exitOf(network).store.message(close)).toMatchObject({ indexes: [] });
    expect(exitOf(network).counted()).toMatchObject({ 'message/too-large': 2 });
  });

  it('whatever becomes of the list meanwhile', async () => {
    const { network, anna } = story({}, () => handlings.later);
    anna.send(message, [anna.block()]);
    await nodeTurns(network, 2);
    const exit = exitOf(network);
    exit.sees(undefined);
    network.world.handle = () => undefined;
    network.passMs(hourMs);
    await exit.post();
    exit.sees(network.network);
    await nodeTurns(network, 3);
    expect(anna.receipts()).toEqual([{ kind: 'handed-over', code: 250 }]);
  });
});

describe('reply blocks', () => {
  it('may come before the fragments, with them or after them', async () => {
    for (const order of ['before', 'after'] as const) {
      const { network, anna, bobHas } = story();
      const id = messageIdOf(network.rng(16));
      const fragments = (): MessageId => anna.send(large, [], { id });
      const blocks = (): MessageId => anna.send(large, [anna.block(), anna.block()], { id, only: [] });
      const steps = order === 'before' ? [blocks, fragments] : [fragments, blocks];
      for (const step of steps) {
        step();
        await nodeTurns(network, 4);
      }
      expect(bobHas()).toBe(1);
      expect(anna.receipts()).toEqual([{ kind: 'handed-over', code: 250 }]);
    }
  });

  it('of every copy of a settled message are answered, and it is handed over once', async () => {
    const { network, anna, bobHas } = story();
    const id = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    for (let copy = 0; copy < 2; copy++) anna.send(message, [anna.block(), anna.block()], { id });
    await nodeTurns(network, 4);
    const over = { kind: 'handed-over', code: 250 };
    expect(anna.answers().map((one) => [one.block, one.kind === 'receipt' && one.receipt])).toEqual(
      expect.arrayContaining([
        [0, over],
        [2, over],
        [4, over],
      ]),
    );
    expect(anna.answers()).toHaveLength(3);
    expect(bobHas()).toBe(1);
    // No block, no answer.
    anna.send(message, [], { id });
    await nodeTurns(network, 4);
    expect(anna.answers()).toHaveLength(3);
  });

  it('that came last are used, while the message is under way', async () => {
    const { network, anna } = story({}, () => handlings.later);
    const id = anna.send(message, [anna.block()]);
    await nodeTurns(network, 1);
    anna.send(message, [anna.block()], { id });
    await nodeTurns(network, 1);
    network.world.handle = () => undefined;
    await hoursLater(network, 1);
    expect(anna.answers()).toEqual([{ kind: 'receipt', block: 1, receipt: { kind: 'handed-over', code: 250 } }]);
  });

  it('that are none, or lead to a node nobody knows, are counted and dropped; the message is handed over', async () => {
    const { network, anna, bobHas } = story();
    exitOf(network).sees(without(network.network, network.nodes[1]?.nodeId ?? expect.fail()));
    anna.send(message, [anna.block(), new Uint8Array(geometry.surbBytes)]);
    await nodeTurns(network, 4);
    expect(bobHas()).toBe(1);
    expect(anna.answers()).toEqual([]);
    expect(exitOf(network).counted()).toMatchObject({ 'answer/no-way': 2, delivery: 1 });
    expect(exitOf(network).store.waiting(Infinity)).toEqual([]);
  });

  it('alone open a message, and no more of those than the exit keeps open', async () => {
    const { network, anna } = story({ bounds: { maxOpenMessages: 3 } });
    for (let i = 0; i < 5; i++) anna.send(large, [anna.block()], { only: [] });
    await nodeTurns(network, 1);
    expect(exitOf(network).store.openMessages()).toBe(3);
    expect(exitOf(network).counted()).toMatchObject({ 'message/too-many': 2 });
    const id = anna.send(large, [], { only: [0] });
    await nodeTurns(network, 1);
    expect(exitOf(network).store.message(id)).toBeUndefined();
    await hoursLater(network, 49);
    expect(exitOf(network).store.openMessages()).toBe(0);
  });

  it('for a message of another length than its fragments are not taken', async () => {
    const { network, anna } = story();
    const id = anna.send(large, [], { only: [0] });
    await nodeTurns(network, 1);
    anna.send(new Uint8Array(9 * fragmentDataBytes), [anna.block()], { id, only: [] });
    await nodeTurns(network, 1);
    expect(exitOf(network).counted()).toMatchObject({ 'message/bad-fragment': 1 });
    expect(exitOf(network).store.takeBlock(id, 'receipt')).toBeUndefined();
  });
});

describe('a message of which fragments are missing', () => {
  it('is answered with those at hand after two hours, once, and completed by the others', async () => {
    const { network, anna, bobHas } = story();
    const id = anna.send(large, [anna.block()], { only: [2, 0] });
    await nodeTurns(network, 1);
    network.passMs(2 * hourMs - 12 * 60_000);
    await nodeTurns(network, 1);
    expect(exitOf(network).counted()).not.toHaveProperty('answer');
    await hoursLater(network, 0);
    await hoursLater(network, 5);
    expect(anna.receipts()).toEqual([{ kind: 'incomplete', have: [0, 2] }]);
    anna.send(large, [anna.block()], { id, only: [1, 3, 4, 5] });
    await nodeTurns(network, 4);
    expect(bobHas()).toBe(1);
    expect(anna.receipts()).toContainEqual({ kind: 'handed-over', code: 250 });
    expect(anna.receipts()).toHaveLength(2);
  });

  it('is waited for from its newest reply block on, and given up all the same', async () => {
    const { network, anna } = story();
    const id = anna.send(large, [anna.block()], { only: [0] });
    await nodeTurns(network, 1);
    network.passMs(hourMs);
    anna.send(large, [anna.block()], { id, only: [0] });
    await nodeTurns(network, 1);
    await hoursLater(network, 1);
    expect(anna.receipts()).toEqual([]);
    await hoursLater(network, 1);
    expect(anna.receipts()).toEqual([{ kind: 'incomplete', have: [0] }]);
    await hoursLater(network, 46);
    // The block is spent; a copy with another one hears how it ended.
    anna.send(large, [anna.block()], { id });
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'incomplete', have: [0] }, { kind: 'expired' }]);
  });
});

describe('a delivered mail that comes back', () => {
  const handedOver = { kind: 'handed-over', code: 250 };

  it('is told once, over a block of its own, and the notification is removed', async () => {
    const { network, anna } = story();
    const exit = exitOf(network);
    const id = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    for (const folder of ['INBOX', 'Junk']) exit.account.mailbox.put(notification(id), folder);
    await nodeTurns(network, 4);
    expect(anna.answers()).toEqual([
      { kind: 'receipt', block: 0, receipt: handedOver },
      { kind: 'receipt', block: 1, receipt: { kind: 'bounced', status: [5, 1, 1] } },
    ]);
    expect(exit.counted()).toMatchObject({ bounce: 1 });
    expect(exit.account.mailbox.raws()).toEqual([]);
    expect(exit.account.mailbox.raws('Junk')).toEqual([]);
    // From now on that is how it ended.
    anna.send(message, [anna.block()], { id });
    await nodeTurns(network, 4);
    expect(anna.receipts().slice(2)).toEqual([{ kind: 'bounced', status: [5, 1, 1] }]);
  });

  it('is known by the envelope id it went with, which is the token of its Message-ID', async () => {
    const { network, anna } = story();
    const id = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    const sent = network.world.observed.filter(({ envelopeId }) => envelopeId !== undefined);
    expect(sent.map(({ to, envelopeId }) => [to, envelopeId])).toEqual([[addressOfBob, deliveryToken(id)]]);
    const stranger = messageIdOf(new Uint8Array(16));
    const about = notification(stranger, { envelopeId: sent[0]?.envelopeId ?? '', status: '4.4.7' });
    exitOf(network).account.mailbox.put(about);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toContainEqual({ kind: 'bounced', status: [4, 4, 7] });
  });

  it('may come back before its own server’s word is noted; that is the last word', async () => {
    const { network, anna } = story({}, () => handlings.unknownTaken);
    const id = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 1);
    exitOf(network).account.mailbox.put(notification(id));
    network.world.handle = () => undefined;
    await hoursLater(network, 1);
    expect(anna.answers()).toEqual([{ kind: 'receipt', block: 1, receipt: { kind: 'bounced', status: [5, 1, 1] } }]);
    expect(exitOf(network).store.outgoingCount()).toBe(0);
  });

  it('after five days, or without a block for that, is noted and nobody is told', async () => {
    const { network, anna } = story();
    const one = anna.send(message, [anna.block(), anna.block()]);
    const other = anna.send(message, [anna.block()]);
    await nodeTurns(network, 1);
    network.passMs(5 * dayMs);
    await nodeTurns(network, 4);
    for (const id of [one, other]) exitOf(network).account.mailbox.put(notification(id));
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([handedOver, handedOver]);
    expect(exitOf(network).counted()).toMatchObject({ bounce: 2 });
    expect(exitOf(network).account.mailbox.raws()).toEqual([]);
  });

  it('is a fact only of a mail this exit has handed over: other notifications stay as they are', async () => {
    const { network, anna } = story();
    const id = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    const { mailbox } = exitOf(network).account;
    const forged = [
      notification(messageIdOf(new Uint8Array(16).fill(3))),
      notification(id, { action: 'delayed' }),
      notification(id, { action: 'delivered', status: '2.0.0' }),
      notification(id, { envelopeId: deliveryToken(messageIdOf(new Uint8Array(16).fill(4))) }),
    ];
    for (const one of forged) mailbox.put(one);
    await nodeTurns(network, 4);
    expect(mailbox.raws().map(latin1)).toEqual(forged.map(latin1));
    expect(anna.receipts()).toEqual([handedOver]);
    expect(exitOf(network).counted()).not.toHaveProperty('bounce');
  });

  it('changes nothing where the recipient’s server has refused it already', async () => {
    const { network, anna } = story({}, () => handlings.refused);
    const id = anna.send(message, [anna.block(), anna.block()]);
    await nodeTurns(network, 4);
    exitOf(network).account.mailbox.put(notification(id));
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'refused', code: 550 }]);
    expect(exitOf(network).account.mailbox.raws()).toEqual([]);
  });
});
