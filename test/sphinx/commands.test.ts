import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import { Bug } from '../../src/base/errors.js';
import { nodeIdOf, type NodeId } from '../../src/base/ids.js';
import { decodeBlock, encodeForward, encodeLast, type LastCommand } from '../../src/sphinx/commands.js';
import { filled, reasonOf } from './world.js';

const blockBytes = 1189;
const id16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const address = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 254 })
  .map((codes) => String.fromCharCode(...codes));
const lastCommand: fc.Arbitrary<LastCommand> = fc.oneof(
  fc.constant({ kind: 'exit' } as const),
  fc.constant({ kind: 'drop' } as const),
  id16.map((loopId) => ({ kind: 'loop', loopId }) as const),
  fc.tuple(id16, address).map(([surbId, to]) => ({ kind: 'to-mailbox', surbId, address: to }) as const),
);

test('every last command comes back as it went in', () => {
  fc.assert(
    fc.property(lastCommand, (command) => {
      const block = encodeLast(command);
      expect(block.length).toBe(blockBytes);
      expect(decodeBlock(block)).toEqual(command);
    }),
  );
});

test('a forward command comes back as it went in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (delayMs) => {
      const command = {
        delayMs,
        nextHop: nodeIdOf(filled(32, 0xab)),
        mac: filled(32, 1),
        ciphertext: filled(1120, 2),
      };
      const block = encodeForward(command);
      expect(block.length).toBe(blockBytes);
      expect(decodeBlock(block)).toEqual({ kind: 'forward', ...command });
    }),
  );
});

test('any other block is a bad command, and a block that is one has no second encoding', () => {
  const code = fc.integer({ min: 0, max: 7 });
  fc.assert(
    fc.property(code, fc.uint8Array({ maxLength: 300 }), (first, rest) => {
      const block = new Uint8Array(blockBytes);
      block[0] = first;
      block.set(rest, 1);
      if (reasonOf(() => decodeBlock(block)) === 'packet/bad-command') return;
      const command = decodeBlock(block);
      expect(command.kind === 'forward' ? encodeForward(command) : encodeLast(command)).toEqual(block);
    }),
    { numRuns: 500 },
  );
});

test.each([-1, 0.5, 2 ** 32, Number.NaN])('a delay of %d ms is our own mistake', (delayMs) => {
  const command = { delayMs, nextHop: nodeIdOf(filled(32, 1)), mac: filled(32, 1), ciphertext: filled(1120, 2) };
  expect(() => encodeForward(command)).toThrow(Bug);
});

test.each(['', 'a b@example.org', 'a@example.org\r\nRCPT TO:<b@example.org>', 'ä@example.org', 'a'.repeat(255)])(
  'the address %j is our own mistake',
  (text) => {
    expect(() => encodeLast({ kind: 'to-mailbox', surbId: filled(16, 1), address: text })).toThrow(Bug);
  },
);

test.each([0, 15, 17])('an id of %d bytes is our own mistake', (idBytes) => {
  expect(() => encodeLast({ kind: 'loop', loopId: filled(idBytes, 1) })).toThrow(Bug);
  expect(() => encodeLast({ kind: 'to-mailbox', surbId: filled(idBytes, 1), address: 'a@b.example' })).toThrow(Bug);
});

test.each(['', 'ab', 'a'.repeat(62), 'a'.repeat(66), 'x'.repeat(64)])('the next hop %j is our own mistake', (text) => {
  const command = { delayMs: 0, nextHop: text as NodeId, mac: filled(32, 1), ciphertext: filled(1120, 2) };
  expect(() => encodeForward(command)).toThrow(Bug);
});

test('a hop reads an address of 254 characters at most, and nothing that could end a line', () => {
  const blockOf = (text: string, lengthByte = text.length): Uint8Array => {
    const block = new Uint8Array(blockBytes);
    block[0] = 3;
    block.set(filled(16, 1), 1);
    block[17] = lengthByte;
    block.set(ascii(text), 18);
    return block;
  };
  for (const text of ['!', '~', 'a'.repeat(254)])
    expect(decodeBlock(blockOf(text))).toEqual({ kind: 'to-mailbox', surbId: filled(16, 1), address: text });
  for (const text of ['', 'a'.repeat(255), 'a b', 'a\r\nb', ' a', 'a ', 'a\x7f'])
    expect([text, reasonOf(() => decodeBlock(blockOf(text)))]).toEqual([text, 'packet/bad-command']);
  for (const lengthByte of [1, 3])
    expect(reasonOf(() => decodeBlock(blockOf('ab', lengthByte)))).toBe('packet/bad-command');
});

test.each([
  ['exit', 2, 1],
  ['drop', 5, 1],
  ['loop', 4, 17],
  ['to-mailbox', 3, 19],
])('behind what %s needs every byte is zero, the first and the last', (_, code, from) => {
  for (const at of [from, blockBytes - 1]) {
    const block = new Uint8Array(blockBytes);
    block[0] = code;
    if (code === 3) block.set([1, 0x61], 17);
    expect(reasonOf(() => decodeBlock(block))).toBe('accepted');
    block[at] = 1;
    expect(reasonOf(() => decodeBlock(block))).toBe('packet/bad-command');
  }
});
