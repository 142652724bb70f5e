import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bug } from '../../src/base/errors.js';
import { encodeLast } from '../../src/sphinx/commands.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { createHeader, openHeader } from '../../src/sphinx/header.js';
import { nobleCrypto } from '../../src/sphinx/noble-crypto.js';
import { createDrop, createPacket, unwrapPacket } from '../../src/sphinx/packet.js';
import { filled, flipped, hopsOf, lastCommands, native, nodeAt, nodes, reasonOf, rngOf, travel } from './world.js';

const { packetBytes, headerBytes, userPayloadBytes } = geometry;
const exit = { kind: 'exit' } as const;
const message = filled(1000, 0x6d);
const packetOf = (hopCount: number, seed = 1): Uint8Array =>
  createPacket(native, { hops: hopsOf(hopCount), last: exit, payload: message, rng: rngOf(seed) });

test('the lengths are those of the specification', () => {
  expect(packetBytes).toBe(32_768);
  expect(headerBytes).toBe(7098);
  expect(geometry.blockBytes).toBe(1189);
  expect(geometry.routingBytes).toBe(5945);
  expect(geometry.payloadBytes).toBe(25_670);
  expect(userPayloadBytes).toBe(25_638);
  expect(geometry.surbBytes).toBe(7162);
});

describe('a packet on its way', () => {
  test.each([1, 2, 3, 4, 5].flatMap((hopCount) => lastCommands.map((last) => ({ hopCount, last }))))(
    'over $hopCount hops does $last.kind at the end',
    ({ hopCount, last }) => {
      const payload = rngOf(9)(userPayloadBytes);
      const packet = createPacket(native, { hops: hopsOf(hopCount), last, payload, rng: rngOf(hopCount) });
      const { packets, steps, end } = travel(packet);
      expect(steps.length).toBe(hopCount);
      for (const each of packets) expect(each.length).toBe(packetBytes);
      steps.slice(0, -1).forEach((step, i) => {
        expect(step).toMatchObject({
          kind: 'forward',
          nextHop: nodeAt(i + 1).hop.nodeId,
          delayMs: nodeAt(i).hop.delayMs,
        });
      });
      expect(end).toMatchObject(last);
      if (end.kind === 'exit') expect(end.payload).toEqual(payload);
      const tags = new Set(steps.map(({ replayTag }) => replayTag.join()));
      expect(tags.size).toBe(hopCount);
      for (const { replayTag } of steps) expect(replayTag.length).toBe(32);
    },
  );

  test('a shorter payload arrives with zeros behind it', () => {
    const { end } = travel(packetOf(2));
    const expected = new Uint8Array(userPayloadBytes);
    expected.set(message);
    expect(end.kind === 'exit' && end.payload).toEqual(expected);
  });

  test('unwraps to the same twice: refusing the second is the business of the replay tag', () => {
    const packet = packetOf(1);
    expect(unwrapPacket(native, nodeAt(0).key, packet)).toEqual(unwrapPacket(native, nodeAt(0).key, packet));
  });

  test('shares no longer run of bytes with what came in', () => {
    const { packets } = travel(packetOf(5));
    // 8-byte windows at every offset of one packet, looked for at every offset of all the others.
    const seen = new Map<string, number>();
    packets.forEach((packet, i) => {
      const text = Buffer.from(packet).toString('latin1');
      for (let from = 0; from + 8 <= text.length; from++) {
        const window = text.slice(from, from + 8);
        expect(seen.get(window) ?? i).toBe(i);
        seen.set(window, i);
      }
    });
  }, 20_000);

  test('leaves its arguments as they were', () => {
    const packet = packetOf(2);
    const before = packet.slice();
    unwrapPacket(native, nodeAt(0).key, packet);
    expect(packet).toEqual(before);
    expect(message).toEqual(filled(1000, 0x6d));
  });
});

describe('a packet is made', () => {
  test('byte for byte the same by both backends from the same randomness', () => {
    for (const last of lastCommands) {
      const content = { hops: hopsOf(3), last, payload: message };
      const one = createPacket(native, { ...content, rng: rngOf(4) });
      const other = createPacket(nobleCrypto, { ...content, rng: rngOf(4) });
      expect(Buffer.compare(one, other)).toBe(0);
      expect(travel(one, nobleCrypto).end).toEqual(travel(other).end);
    }
  });

  test('with all its randomness from rng: the same twice, another under another seed', () => {
    expect(packetOf(3)).toEqual(packetOf(3));
    expect(packetOf(3, 2)).not.toEqual(packetOf(3));
  });

  test('only for 1 to 5 hops with keys, and a payload that fits', () => {
    const content = { hops: hopsOf(1), last: exit, payload: message, rng: rngOf(1) };
    const broken = [{ ...nodeAt(0).hop, publicKey: filled(1216, 0xff) }];
    expect(() => createPacket(native, { ...content, hops: [] })).toThrow(Bug);
    expect(() => createPacket(native, { ...content, hops: [...hopsOf(5), nodeAt(0).hop] })).toThrow(Bug);
    expect(() => createPacket(native, { ...content, hops: broken })).toThrow(Bug);
    expect(() => createPacket(native, { ...content, payload: new Uint8Array(userPayloadBytes + 1) })).toThrow(Bug);
  });

  test('to fill a bundle: one hop, and it throws it away', () => {
    const packet = createDrop(native, nodeAt(0).hop, rngOf(3));
    expect(packet.length).toBe(packetBytes);
    expect(packet).toEqual(createDrop(nobleCrypto, nodeAt(0).hop, rngOf(3)));
    expect(unwrapPacket(native, nodeAt(0).key, packet)).toMatchObject({ kind: 'drop' });
  });
});

describe('the path length', () => {
  test.each([1, 2, 3, 4])('of %d hops leaves no zeros for the last hop to count', (hopCount) => {
    const { header } = createHeader(native, { hops: hopsOf(hopCount), lastBlock: encodeLast(exit) }, rngOf(hopCount));
    let rest = header;
    for (let i = 0; i < hopCount; i++) {
      const { command, nextRouting } = openHeader(native, nodeAt(i).key, rest);
      if (command.kind === 'forward') {
        rest = header.slice();
        rest.set(command.ciphertext, 1);
        rest.set(command.mac, 1121);
        rest.set(nextRouting, 1153);
        continue;
      }
      // What the last hop sees behind its own block: 1 byte in 256 is zero, as in random bytes.
      let zeros = 0;
      for (const byte of nextRouting) if (byte === 0) zeros++;
      expect(zeros).toBeLessThan((nextRouting.length / 256) * 2);
    }
  });
});

describe('a changed packet', () => {
  const packet = packetOf(3);

  test('in any bit of the header is dropped by the next hop', () => {
    const bits = fc.integer({ min: 0, max: 8 * headerBytes - 1 });
    fc.assert(
      fc.property(bits, (bit) => {
        const reason = reasonOf(() => unwrapPacket(native, nodeAt(0).key, flipped(packet, bit)));
        expect(reason).toBe(bit < 8 ? 'packet/bad-version' : 'packet/bad-mac');
      }),
      { numRuns: 150, examples: [[0], [7], [8], [8 * 1088], [8 * 1121 - 1], [8 * 1121], [8 * 1153], [8 * 7098 - 1]] },
    );
  });

  test('in the header a later hop gets is dropped by that hop', () => {
    const second = travel(packet).packets[1] ?? packet;
    for (const bit of [8, 8 * 1121, 8 * 1153, 8 * (7098 - 1189), 8 * 7098 - 1])
      expect(reasonOf(() => unwrapPacket(native, nodeAt(1).key, flipped(second, bit)))).toBe('packet/bad-mac');
  });

  test('in any bit of the payload, at any hop, is dropped by the exit and by no hop before it', () => {
    const { packets } = travel(packet);
    const bits = fc.integer({ min: 8 * headerBytes, max: 8 * packetBytes - 1 });
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 2 }), (bit, at) => {
        let current = flipped(packets[at] ?? packet, bit);
        for (let hop = at; hop < 2; hop++) {
          const step = unwrapPacket(native, nodeAt(hop).key, current);
          if (step.kind !== 'forward') throw new Error('ended early');
          current = step.packet;
        }
        expect(reasonOf(() => unwrapPacket(native, nodeAt(2).key, current))).toBe('packet/bad-payload');
      }),
      {
        numRuns: 30,
        examples: [
          [8 * headerBytes, 0],
          [8 * packetBytes - 1, 2],
        ],
      },
    );
  });

  test('with the payload of another packet is dropped by the exit', () => {
    const other = packetOf(3, 2).slice();
    other.set(packet.subarray(0, headerBytes));
    expect(reasonOf(() => travel(other))).toBe('packet/bad-payload');
  });

  test.each([0, 1, packetBytes - 1, packetBytes + 1])('to %d bytes has a bad length', (lengthBytes) => {
    const changed = new Uint8Array(lengthBytes);
    changed.set(packet.subarray(0, lengthBytes));
    expect(reasonOf(() => unwrapPacket(native, nodeAt(0).key, changed))).toBe('packet/bad-length');
  });

  test('is dropped by every node it was not made for', () => {
    for (const { key } of nodes.slice(1))
      expect(reasonOf(() => unwrapPacket(native, key, packet))).toBe('packet/bad-mac');
  });
});

test('any bytes at all are a drop with a reason', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.boolean(), (bytes, wholeLength) => {
      const packet = wholeLength ? new Uint8Array(packetBytes) : bytes;
      for (let at = 0; wholeLength && at < packetBytes; at += bytes.length)
        packet.set(bytes.subarray(0, packetBytes - at), at);
      if (wholeLength) packet[0] = 1;
      expect(reasonOf(() => unwrapPacket(native, nodeAt(0).key, packet))).toBe(
        wholeLength ? 'packet/bad-mac' : 'packet/bad-length',
      );
    }),
    { numRuns: 60 },
  );
});
