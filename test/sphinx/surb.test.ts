import { describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { Bug } from '../../src/base/errors.js';
import type { NodeId } from '../../src/base/ids.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { createPacket, unwrapPacket } from '../../src/sphinx/packet.js';
import { createSurb, firstHopOf, openSurb, useSurb, type CreatedSurb } from '../../src/sphinx/surb.js';
import { filled, flipped, hopsOf, native, nodeAt, reasonOf, rngOf, travel } from './world.js';

const { surbBytes, packetBytes, payloadBytes, userPayloadBytes, headerBytes } = geometry;
const surbId = filled(16, 0x51);
const address = 'alice@example.org';
const surbOf = (hopCount: number, crypto = native): CreatedSurb =>
  createSurb(crypto, { hops: hopsOf(hopCount), surbId, address, rng: rngOf(5) });
const reply = rngOf(6)(2000);

/** Sends a reply over the hops and gives what is delivered to the mailbox. */
const delivered = (packet: Uint8Array): Uint8Array => {
  const { end } = travel(packet);
  if (end.kind !== 'to-mailbox') throw new Error('went elsewhere');
  expect(end.surbId).toEqual(surbId);
  expect(end.address).toBe(address);
  return end.payload;
};

describe('a reply', () => {
  test.each([1, 2, 3, 4, 5])('over %d hops is read by the maker of the reply block', (hopCount) => {
    const { surb, opener } = surbOf(hopCount);
    expect(surb.length).toBe(surbBytes);
    const { firstHop, packet } = useSurb(native, surb, reply);
    expect(firstHop).toBe(nodeAt(0).hop.nodeId);
    expect(packet.length).toBe(packetBytes);
    const payload = delivered(packet);
    expect(payload.length).toBe(payloadBytes);
    const opened = openSurb(native, opener, payload);
    expect(opened.length).toBe(userPayloadBytes);
    expect(opened.subarray(0, reply.length)).toEqual(reply);
    expect(opened.subarray(reply.length).every((byte) => byte === 0)).toBe(true);
  });

  test('is a packet like a forward one to every hop before the last', () => {
    const forward = createPacket(native, { hops: hopsOf(3), last: { kind: 'exit' }, payload: reply, rng: rngOf(7) });
    const { packet } = useSurb(native, surbOf(3).surb, reply);
    const [a, b] = [travel(forward), travel(packet)];
    expect(a.packets.map(({ length }) => length)).toEqual(b.packets.map(({ length }) => length));
    expect(a.steps.slice(0, -1).map((step) => Object.keys(step))).toEqual(
      b.steps.slice(0, -1).map((step) => Object.keys(step)),
    );
  });

  test('cannot be read by the last hop, which holds the mailbox address', () => {
    const payload = delivered(useSurb(native, surbOf(2).surb, reply).packet);
    expect(Buffer.from(payload).includes(Buffer.from(reply.subarray(0, 8)))).toBe(false);
  });

  test('changed in one bit of its payload on the way is refused by its reader, and by no hop', () => {
    const { surb, opener } = surbOf(3);
    const { packet } = useSurb(native, surb, reply);
    for (const bit of [8 * headerBytes, 8 * 20_000, 8 * packetBytes - 1])
      expect(reasonOf(() => openSurb(native, opener, delivered(flipped(packet, bit))))).toBe('packet/bad-payload');
  });

  test('changed in its header is dropped by the first hop', () => {
    const { surb } = surbOf(3);
    const { packet } = useSurb(native, flipped(surb, 8 * 3000), reply);
    expect(reasonOf(() => unwrapPacket(native, nodeAt(0).key, packet))).toBe('packet/bad-mac');
  });

  test('to another reply block is refused', () => {
    const other = createSurb(native, { hops: hopsOf(3), surbId, address, rng: rngOf(8) });
    const payload = delivered(useSurb(native, surbOf(3).surb, reply).packet);
    expect(reasonOf(() => openSurb(native, other.opener, payload))).toBe('packet/bad-payload');
    expect(reasonOf(() => openSurb(native, other.opener, payload.subarray(1)))).toBe('packet/bad-length');
  });

  test('with the same block a second time has the replay tag of the first', () => {
    const { surb } = surbOf(2);
    const tag = (payload: Uint8Array): Uint8Array =>
      unwrapPacket(native, nodeAt(0).key, useSurb(native, surb, payload).packet).replayTag;
    expect(tag(reply)).toEqual(tag(filled(10, 1)));
  });
});

describe('a reply block', () => {
  test('is byte for byte the same from both backends, and so is its use', () => {
    const [a, b] = [surbOf(3), surbOf(3, nobleCrypto)];
    expect(a).toEqual(b);
    expect(useSurb(native, a.surb, reply)).toEqual(useSurb(nobleCrypto, b.surb, reply));
  });

  test('of another length or version is none', () => {
    const { surb } = surbOf(1);
    expect(reasonOf(() => useSurb(native, surb.subarray(1), reply))).toBe('packet/bad-length');
    expect(reasonOf(() => useSurb(native, flipped(surb, 8 * 32), reply))).toBe('packet/bad-version');
  });

  test('tells its first hop, and nothing else does', () => {
    const { surb } = surbOf(3);
    expect(firstHopOf(surb)).toBe(nodeAt(0).hop.nodeId);
    expect(firstHopOf(surb.subarray(1))).toBeUndefined();
    expect(firstHopOf(surb.subarray(0, -1))).toBeUndefined();
    expect(firstHopOf(concat(surb, filled(1, 0)))).toBeUndefined();
    expect(firstHopOf(flipped(surb, 8 * 32))).toBeUndefined();
  });

  test('takes a payload that fits, and an opener opens only what is one', () => {
    const { surb, opener } = surbOf(1);
    expect(() => useSurb(native, surb, new Uint8Array(userPayloadBytes + 1))).toThrow(Bug);
    const keys = (count: number): Uint8Array => rngOf(7)(32 * count);
    for (const wrong of [opener.subarray(1), new Uint8Array(0), keys(1), keys(7)])
      expect(() => openSurb(native, wrong, new Uint8Array(payloadBytes))).toThrow(Bug);
    for (const count of [2, 6])
      expect(reasonOf(() => openSurb(native, keys(count), new Uint8Array(payloadBytes)))).toBe('packet/bad-payload');
  });

  test('has a first hop that can be named: another is our own mistake', () => {
    for (const nodeId of ['', 'aa', 'aa'.repeat(33), 'x'.repeat(64)] as NodeId[]) {
      const hops = [{ ...nodeAt(0).hop, nodeId }];
      expect(() => createSurb(native, { hops, surbId, address, rng: rngOf(5) })).toThrow(Bug);
    }
    expect(() => createSurb(native, { hops: [], surbId, address, rng: rngOf(5) })).toThrow(Bug);
  });
});
