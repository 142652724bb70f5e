import { describe, expect, test } from 'vitest';
import { Bug } from '../../src/base/errors.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { decapsulate, encapsulate } from '../../src/sphinx/kem.js';
import { createMailboxPacket, readMailboxPacket } from '../../src/sphinx/mailbox.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { unwrapPacket } from '../../src/sphinx/packet.js';
import { createSurb, openSurb, useSurb } from '../../src/sphinx/surb.js';
import { backends, filled, hopsOf, native, nodeAt, reasonOf, rngOf, travel } from './world.js';

const { at, payloadBytes, packetBytes } = geometry;
const surbId = filled(16, 0x51);
const content = { surbId, payload: rngOf(1)(payloadBytes) };
const decoy = nodeAt(3).hop;
const packetOf = (seed = 2, crypto = native): Uint8Array =>
  createMailboxPacket(crypto, { ...content, decoy, rng: rngOf(seed) });

describe('a packet for a mailbox', () => {
  test.each([1, 3, 5])('brings the maker of a reply block what was sent over its %d hops', (hopCount) => {
    const reply = rngOf(6)(2000);
    const address = 'alice@example.org';
    const { surb, opener } = createSurb(native, { hops: hopsOf(hopCount), surbId, address, rng: rngOf(5) });
    const { steps, end } = travel(useSurb(native, surb, reply).packet);
    expect(steps.map(({ kind }) => kind)).toEqual([...filledWith(hopCount - 1, 'forward'), 'to-mailbox']);
    if (end.kind !== 'to-mailbox') expect.fail('went elsewhere');
    expect(end.address).toBe(address);
    const packet = createMailboxPacket(native, { surbId: end.surbId, payload: end.payload, decoy, rng: rngOf(7) });
    expect(packet.length).toBe(packetBytes);
    const arrived = readMailboxPacket(packet);
    expect(arrived.surbId).toEqual(surbId);
    const opened = openSurb(native, opener, arrived.payload);
    expect(opened.subarray(0, reply.length)).toEqual(reply);
  });

  test('has its parts where the specification puts them', () => {
    const packet = packetOf();
    expect(packet[0]).toBe(1);
    expect(packet.subarray(1121, 1137)).toEqual(surbId);
    expect(packet.subarray(7098)).toEqual(content.payload);
    expect(readMailboxPacket(packet)).toEqual(content);
  });

  test.each(backends)('has a KEM ciphertext like any other: one that was made for a node ($name)', (crypto) => {
    const ciphertext = packetOf(2, crypto).subarray(at.ciphertext, at.mac);
    const eseed = rngOf(2)(geometry.encapsulationSeedBytes);
    expect(encapsulate(crypto, decoy.publicKey, eseed)?.secret).toEqual(
      decapsulate(crypto, nodeAt(3).key, ciphertext) ?? new Uint8Array(),
    );
    for (let seed = 10; seed < 30; seed++) expect((packetOf(seed, crypto)[at.mac - 1] ?? 255) & 0x80).toBe(0);
  });

  test('shares nothing but id and payload with another for the same answer', () => {
    const [a, b] = [packetOf(2), packetOf(3)];
    for (const [from, to] of [
      [at.ciphertext, at.mac],
      [at.mac + 16, at.routing],
      [at.routing, at.payload],
    ])
      expect(a.subarray(from, to)).not.toEqual(b.subarray(from, to));
  });

  test('is byte for byte the same from the same randomness, on both backends', () => {
    expect(packetOf()).toEqual(packetOf());
    expect(packetOf()).toEqual(packetOf(2, nobleCrypto));
  });

  test('is none to a node, not even to its decoy', () => {
    for (const { key } of [nodeAt(0), nodeAt(3)])
      expect(reasonOf(() => unwrapPacket(native, key, packetOf()))).toBe('packet/bad-mac');
  });

  test('takes an id of 16 bytes and a payload as the last hop found it', () => {
    for (const wrong of [{ surbId: filled(15, 1) }, { payload: content.payload.subarray(1) }])
      expect(() => createMailboxPacket(native, { ...content, ...wrong, decoy, rng: rngOf(2) })).toThrow(Bug);
  });

  test('is read from any packet, and from nothing else', () => {
    expect(reasonOf(() => readMailboxPacket(packetOf().subarray(1)))).toBe('packet/bad-length');
    expect(reasonOf(() => readMailboxPacket(filled(packetBytes, 2)))).toBe('packet/bad-version');
    expect(reasonOf(() => readMailboxPacket(filled(packetBytes, 1)))).toBe('accepted');
  });
});

const filledWith = (count: number, kind: string): readonly string[] => Array.from({ length: count }, () => kind);
