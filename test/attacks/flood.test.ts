import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { mostWaitingMails, packetsPerSender } from '../../src/base/bounds.js';
import { ascii, concat, equalBytes, latin1 } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNode } from '../fakes/network.js';
import { carrierTo, packetOver } from '../node/packets.js';

const intervalMs = 12 * minuteMs;
const rounds = 10;
/** 350 mails a day are three in an interval. */
const limits = { perDay: 350 };
const budgeted = 3;
const floodFactor = 50;
const perMail = 4;

const first = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');
const second = ({ nodes }: FakeNetwork): FakeNode => nodes[1] ?? expect.fail('no node');

const by = (mail: Uint8Array, address: string): Uint8Array =>
  concat(ascii(latin1(mail.subarray(0, 200)).replace('node@other.test', address)), mail.subarray(200));

/** A mail with a bundle of the right size that holds nothing. */
const garbageTo = (network: FakeNetwork, node: FakeNode): Uint8Array => {
  const packets = Array.from({ length: perMail }, () => {
    const packet = network.rng(geometry.packetBytes);
    packet[0] = geometry.version;
    return packet;
  });
  return by(carrierTo(network, node, packets), 'mallory@evil.test');
};

/** A mail full of packets that are good, and to be forwarded. */
const validTo = (network: FakeNetwork, node: FakeNode): Uint8Array => {
  const packets = Array.from({ length: perMail }, () => packetOver(network, [node, second(network)]));
  return by(carrierTo(network, node, packets), 'mallory@evil.test');
};

/** The flooder has these ready, and mails them again and again. */
const floodOf = (network: FakeNetwork, node: FakeNode): readonly Uint8Array[] => {
  const valid = Array.from({ length: 12 }, () => validTo(network, node));
  const garbage = Array.from({ length: 6 }, () => garbageTo(network, node));
  return valid.flatMap((mail, i) => [mail, garbage[i % garbage.length] ?? mail]);
};

/** Whoever sends it, a packet of a legitimate mail and when the mail came. */
interface Sent {
  readonly tail: Uint8Array;
  readonly round: number;
}

/** What leaves is known by nothing but its number: each legitimate packet ends at a node of its own choice. */
const story = async (flooded: boolean) => {
  const network = fakeNetwork({ limits, nodes: 5, rates: { perSender: packetsPerSender, perNode: 1100 } });
  const node = first(network);
  const flood = flooded ? floodOf(network, node) : [];
  // Legitimate packets alone go to the third node, so that what arrives there is theirs.
  const target = network.nodes[2] ?? expect.fail();
  const senders = ['alice@home.test', 'carol@home.test', 'node@mix4.test', 'node@mix5.test'];
  const sent: Sent[] = [];
  let arrived = 0;
  let heldRounds = 0;
  let most = 0;
  const letter = ascii(
    `From: <owner@home.test>\r\nSubject: Re: MixMailer packets\r\n\r\n${'to the owner of this mailbox\r\n'.repeat(3000)}`,
  );
  node.account.mailbox.put(letter);
  for (let round = 0; round < rounds + 8; round++) {
    if (round < rounds) {
      for (let i = 0; i < (flooded ? budgeted * floodFactor : 0); i++)
        node.account.mailbox.put(flood[(round * 7 + i) % flood.length] ?? expect.fail());
      for (const sender of senders) {
        const packet = packetOver(network, [node, target]);
        sent.push({ tail: packet.slice(-32), round });
        node.account.mailbox.put(by(carrierTo(network, node, [packet]), sender));
      }
    }
    network.world.forget();
    await node.turn();
    const out = network.world.observed.filter(({ to }) => to === target.account.address);
    target.account.mailbox.rebuild('INBOX');
    second(network).account.mailbox.rebuild('INBOX');
    for (const { raw } of out) arrived += (sliceCarrierMail(raw, nodeBase64) ?? []).length > 0 ? 1 : 0;
    const counted = node.store.waiting(Infinity).filter(({ to }) => to.kind === 'node' && to.nextHop === target.nodeId);
    heldRounds += counted.length;
    most = Math.max(most, node.account.mailbox.uids().length);
    network.passMs(intervalMs);
  }
  const left = node.store
    .waiting(Infinity)
    .filter(({ to }) => to.kind === 'node' && to.nextHop === target.nodeId).length;
  const unread = node.account.mailbox
    .raws()
    .filter((raw) => !latin1(raw.subarray(0, 400)).includes('mallory@evil.test'));
  return { node, sent: sent.length, arrived, left, most, letter, unread, meanRounds: 1 + heldRounds / sent.length };
};

describe('a flood from one sender, of garbage, replays and packets that are good', () => {
  it(`at ${floodFactor} times what the node’s account may send keeps nobody else waiting`, async () => {
    const calm = await story(false);
    const flooded = await story(true);
    // Everything legitimate was read at once: nothing but the owner’s letter is left of others.
    expect(flooded.unread).toHaveLength(1);
    expect(flooded.arrived).toBeGreaterThan(0);
    expect(calm.meanRounds).toBeGreaterThanOrEqual(1);
    expect(flooded.meanRounds).toBeLessThanOrEqual(2 * calm.meanRounds);
    expect(flooded.left).toBeLessThanOrEqual(2 + calm.left);
    // The flooder has had his share, and a bounded number of mails that wait.
    expect(flooded.node.counted()['mail/over-backlog']).toBeGreaterThan(100);
    expect(flooded.most).toBeLessThanOrEqual(mostWaitingMails + 1);
    const read = flooded.node.counted()['in'] ?? 0;
    expect(read).toBeLessThan(flooded.sent + packetsPerSender * (rounds + 16));
    // The owner's letter is where it was, to the byte, though its subject is that of packets.
    expect(flooded.unread.some((raw) => equalBytes(raw, flooded.letter))).toBe(true);
  });
});
