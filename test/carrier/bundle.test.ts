import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, toHex } from '../../src/base/bytes.js';
import { bundleClassFor, joinBundle, planBundles, splitBundle } from '../../src/carrier/bundle.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { packetOf, packetsOf, rngOf } from './packets.js';

const { packetBytes } = geometry;

const names = (packets: readonly Uint8Array[]): string[] => packets.map((packet) => toHex(packet.subarray(0, 16)));

describe('a bundle', () => {
  test('has one of four sizes, whatever it carries', () => {
    expect([1, 2, 4, 5, 16, 17, 64].map(bundleClassFor)).toEqual([1, 4, 4, 16, 16, 64, 64]);
    expect(() => bundleClassFor(0)).toThrow('BUG');
    expect(() => bundleClassFor(65)).toThrow('BUG');
  });

  test('gives its packets back among drop packets, none of them in a place of its own', () => {
    const rng = rngOf(1);
    const packets = packetsOf(3, rng);
    const drops: Uint8Array[] = [];
    const makeDrop = () => {
      const drop = packetOf(rng);
      drops.push(drop);
      return drop;
    };
    const places = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const found = names(splitBundle(joinBundle(packets, makeDrop, rng)) ?? []);
      expect(found).toHaveLength(4);
      expect([...found].sort()).toEqual(names([...packets, ...drops.splice(0)]).sort());
      places.add(
        names(packets)
          .map((name) => found.indexOf(name))
          .join(),
      );
    }
    // 24 orders are possible; a bundle that isn't shuffled shows one.
    expect(places.size).toBeGreaterThan(10);
  });

  test('that is full needs no drop packets', () => {
    const rng = rngOf(2);
    const noDrop = (): never => expect.fail('a drop packet was made');
    expect(splitBundle(joinBundle(packetsOf(16, rng), noDrop, rng))).toHaveLength(16);
  });

  test('is refused by its maker if something in it is no packet', () => {
    const rng = rngOf(3);
    expect(() => joinBundle([rng(packetBytes - 1)], () => packetOf(rng), rng)).toThrow('BUG');
    expect(() => joinBundle(packetsOf(2, rng), () => new Uint8Array(packetBytes), rng)).toThrow('BUG');
  });

  test("is never somebody's attachment of the same size", () => {
    expect(splitBundle(new Uint8Array(packetBytes))).toBeUndefined();
    const rng = rngOf(4);
    const [first, second, third] = packetsOf(3, rng) as [Uint8Array, Uint8Array, Uint8Array];
    expect(splitBundle(concat(first, second, third, new Uint8Array(packetBytes)))).toBeUndefined();
    expect(splitBundle(concat(first, second, third, packetOf(rng)))).toHaveLength(4);
  });

  test('of a length between the classes, or of any small bytes, is none', () => {
    const rng = rngOf(5);
    for (const count of [0, 2, 3, 5, 17]) expect(splitBundle(concat(...packetsOf(count, rng)))).toBeUndefined();
    expect(splitBundle(packetOf(rng).subarray(1))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => splitBundle(bytes) === undefined));
  });
});

describe('the plan for many packets', () => {
  test('takes the fewest mails, then the least filling', () => {
    expect(planBundles(0)).toEqual([]);
    expect(planBundles(64)).toEqual([64]);
    expect(planBundles(65)).toEqual([64, 1]);
    expect(planBundles(140)).toEqual([64, 64, 16]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (count) => {
        const plan = planBundles(count);
        const room = plan.reduce((sum, size) => sum + size, 0);
        expect(room).toBeGreaterThanOrEqual(count);
        expect(plan).toHaveLength(Math.ceil(count / 64));
        expect(room - (plan.at(-1) ?? 0)).toBeLessThan(count);
      }),
    );
  });
});
