import { describe, expect, it } from 'vitest';
import {
  burstIntervals,
  mostWaitingMails,
  packetsPerNode,
  packetsPerSender,
  sendersAtOnce,
} from '../../src/base/bounds.js';
import { ascii, concat, equalBytes, latin1 } from '../../src/base/bytes.js';
import { mib, minuteMs } from '../../src/base/units.js';
import { geometry } from '../../src/sphinx/geometry.js';
import type { IntakeRates } from '../../src/post/intake.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNode } from '../fakes/network.js';
import { carrierTo, packetOver, quick } from '../node/packets.js';

const intervalMs = 12 * minuteMs;
const rounds = 10;
/** 350 mails a day are three in an interval. */
const limits = { perDay: 350 };
const budgeted = 3;
const floodFactor = 50;
const perMail = 4;
const usualRates: IntakeRates = { perSender: packetsPerSender, perNode: packetsPerNode };
const letter = ascii(
  `From: <owner@home.test>\r\nSubject: Re: MixMailer packets\r\n\r\n${'to the owner of this mailbox\r\n'.repeat(3000)}`,
);

const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');
const second = ({ nodes }: FakeNetwork): FakeNode => nodes[1] ?? expect.fail('no node');

const by = (mail: Uint8Array, address: string): Uint8Array =>
  concat(ascii(latin1(mail.subarray(0, 200)).replace('node@other.test', address)), mail.subarray(200));

/** A mail with a bundle of the right size that holds nothing. */
const garbageTo = (network: FakeNetwork, node: FakeNode, from = 'mallory@evil.test'): Uint8Array => {
  const packets = Array.from({ length: perMail }, () => {
    const packet = network.rng(geometry.packetBytes);
    packet[0] = geometry.version;
    return packet;
  });
  return by(carrierTo(network, node, packets), from);
};

/** A mail full of packets that are good and to be passed on: to a node, or to mailboxes, each of which takes a mail. */
const validTo = (network: FakeNetwork, node: FakeNode, nth: number): Uint8Array => {
  const packets = Array.from({ length: perMail }, (_, i) =>
    nth % 4 === 0
      ? packetOver(network, [node, second(network)])
      : packetOver(network, [node], new Uint8Array(), {
          kind: 'to-mailbox',
          surbId: network.rng(16),
          address: `stranger${nth}-${i}@else.test`,
        }),
  );
  return by(carrierTo(network, node, packets), 'mallory@evil.test');
};

/** The flooder has these ready, and mails them again and again. */
const floodOf = (network: FakeNetwork, node: FakeNode): readonly Uint8Array[] => {
  const garbage = Array.from({ length: 6 }, () => garbageTo(network, node));
  return Array.from({ length: 48 }, (_, i) => validTo(network, node, i)).flatMap((mail, i) => [
    mail,
    garbage[i % garbage.length] ?? mail,
  ]);
};

const isOfFlooder = (raw: Uint8Array): boolean => latin1(raw.subarray(0, 400)).includes('@evil.test');

interface Flood {
  /** The flooder's mails, which come again and again. */
  readonly mails: (network: FakeNetwork, node: FakeNode) => readonly Uint8Array[];
  readonly perRound: number;
  readonly rates?: IntakeRates;
  /** Of the node's mailbox. */
  readonly limitBytes?: number;
}

/** Some clients and nodes mail a packet an interval each, to one next node; the flooder mails what he can. */
const story = async ({ mails, perRound, rates = usualRates, limitBytes }: Flood) => {
  const network = fakeNetwork({ ...quick, limits, nodes: 5, rates });
  const node = first(network);
  node.account.mailbox.limitBytes = limitBytes;
  const flood = mails(network, node);
  // Nobody else's packets go there, so that what waits for it is legitimate.
  const target = network.nodes[2] ?? expect.fail();
  const senders = ['alice@home.test', 'carol@home.test', 'node@mix4.test', 'node@mix5.test'];
  node.account.mailbox.put(letter);
  let sent = 0;
  let refused = 0;
  /** As a provider does: a mail for which the mailbox has no room goes back. */
  const deliver = (raw: Uint8Array): boolean => {
    const usedBytes = node.account.mailbox.raws().reduce((sum, { length }) => sum + length, 0);
    if (usedBytes + raw.length > (limitBytes ?? Infinity)) return false;
    node.account.mailbox.put(raw);
    return true;
  };
  let waitedRounds = 0;
  let most = 0;
  let waiting = 0;
  for (let round = 0; round < 2 * rounds; round++) {
    if (round < rounds) {
      for (let i = 0; i < perRound; i++) deliver(flood[(round * perRound + i) % flood.length] ?? expect.fail());
      for (const sender of senders) {
        const isTaken = deliver(by(carrierTo(network, node, [packetOver(network, [node, target])]), sender));
        if (isTaken) sent++;
        else refused++;
      }
    }
    await node.turn();
    network.world.forget();
    for (const { account } of network.nodes.slice(1)) account.mailbox.rebuild('INBOX');
    const inPool = node.store
      .waiting(Infinity)
      .filter(({ to }) => to.kind === 'node' && to.nextHop === target.nodeId).length;
    const unread = node.account.mailbox.raws().filter((raw) => !isOfFlooder(raw)).length - 1;
    waiting = inPool + unread;
    waitedRounds += waiting;
    most = Math.max(most, node.account.mailbox.uids().length);
    network.passMs(intervalMs);
  }
  const others = node.account.mailbox.raws().filter((raw) => !isOfFlooder(raw));
  return { counted: node.counted(), sent, refused, waiting, most, others, delay: 1 + waitedRounds / sent };
};

const none: Flood = { mails: () => [], perRound: 0 };

describe('a flood from one sender, of garbage, replays and packets that are good', () => {
  it(`at ${floodFactor} times what the node’s account may send keeps nobody else waiting`, async () => {
    const calm = await story(none);
    const flooded = await story({ mails: floodOf, perRound: budgeted * floodFactor });
    expect(flooded.delay).toBeLessThanOrEqual(2 * calm.delay);
    expect(flooded.waiting).toBeLessThanOrEqual(calm.waiting + 1);
    // The flooder has had his share, and a bounded number of mails that wait.
    expect(flooded.counted['mail/over-backlog']).toBeGreaterThan(100);
    expect(flooded.most).toBeLessThanOrEqual(mostWaitingMails + rounds);
    expect(flooded.counted['in']).toBeGreaterThanOrEqual(flooded.sent);
    const { 'packet/replayed': replayed = 0, 'packet/bad-mac': bad = 0, in: good = 0 } = flooded.counted;
    const shares = packetsPerSender * (burstIntervals + 2 * rounds);
    expect(good - flooded.sent + replayed + bad).toBeLessThanOrEqual(shares + perMail);
    // The owner's letter is where it was, to the byte, though its subject is that of packets.
    expect(flooded.others).toHaveLength(1);
    expect(flooded.others.every((raw) => equalBytes(raw, letter))).toBe(true);
  });
});

describe('a flood from a hundred addresses', () => {
  /** Small, so that the share of all who are no nodes, ten times that, is used up in a short story. */
  const rates: IntakeRates = { perSender: 12, perNode: packetsPerNode };
  const addresses = Array.from({ length: 100 }, (_, i) => `m${i}@evil.test`);
  const crowd: Flood = {
    mails: (network, node) => addresses.map((address) => garbageTo(network, node, address)),
    perRound: addresses.length,
    rates,
  };

  it('none of which has more than its share keeps neither nodes nor strangers waiting', async () => {
    const calm = await story({ ...none, rates });
    const flooded = await story(crowd);
    expect(flooded.delay).toBeLessThanOrEqual(2 * calm.delay);
    expect(flooded.waiting).toBeLessThanOrEqual(calm.waiting + 1);
    expect(flooded.counted['in']).toBe(flooded.sent);
    // All of them together are read as much as ten clients at most, and what came at once.
    const most = (burstIntervals + 2 * rounds) * sendersAtOnce * rates.perSender;
    expect(flooded.counted['packet/bad-mac']).toBeGreaterThan(most / 2);
    expect(flooded.counted['packet/bad-mac']).toBeLessThanOrEqual(most + perMail);
    expect(flooded.others).toHaveLength(1);
  });

  it('does not fill the mailbox up to its quota, where nobody’s mail would be taken any more', async () => {
    const limitBytes = 100 * mib;
    const calm = await story({ ...none, rates, limitBytes });
    const flooded = await story({ ...crowd, limitBytes });
    expect(calm.refused + flooded.refused).toBe(0);
    expect(flooded.counted['mail/over-quota'] ?? 0).toBeGreaterThan(100);
    expect(flooded.delay).toBeLessThanOrEqual(2 * calm.delay);
    expect(flooded.counted['in']).toBe(flooded.sent);
    expect(flooded.others).toHaveLength(1);
    expect(flooded.others.every((raw) => equalBytes(raw, letter))).toBe(true);
  });
});
