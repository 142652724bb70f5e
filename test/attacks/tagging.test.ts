import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { PacketError } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { openHeader } from '../../src/sphinx/header.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { checkPayload, createPacket, unwrapPacket } from '../../src/sphinx/packet.js';
import { decryptWide } from '../../src/sphinx/sprp.js';
import { fakeNetwork } from '../fakes/network.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';

// A node, or whoever runs its mailbox, marks packets by flipping a bit, to recognize them at an exit.

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});

/** Alice's letter goes through the network; the first mail on its way has a bit of its real packet flipped. */
const flipped = async (atByte: number) => {
  const network = fakeNetwork({ ...quick, client: { receipts: false } });
  const bob = network.world.account(addressOfBob).mailbox;
  await network.client.submit(letter, [addressOfBob]);
  for (let round = 0; round < 20 && network.world.observed.length === 0; round++) {
    await network.client.turn();
    network.passMs(60_000);
  }
  const entry =
    network.nodes.find(({ account }) => account.mailbox.raws().length > 0) ?? expect.fail('nothing was sent');
  const [raw = new Uint8Array()] = entry.account.mailbox.raws();
  const [packet, ...others] = sliceCarrierMail(raw, nodeBase64) ?? expect.fail('no packets');
  if (packet === undefined || others.length > 0) return expect.fail('one packet');
  if (atByte >= 0) packet[atByte] = (packet[atByte] ?? 0) ^ 1;
  const bundle = joinBundle([packet], () => expect.fail('no filling'), network.rng);
  entry.account.mailbox.rebuild('INBOX');
  const { rng } = network;
  const from = network.client.account.address;
  entry.account.mailbox.put(
    composeCarrierMail({ from, to: entry.account.address, bundle, now: network.now(), rng }, nodeBase64),
  );
  await turns(network, 20);
  const total = (name: string): number => network.nodes.reduce((sum, node) => sum + (node.counted()[name] ?? 0), 0);
  return { total, delivered: bob.raws().length, observed: network.world.observed.length };
};

describe('a packet with a flipped bit', () => {
  it('in its payload crosses the network like any other and is nothing but noise at the exit', async () => {
    for (const at of [geometry.packetBytes - 1, geometry.packetBytes - 20_000, geometry.packetBytes - 25_600]) {
      const { total, delivered } = await flipped(at);
      expect(delivered).toBe(0);
      expect(total('packet/bad-payload')).toBe(1);
      // As far as the exit, and no farther: client to entry, entry to middle, middle to exit.
      expect(total('out')).toBe(2);
      expect(total('in')).toBe(2);
    }
  });

  it('in its header goes nowhere', async () => {
    for (const at of [1, 500, 1153, 1190, 4000, 7097]) {
      const { total, delivered, observed } = await flipped(at);
      expect(delivered).toBe(0);
      expect(observed).toBe(1);
      expect(total('packet/bad-mac')).toBe(1);
    }
  });

  it('would be seen to arrive otherwise: without the flip it does', async () => {
    const { total, delivered } = await flipped(-1);
    expect(delivered).toBe(1);
    expect(total('packet/bad-payload')).toBe(0);
  });
});

describe('a flipped bit in any byte of a packet', () => {
  const crypto = chooseCrypto();
  const rng = seededRng(new Uint8Array(32).fill(12));
  const mixes = [1, 2, 3].map((n) => {
    const key = expandKey(crypto, rng(32));
    return { key, nodeId: nodeIdOf(new Uint8Array(32).fill(n)), publicKey: key.publicKey, delayMs: 0 };
  });
  const [first = expect.fail(), last = expect.fail()] = [mixes[0], mixes.at(-1)];
  const payload = rng(20_000);
  const { packetBytes, integrityBytes, blockBytes, macBytes, at } = geometry;
  const mlKemCiphertextBytes = 1088;

  /** The packet as the first node gets it, or the last one. */
  const packetFor = (place: 'first' | 'last'): Uint8Array => {
    let packet = createPacket(crypto, { hops: mixes, last: { kind: 'exit' }, payload, rng });
    for (const { key } of place === 'first' ? [] : mixes.slice(0, -1)) {
      const unwrapped = unwrapPacket(crypto, key, packet);
      packet = unwrapped.kind === 'forward' ? unwrapped.packet : expect.fail('not forwarded');
    }
    return packet;
  };

  const reasonOf = (work: () => unknown): string => {
    try {
      work();
      return 'taken';
    } catch (error) {
      if (error instanceof PacketError) return error.code;
      throw error;
    }
  };

  /** Runs `work` on the packet with one bit flipped at each of these places, and puts it back. */
  const reasons = (
    packet: Uint8Array,
    bits: Iterable<readonly [at: number, mask: number]>,
    work: () => unknown,
  ): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const [place, mask] of bits) {
      packet[place] = (packet[place] ?? 0) ^ mask;
      const reason = reasonOf(work);
      counts[reason] = (counts[reason] ?? 0) + 1;
      packet[place] = (packet[place] ?? 0) ^ mask;
    }
    return counts;
  };

  /** A bit of each byte from `from` on: another one in each of its neighbors. */
  const oneOfEach = (from: number, to: number): readonly (readonly [number, number])[] =>
    Array.from({ length: to - from }, (_, i) => [from + i, 1 << ((from + i) % 8)]);
  const allOf = (places: readonly number[]): readonly (readonly [number, number])[] =>
    places.flatMap((place) => Array.from({ length: 8 }, (_, bit) => [place, 1 << bit] as const));

  it('of the header is refused by the first node that gets it', () => {
    const packet = packetFor('first');
    expect(reasonOf(() => openHeader(crypto, first.key, packet))).toBe('taken');
    // The KEM's arithmetic takes most of the time, and behind its ciphertext always comes to the same.
    const secret = first.key.mlKem.decapsulate(packet.slice(at.ciphertext, at.ciphertext + mlKemCiphertextBytes));
    const known = { ...first.key, mlKem: { ...first.key.mlKem, decapsulate: () => secret } };
    const open = (): unknown => openHeader(crypto, first.key, packet);
    const openBehind = (): unknown => openHeader(crypto, known, packet);
    expect(reasonOf(openBehind)).toBe('taken');
    expect(reasons(packet, oneOfEach(0, at.mac), open)).toEqual({
      'packet/bad-version': 1,
      'packet/bad-mac': at.mac - 1,
    });
    expect(reasons(packet, oneOfEach(at.mac, at.payload), openBehind)).toEqual({
      'packet/bad-mac': at.payload - at.mac,
    });
    // Each bit where one part ends and the next begins, and all of the MAC.
    const edges = [at.ciphertext, at.mac - 1, at.routing, at.routing + blockBytes - 1, at.payload - 1];
    expect(reasons(packet, allOf(edges), open)).toEqual({ 'packet/bad-mac': 8 * edges.length });
    const mac = Array.from({ length: macBytes }, (_, i) => at.mac + i);
    expect(reasons(packet, allOf(mac), openBehind)).toEqual({ 'packet/bad-mac': 8 * macBytes });
    expect(reasonOf(open)).toBe('taken');
  });

  it('of the payload leaves nothing but noise at the exit, which drops it', () => {
    const packet = packetFor('last');
    // The header is opened once: it is the same for all of these.
    const { payloadKey } = openHeader(crypto, last.key, packet);
    const check = (): unknown =>
      checkPayload(
        decryptWide(crypto, payloadKey, [
          packet.subarray(at.payload, at.payload + integrityBytes),
          packet.subarray(at.payload + integrityBytes),
        ]),
      );
    expect(reasonOf(check)).toBe('taken');
    const right = at.payload + integrityBytes;
    expect(reasons(packet, oneOfEach(at.payload, packetBytes), check)).toEqual({
      'packet/bad-payload': packetBytes - at.payload,
    });
    expect(reasonOf(() => unwrapPacket(crypto, last.key, packet))).toBe('taken');
    const places = [at.payload, right - 1, right, right + 12_000, packetBytes - 1];
    const unwrap = (): unknown => unwrapPacket(crypto, last.key, packet);
    expect(reasons(packet, allOf(places), unwrap)).toEqual({ 'packet/bad-payload': 8 * places.length });
  });

  it('of the payload changes half of all its bits at the next hop, wherever it was: no mark comes through', () => {
    const packet = packetFor('first');
    const onward = (): Uint8Array => {
      const unwrapped = unwrapPacket(crypto, first.key, packet);
      return unwrapped.kind === 'forward' ? unwrapped.packet : expect.fail('not forwarded');
    };
    const straight = onward();
    for (let place = at.payload; place < packetBytes; place += 1283) {
      packet[place] = (packet[place] ?? 0) ^ 1;
      const marked = onward();
      packet[place] = (packet[place] ?? 0) ^ 1;
      expect(marked.subarray(0, at.payload)).toEqual(straight.subarray(0, at.payload));
      // In each tenth of it about half: 20,536 bits, so five standard deviations are 1.7 %.
      const tenth = (packetBytes - at.payload) / 10;
      for (let part = 0; part < 10; part++) {
        let changed = 0;
        for (let i = at.payload + part * tenth; i < at.payload + (part + 1) * tenth; i++)
          for (let bits = (marked[i] ?? 0) ^ (straight[i] ?? 0); bits > 0; bits &= bits - 1) changed++;
        expect(Math.abs(changed / (8 * tenth) - 0.5)).toBeLessThan(0.025);
      }
    }
  });
});
