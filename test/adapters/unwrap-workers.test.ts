import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { inlineUnwrapper, workerUnwrapper } from '../../src/adapters/unwrap-workers.js';
import type { LiveKey, Unwrapper } from '../../src/ports/unwrapper.js';
import { keyIdOf } from '../../src/sphinx/kem.js';
import { createDrop, createPacket } from '../../src/sphinx/packet.js';
import { createSurb, useSurb } from '../../src/sphinx/surb.js';
import { filled, flipped, hopsOf, lastCommands, native, nodeAt, rngOf } from '../sphinx/world.js';
import { compiled } from './compiled.js';

const js = compiled(['base', 'ports', 'sphinx', 'adapters']);
afterAll(() => rmSync(js, { recursive: true }));

const liveKey = (node: number): LiveKey => {
  const { key, seed } = nodeAt(node);
  return { keyId: keyIdOf(native, key.publicKey), seed };
};
const [old, current] = [liveKey(1), liveKey(0)];

const packetFor = (node: number): Uint8Array =>
  createPacket(native, {
    hops: [nodeAt(node).hop, ...hopsOf(4).slice(2)],
    last: { kind: 'exit' },
    payload: filled(10, node),
    rng: rngOf(node),
  });

const unwrappers: readonly (readonly [string, () => Unwrapper])[] = [
  ['inline', () => inlineUnwrapper(native)],
  ['on one worker', () => workerUnwrapper(1, new URL('adapters/unwrap-worker.js', js))],
  ['on two workers', () => workerUnwrapper(2, new URL('adapters/unwrap-worker.js', js))],
];

describe.each(unwrappers)('unwrapping %s', (_, open) => {
  const unwrapper = open();
  afterAll(() => unwrapper.close());

  test('finds the right one of the live keys, in the order of the packets', async () => {
    const packets = [packetFor(1), packetFor(0), packetFor(2), packetFor(1)];
    const results = await unwrapper.unwrap(packets, [current, old]);
    expect(results.map((result) => (result.kind === 'drop' ? result.reason : result.keyId))).toEqual([
      old.keyId,
      current.keyId,
      'packet/bad-mac',
      old.keyId,
    ]);
    expect(results[1]).toMatchObject({ unwrapped: { kind: 'forward', nextHop: nodeAt(2).hop.nodeId } });
  });

  test('gives for a hundred packets of every kind what one thread gives', async () => {
    const single = hopsOf(1);
    const rng = rngOf(11);
    const kinds = lastCommands.map((last) => createPacket(native, { hops: single, last, payload: filled(5, 5), rng }));
    const { surb } = createSurb(native, { hops: single, surbId: filled(16, 1), address: 'a@example.org', rng });
    const all = [
      ...kinds,
      useSurb(native, surb, filled(3, 3)).packet,
      createDrop(native, nodeAt(0).hop, rng),
      packetFor(0),
    ];
    const packets = Array.from({ length: 100 }, (_unused, i) => all[i % all.length] ?? filled(0, 0));
    packets[7] = filled(100, 1);
    packets[50] = flipped(packetFor(0), 8 * 40);
    packets[99] = filled(0, 0);
    const results = await unwrapper.unwrap(packets, [current]);
    expect(results.length).toBe(100);
    expect(results.slice(0, 12)).toEqual(
      (await inlineUnwrapper(native).unwrap(packets.slice(0, 12), [current])).slice(),
    );
    const reasons = results.flatMap((result, i) => (result.kind === 'drop' ? [[i, result.reason]] : []));
    expect(reasons).toEqual([
      [7, 'packet/bad-length'],
      [50, 'packet/bad-mac'],
      [99, 'packet/bad-length'],
    ]);
  });

  test('leaves the packets to their owner, who may hold them in one piece of memory', async () => {
    const mail = new Uint8Array(3 * 32_768);
    for (const i of [0, 1, 2]) mail.set(packetFor(0), i * 32_768);
    const before = mail.slice();
    const packets = [0, 1, 2].map((i) => mail.subarray(i * 32_768, (i + 1) * 32_768));
    const results = await unwrapper.unwrap(packets, [current]);
    expect(results.every(({ kind }) => kind === 'unwrapped')).toBe(true);
    expect(Buffer.compare(mail, before)).toBe(0);
  });

  test('answers several calls at once, each with its own', async () => {
    const [a, b, none] = await Promise.all([
      unwrapper.unwrap([packetFor(0)], [current]),
      unwrapper.unwrap([packetFor(1), packetFor(0)], [old]),
      unwrapper.unwrap([], [current]),
    ]);
    expect(a.map(({ kind }) => kind)).toEqual(['unwrapped']);
    expect(b.map(({ kind }) => kind)).toEqual(['unwrapped', 'drop']);
    expect(none).toEqual([]);
  });

  test('without a key drops everything', async () => {
    expect(await unwrapper.unwrap([packetFor(0)], [])).toEqual([{ kind: 'drop', reason: 'packet/bad-mac' }]);
  });
});

test('what waits when the workers are closed is told so, and so is what comes after', async () => {
  const unwrapper = workerUnwrapper(1, new URL('adapters/unwrap-worker.js', js));
  const waiting = expect(unwrapper.unwrap([packetFor(0)], [current])).rejects.toThrow('BUG');
  await unwrapper.close();
  await waiting;
  await expect(unwrapper.unwrap([packetFor(0)], [current])).rejects.toThrow('BUG');
});

test('a worker that can not run is told of', async () => {
  const unwrapper = workerUnwrapper(1, new URL('adapters/no-such-file.js', js));
  await expect(unwrapper.unwrap([packetFor(0)], [current])).rejects.toThrow('BUG');
  await unwrapper.close();
});
