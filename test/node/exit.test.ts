import { beforeAll, describe, expect, it } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import { hourMs } from '../../src/base/units.js';
import { encodeMessage } from '../../src/message/envelope.js';
import { fragmentDataBytes } from '../../src/message/fragment.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork } from '../fakes/network.js';
import { addressOfBob, carrierTo, fragmentsOf, letterOf, packetOver, quick, turns } from './packets.js';
import { exitOf, messageOf, nodeTurns } from './sender.js';

let letter: Uint8Array;
let message: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
  message = await messageOf(letter, addressOfBob);
  large = await messageOf(await letterOf(60_000), addressOfBob);
});

/** Brings payloads to the exit, as the last step of their paths. */
const bring = (network: FakeNetwork, payloads: readonly Uint8Array[]): void => {
  const exit = exitOf(network);
  for (let at = 0; at < payloads.length; at += 64) {
    const packets = payloads.slice(at, at + 64).map((payload) => packetOver(network, [exit], payload));
    exit.account.mailbox.put(carrierTo(network, exit, packets));
  }
};

const mailsFor = (network: FakeNetwork, address: string): readonly string[] =>
  network.world.account(address).mailbox.raws().map(latin1);

describe('an exit', () => {
  it('hands over one mail to each recipient, and none of them names another', async () => {
    const network = fakeNetwork(quick);
    const recipients = [addressOfBob, 'carol@cc.test', 'hidden@bcc.test'];
    for (const address of recipients) network.world.account(address);
    await network.client.submit(letter, recipients);
    await turns(network, 20);
    for (const address of recipients) {
      const [mail = '', ...more] = mailsFor(network, address);
      expect(more).toEqual([]);
      expect(mail).toContain(`To: <${address}>`);
      expect(mail).not.toMatch(/^(bcc|cc):/im);
      for (const other of recipients) if (other !== address) expect(mail).not.toContain(other);
    }
    // Three messages, so that nobody can tell by a Message-ID that these three got the same one.
    const ids = recipients.map((address) => /^Message-ID: (.*)$/m.exec(mailsFor(network, address)[0] ?? '')?.[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it('mixes: a letter waits in the pool although it is whole, until a flush draws it among packets for others', async () => {
    const network = fakeNetwork({ parameters: { strategy: { kind: 'pool', minimum: 3, rate: 1 } } });
    network.world.account(addressOfBob);
    const exit = exitOf(network);
    const other = network.nodes[1] ?? expect.fail('no other node');
    bring(network, fragmentsOf(network, message));
    await nodeTurns(network, 10);
    expect([exit.store.poolSize(), exit.store.openMessages()]).toEqual([1, 0]);
    expect(mailsFor(network, addressOfBob)).toEqual([]);
    let flushes = 0;
    for (; mailsFor(network, addressOfBob).length === 0; flushes++) {
      expect(flushes).toBeLessThan(50);
      const onward = fragmentsOf(network, message).map((payload) => packetOver(network, [exit, other], payload));
      exit.account.mailbox.put(carrierTo(network, exit, onward));
      await nodeTurns(network, 1);
    }
    // Three stay at each flush, whoever came first.
    expect(flushes).toBeGreaterThan(2);
    expect(exit.store.poolSize()).toBe(3);
  });

  it('hands over once a message whose fragments all come twice, over other packets', async () => {
    const network = fakeNetwork(quick);
    network.world.account(addressOfBob);
    const fragments = fragmentsOf(network, message);
    bring(network, fragments);
    bring(network, fragments);
    const exit = exitOf(network);
    for (let i = 0; i < 3; i++) await exit.turn();
    bring(network, fragments);
    await exit.turn();
    expect(mailsFor(network, addressOfBob)).toHaveLength(1);
    expect(exit.counted()).toMatchObject({ delivery: 1, 'message/already-known': 2 * fragments.length });
  });

  it('sends again what nobody knows the fate of, with the Message-ID that folds it', async () => {
    const network = fakeNetwork(quick);
    network.world.account(addressOfBob);
    let unknown = 1;
    network.world.handle = ({ to }) =>
      to === addressOfBob && unknown-- > 0 ? { outcome: { kind: 'unknown' }, taken: true } : undefined;
    await network.client.submit(letter, [addressOfBob]);
    await turns(network, 25);
    const ids = mailsFor(network, addressOfBob).map((mail) => /^Message-ID: (.*)$/m.exec(mail)?.[1]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('drops what the recipient’s server refuses, counts it, and mails nobody about it', async () => {
    const network = fakeNetwork(quick);
    network.world.handle = ({ to }) =>
      to === addressOfBob ? { outcome: { kind: 'refused', code: 550 }, taken: false } : undefined;
    bring(network, fragmentsOf(network, message));
    await nodeTurns(network, 30);
    expect(exitOf(network).counted()).toMatchObject({ 'post/gave-up-delivery': 1 });
    expect(exitOf(network).store.outgoingCount()).toBe(0);
    expect(network.world.observed).toEqual([]);
  });

  it('whose own mailbox, or another node’s, is the recipient starts no loop', async () => {
    const network = fakeNetwork(quick);
    const addresses = network.nodes.map(({ account }) => account.address);
    for (const address of addresses) await network.client.submit(letter, [address]);
    await turns(network, 80);
    // Each mailbox holds the mail for its owner, and nothing is on its way any more, nor the last question hours later.
    for (const address of addresses) expect(mailsFor(network, address)).toHaveLength(1);
    const before = network.world.observed.length;
    await turns(network, 10);
    expect(network.world.observed).toHaveLength(before);
  });

  it('hands over nothing but encrypted mail to proper addresses, whatever the client promised', async () => {
    const network = fakeNetwork(quick);
    network.world.account(addressOfBob);
    const inClear = { form: 'pgp-inline', autoConsume: false, openpgp: new TextEncoder().encode('in clear') } as const;
    const messages = [
      encodeMessage({ recipient: addressOfBob, ...inClear }),
      encodeMessage({ recipient: 'a@b.test>\r\nBcc: x@y.test', ...inClear }),
      new Uint8Array([1, 2, 3]),
      // Its recipient, all of one length, becomes one that would reach the exit's own machine.
      new TextEncoder().encode(latin1(message).replace(addressOfBob, 'bob@localhost12')),
    ];
    for (const message of messages) bring(network, fragmentsOf(network, message));
    await exitOf(network).turn();
    expect(network.world.observed).toEqual([]);
    expect(exitOf(network).counted()).toMatchObject({ out: messages.length });
    expect(exitOf(network).counted()).not.toHaveProperty('delivery');
  });
});

describe('messages that never become whole', () => {
  it('are given up after their time, and what comes later of them is dropped', async () => {
    const network = fakeNetwork({ ...quick, bounds: { expiryMs: 48 * hourMs } });
    network.world.account(addressOfBob);
    const fragments = fragmentsOf(network, large);
    expect(fragments.length).toBeGreaterThan(3);
    bring(network, fragments.slice(1));
    const exit = exitOf(network);
    await exit.turn();
    expect(exit.store.openMessages()).toBe(1);
    network.passMs(48 * hourMs);
    await exit.turn();
    expect(exit.store.openMessages()).toBe(1);
    network.passMs(1);
    await exit.turn();
    expect(exit.store.openMessages()).toBe(0);
    bring(network, fragments.slice(0, 1));
    await exit.turn();
    expect(exit.counted()).toMatchObject({ 'message/expired': 1, 'message/already-known': 1 });
    expect(mailsFor(network, addressOfBob)).toEqual([]);
  });

  it('take a bounded place, and leave room for whole ones', async () => {
    const network = fakeNetwork({ ...quick, bounds: { maxOpenMessages: 5, maxMessageBytes: 100_000 } });
    network.world.account(addressOfBob);
    const exit = exitOf(network);
    const bomb = new Uint8Array(2 * fragmentDataBytes);
    bring(
      network,
      Array.from({ length: 20 }, () => fragmentsOf(network, bomb)[0] ?? expect.fail()),
    );
    // Too large by what it claims, from its first fragment on.
    bring(network, fragmentsOf(network, new Uint8Array(150_000)).slice(0, 1));
    await exit.turn();
    expect(exit.store.openMessages()).toBe(5);
    expect(exit.counted()).toMatchObject({ 'message/too-many': 15, 'message/too-large': 1 });
    expect(message.length).toBeLessThan(fragmentDataBytes);
    bring(network, fragmentsOf(network, message));
    await exit.turn();
    await exit.turn();
    expect(mailsFor(network, addressOfBob)).toHaveLength(1);
  });

  it('take a bounded part of the disk, however few they are, and those that are almost whole get their last fragment', async () => {
    const network = fakeNetwork({ ...quick, bounds: { maxFragments: 6 } });
    network.world.account(addressOfBob);
    const exit = exitOf(network);
    const fragments = fragmentsOf(network, large);
    const bomb = fragmentsOf(network, new Uint8Array(100 * fragmentDataBytes));
    bring(network, fragments.slice(1));
    await exit.turn();
    await exit.turn();
    bring(network, bomb.slice(0, 20));
    await exit.turn();
    await exit.turn();
    expect(exit.counted()).toMatchObject({ 'message/too-many': 20 - (6 - (fragments.length - 1)) });
    expect(exit.store.fragmentCount()).toBe(6);
    bring(network, fragments.slice(0, 1));
    await exit.turn();
    await exit.turn();
    expect(mailsFor(network, addressOfBob)).toHaveLength(1);
    // What it had is free again.
    expect(exit.store.fragmentCount()).toBe(6 - (fragments.length - 1));
  });

  it('that claim several lengths don’t get larger than the first one said', async () => {
    const network = fakeNetwork(quick);
    const exit = exitOf(network);
    const id = new Uint8Array(16).fill(7);
    const claim = (index: number, count: number): Uint8Array => {
      const payload = fragmentsOf(network, new Uint8Array(count * fragmentDataBytes))[index] ?? expect.fail();
      payload.set(id, 1);
      return payload;
    };
    bring(network, [claim(0, 3)]);
    await exit.turn();
    bring(network, [claim(4, 9), claim(0, 3), claim(0, 1)]);
    await exit.turn();
    expect(exit.store.openMessages()).toBe(1);
    expect(exit.counted()).toMatchObject({ 'message/bad-fragment': 2, 'message/already-known': 1 });
  });
});
