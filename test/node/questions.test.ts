import { beforeAll, describe, expect, it } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import type { MessageId } from '../../src/base/ids.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { encodeExitPayload } from '../../src/message/fragment.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions } from '../fakes/network.js';
import { handlings } from '../fakes/outbox.js';
import { addressOfBob, carrierTo, letterOf, packetOver, quick } from './packets.js';
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

interface Story {
  readonly network: FakeNetwork;
  readonly anna: Sender;
  readonly ask: (id: MessageId, blocks?: readonly Uint8Array[]) => void;
}

/** Four nodes, of which the first is the exit; Bob has an account, and Anna asks. */
const story = (options: FakeNetworkOptions = {}): Story => {
  const network = fakeNetwork({ ...quick, ...options });
  network.world.account(addressOfBob);
  const anna = senderIn(network);
  const exit = exitOf(network);
  const ask: Story['ask'] = (messageId, blocks = [anna.block(), anna.block()]) => {
    const payload = encodeExitPayload({ messageId, count: 0, fragment: undefined, blocks });
    exit.account.mailbox.put(carrierTo(network, exit, [packetOver(network, [exit], payload)]));
  };
  return { network, anna, ask };
};

const randomId = ({ rng }: FakeNetwork): MessageId => messageIdOf(rng(16));

describe('a question is answered', () => {
  it('with nothing about a message that nobody knows, and leaves no trace of it', async () => {
    const { network, anna, ask } = story();
    const id = randomId(network);
    ask(id);
    await nodeTurns(network, 4);
    expect(anna.answers()).toEqual([{ kind: 'receipt', block: 0, receipt: { kind: 'incomplete', have: [] } }]);
    const { store, counted } = exitOf(network);
    expect(store.message(id)).toBeUndefined();
    expect(store.openMessages()).toBe(0);
    expect(store.takeBlock(id, 'bounce')).toBeUndefined();
    expect(counted()).toMatchObject({ answer: 1 });
  });

  it('with how the message ended, each time it is asked', async () => {
    const { network, anna, ask } = story();
    const id = anna.send(message);
    await nodeTurns(network, 4);
    expect(anna.answers()).toEqual([]);
    for (const times of [1, 2]) {
      ask(id);
      await nodeTurns(network, 4);
      expect(anna.receipts()).toEqual(Array(times).fill({ kind: 'handed-over', code: 250 }));
    }
  });

  it('with that it was refused, after which nothing can come back', async () => {
    const { network, anna, ask } = story();
    const id = anna.send(ascii('no message'));
    await nodeTurns(network, 1);
    ask(id);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'rejected', reason: 'message/bad-envelope' }]);
    expect(exitOf(network).store.takeBlock(id, 'bounce')).toBeUndefined();
  });

  it('with what is there of a message while fragments of it are missing', async () => {
    const { network, anna, ask } = story();
    const id = anna.send(large, [], { only: [0, 2] });
    await nodeTurns(network, 1);
    ask(id);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'incomplete', have: [0, 2] }]);
  });

  it('with all of it while nobody has taken the mail', async () => {
    const { network, anna, ask } = story();
    network.world.handle = ({ to }) => (to === addressOfBob ? handlings.later : undefined);
    const id = anna.send(large);
    await nodeTurns(network, 2);
    ask(id);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'incomplete', have: [0, 1, 2, 3] }]);
    // The end itself makes nobody hear.
    network.world.handle = () => undefined;
    network.passMs(hourMs);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toHaveLength(1);
  });

  it('not at all where no way leads back, and the log counts that', async () => {
    const { network, anna, ask } = story();
    const first = network.nodes[1]?.nodeId ?? expect.fail('no node');
    ask(randomId(network));
    const exit = exitOf(network);
    exit.sees(without(network.network, first));
    await nodeTurns(network, 4);
    expect(anna.answers()).toEqual([]);
    expect(exit.counted()).toMatchObject({ 'answer/no-way': 1 });
    expect(exit.counted()).not.toHaveProperty('answer');
  });
});

describe('the second reply block of a question', () => {
  it('tells when the mail comes back later, once', async () => {
    const { network, anna, ask } = story();
    const id = anna.send(message);
    await nodeTurns(network, 2);
    ask(id);
    await nodeTurns(network, 4);
    network.passMs(dayMs);
    for (let times = 0; times < 2; times++) {
      exitOf(network).account.mailbox.put(notification(id));
      await nodeTurns(network, 4);
    }
    expect(anna.answers()).toEqual([
      { kind: 'receipt', block: 0, receipt: { kind: 'handed-over', code: 250 } },
      { kind: 'receipt', block: 1, receipt: { kind: 'bounced', status: [5, 1, 1] } },
    ]);
  });

  it('is not needed where the mail came back before anybody asked: the answer says it', async () => {
    const { network, anna, ask } = story();
    const id = anna.send(message);
    await nodeTurns(network, 2);
    exitOf(network).account.mailbox.put(notification(id));
    await nodeTurns(network, 2);
    expect(anna.answers()).toEqual([]);
    ask(id);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([{ kind: 'bounced', status: [5, 1, 1] }]);
    expect(exitOf(network).store.takeBlock(id, 'bounce')).toBeUndefined();
  });

  it('is the one of the newest question, and need not be there', async () => {
    const { network, anna, ask } = story();
    const id = anna.send(message);
    await nodeTurns(network, 2);
    ask(id);
    ask(id);
    ask(id, [anna.block()]);
    await nodeTurns(network, 4);
    exitOf(network).account.mailbox.put(notification(id));
    await nodeTurns(network, 4);
    const bounced = anna.answers().filter((one) => one.kind === 'receipt' && one.receipt.kind === 'bounced');
    expect(anna.answers()).toHaveLength(4);
    expect(bounced).toHaveLength(1);
    expect([1, 3]).toContain(bounced[0]?.block);
  });
});
