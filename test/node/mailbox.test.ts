import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { latin1, toHex } from '../../src/base/bytes.js';
import { sliceCarrierMail } from '../../src/carrier/carrier.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { readMailboxPacket } from '../../src/sphinx/mailbox.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNode } from '../fakes/network.js';
import { carrierTo, packetOver, quick } from './packets.js';

const last = ({ nodes }: FakeNetwork): FakeNode => nodes[0] ?? expect.fail('no node');

/** Brings the ends of that many replies to their last hop. */
const bring = (network: FakeNetwork, address: string, count = 1): readonly Uint8Array[] => {
  const ids = Array.from({ length: count }, () => network.rng(16));
  const packets = ids.map((surbId) =>
    packetOver(network, [last(network)], new Uint8Array(), { kind: 'to-mailbox', surbId, address }),
  );
  for (let at = 0; at < count; at += 64)
    last(network).account.mailbox.put(carrierTo(network, last(network), packets.slice(at, at + 64)));
  return ids;
};

/** The packets in the mails that account has got, a list a mail. */
const mailsOf = ({ world }: FakeNetwork, address: string): readonly (readonly Uint8Array[])[] =>
  world
    .account(address)
    .mailbox.raws()
    .map((raw) => sliceCarrierMail(raw, nodeBase64) ?? expect.fail('no carrier mail'));

const idsIn = (packets: readonly Uint8Array[]): readonly string[] =>
  packets.map((packet) => toHex(readMailboxPacket(packet).surbId));

describe('the end of a reply', () => {
  it('waits in the pool and leaves in a mail like those between nodes, filled up like them', async () => {
    const network = fakeNetwork(quick);
    const address = 'anna@home.test';
    network.world.account(address);
    const ids = bring(network, 'anna@HOME.test', 3);
    const beyond = packetOver(network, network.nodes.slice(0, 2));
    last(network).account.mailbox.put(carrierTo(network, last(network), [beyond]));
    await last(network).turn();
    expect(last(network).counted()).toMatchObject({ in: 4, mailbox: 3, out: 4 });
    const [packets = [], ...more] = mailsOf(network, address);
    expect(more).toEqual([]);
    expect(packets).toHaveLength(4);
    expect(packets.every(({ length }) => length === geometry.packetBytes)).toBe(true);
    for (const id of ids) expect(idsIn(packets)).toContain(toHex(id));
    // Apart from what varies in any of them, the mail is one to a node.
    const plain = (to: string): string =>
      latin1(network.world.observed.find((mail) => mail.to === to)?.raw ?? expect.fail('no mail'))
        .replaceAll(to, 'TO')
        .replace(/[0-9a-f]{32}@/, 'ID@')
        .replaceAll(/=_[0-9a-f]{32}/g, 'BOUNDARY')
        .replace(/(?<=base64\r\n\r\n)[^-]*/, '');
    expect(plain(address)).toBe(plain(network.nodes[1]?.account.address ?? ''));
  });

  it('for what is no mail address is dropped', async () => {
    const network = fakeNetwork(quick);
    for (const address of ['root', 'anna@localhost', 'a@b.test>,<c@d.test']) bring(network, address);
    await last(network).turn();
    expect(last(network).counted()).toEqual({ 'packet/unexpected': 3 });
    expect(network.world.observed).toEqual([]);
  });

  it('is kept while the mailbox takes no mails, and goes when it does', async () => {
    const network = fakeNetwork(quick);
    const address = 'anna@home.test';
    network.world.account(address);
    network.world.handle = ({ to }) =>
      to === address ? { outcome: { kind: 'refused', code: 552 }, taken: false } : undefined;
    bring(network, address);
    await last(network).turn();
    network.world.handle = () => undefined;
    network.passMs(60 * 60_000);
    await last(network).turn();
    expect(mailsOf(network, address)).toHaveLength(1);
  });
});

/** So much may come of everybody that no sender's share is in the way of these floods. */
const generous = { ...quick, rates: { perSender: 1_000_000, perNode: 1_000_000 } };

describe('a flood for one mailbox', () => {
  it('leaves as one full mail a flush, and holds nobody else up', async () => {
    const network = fakeNetwork(generous);
    for (const address of ['anna@home.test', 'bert@home.test']) network.world.account(address);
    const flood = bring(network, 'anna@home.test', 150);
    bring(network, 'bert@home.test', 2);
    const node = last(network);
    for (const left of [86, 22, 0]) {
      await node.turn();
      expect(node.store.waiting(Infinity)).toHaveLength(left);
      if (left === 86) expect(mailsOf(network, 'bert@home.test')).toHaveLength(1);
    }
    const mails = mailsOf(network, 'anna@home.test');
    expect(mails.map(({ length }) => length)).toEqual([64, 64, 64]);
    const got = new Set(mails.flatMap(idsIn));
    expect(flood.every((id) => got.has(toHex(id)))).toBe(true);
    // Who came first does not leave first.
    const first = new Set(mails[0] && idsIn(mails[0]));
    expect(flood.slice(0, 64).every((id) => first.has(toHex(id)))).toBe(false);
  });

  it('under its other names is bounded like one', async () => {
    const network = fakeNetwork(generous);
    for (const name of ['anna', 'Anna', 'anna+1', 'ANNA+2']) bring(network, `${name}@home.test`, 30);
    await last(network).turn();
    expect(last(network).store.waiting(Infinity)).toHaveLength(120 - 64);
  });

  it('or for many of them, leaves as few mails a flush, and all of it in the end', async () => {
    const network = fakeNetwork(generous);
    for (let i = 0; i < 64; i++) {
      network.world.account(`stranger${i}@away.test`);
      bring(network, `stranger${i}@away.test`);
    }
    const { account, turn } = last(network);
    account.mailbox.put(carrierTo(network, last(network), [packetOver(network, network.nodes.slice(0, 2))]));
    const gone: number[] = [];
    for (let flush = 0; flush < 3; flush++) {
      await turn();
      gone.push(network.world.observed.filter(({ to }) => /^stranger/.test(to)).length);
      expect(network.world.observed.filter(({ to }) => !/^stranger/.test(to))).toHaveLength(1);
    }
    expect(gone).toEqual([30, 60, 64]);
  });

  it('is no company for the packets of others', async () => {
    const network = fakeNetwork({
      ...generous,
      strictest: { minimum: 66, rate: 1 },
      parameters: { strategy: { kind: 'pool', minimum: 1, rate: 1 } },
    });
    const node = last(network);
    bring(network, 'anna@home.test', 150);
    node.account.mailbox.put(carrierTo(network, node, [packetOver(network, network.nodes.slice(0, 2))]));
    for (let i = 0; i < 5; i++) await node.turn();
    expect(network.world.observed).toEqual([]);
  });

  it('takes no room beyond a bound', async () => {
    const network = fakeNetwork(generous);
    const node = last(network);
    const entry = { kind: 'mailbox', address: 'anna@home.test', bytes: new Uint8Array(1) } as const;
    node.store.atomically(() => {
      for (let i = 0; i < 1998; i++) node.store.addToPool({ ...entry, readyAt: network.now() + 1e9 });
    });
    network.world.account('bert@home.test');
    bring(network, 'bert@home.test', 5);
    await node.turn();
    expect(node.counted()).toMatchObject({ mailbox: 2, 'packet/mailbox-full': 3, out: 2 });
  });
});
