import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../../src/base/bytes.js';
import { expandKey } from '../../src/sphinx/kem.js';
import { unwrapPacket } from '../../src/sphinx/packet.js';
import { makeVectors } from '../vectors/make.js';
import { backends, filled, reasonOf } from './world.js';

/** `npx vitest run test/sphinx/vectors -u` writes the file anew, which changes the protocol. */
const file = '../vectors/sphinx.json';

interface Wrong {
  readonly name: string;
  readonly reason: string;
}
interface Vectors {
  readonly wrong: {
    readonly sound: string;
    readonly lengths: readonly { readonly lengthBytes: number; readonly reason: string }[];
    readonly changes: readonly (Wrong & { readonly at: number; readonly xor: string })[];
    readonly replacements: readonly (Wrong & { readonly at: number; readonly with: string })[];
    readonly otherKey: { readonly seed: string; readonly reason: string };
    readonly soundLoopHeader: string;
    readonly headers: readonly (Wrong & { readonly header: string })[];
    readonly notWrong: readonly { readonly name: string; readonly header: string; readonly kind: string }[];
  };
}

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

describe.each(backends)('the vectors on $name', (crypto) => {
  test('are what this implementation makes', async () => {
    await expect(`${JSON.stringify(makeVectors(crypto), null, 1)}\n`).toMatchFileSnapshot(file);
  });

  const { wrong } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Vectors;
  const key = expandKey(crypto, filled(32, 1));
  const sound = fromBase64(wrong.sound);
  const verdict = (packet: Uint8Array): string => reasonOf(() => unwrapPacket(crypto, key, packet));

  test('begin with a sound packet', () => expect(unwrapPacket(crypto, key, sound).kind).toBe('exit'));

  test.each(wrong.lengths)('a packet of $lengthBytes bytes is $reason', ({ lengthBytes, reason }) =>
    expect(verdict(concat(sound, filled(1, 0)).subarray(0, lengthBytes))).toBe(reason),
  );

  test.each(wrong.changes)('changed in the $name it is $reason', ({ at, xor, reason }) => {
    const packet = sound.slice();
    packet[at] = (packet[at] ?? 0) ^ (bytes(xor)[0] ?? 0);
    expect(verdict(packet)).toBe(reason);
  });

  test.each(wrong.replacements)('with $name it is $reason', ({ at, with: replacement, reason }) => {
    const packet = sound.slice();
    packet.set(bytes(replacement), at);
    expect(verdict(packet)).toBe(reason);
  });

  test('unwrapped with the key of another it has a bad MAC', () =>
    expect(reasonOf(() => unwrapPacket(crypto, expandKey(crypto, bytes(wrong.otherKey.seed)), sound))).toBe(
      wrong.otherKey.reason,
    ));

  const withZeros = (header: string): Uint8Array => concat(fromBase64(header), filled(25_670, 0));

  test('a loop with a payload of another has a bad payload', () =>
    expect(verdict(withZeros(wrong.soundLoopHeader))).toBe('packet/bad-payload'));

  test.each(wrong.headers)('$name is $reason', ({ header, reason }) => expect(verdict(withZeros(header))).toBe(reason));

  test.each(wrong.notWrong)('$name is $kind', ({ header, kind }) =>
    expect(unwrapPacket(crypto, key, withZeros(header)).kind).toBe(kind),
  );
});
