import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bug } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
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
