import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { seededRng, shuffled } from '../../src/base/random.js';
import { cutFragments, type Fragment } from '../../src/message/fragment.js';
import {
  decideBlocks,
  decideFragment,
  joinFragments,
  type ReassemblyBounds,
  type StoredMessage,
  whereThereIsRoom,
} from '../../src/message/reassembly.js';

const id = messageIdOf(new Uint8Array(16));
const bounds: ReassemblyBounds = { maxMessageBytes: 100_000, maxOpenMessages: 2, maxFragments: 10, expiryMs: 1000 };
const fragment = (index: number, count: number, length = index === count - 1 ? 10 : 25_616): Fragment => ({
  messageId: id,
  index,
  count,
  data: new Uint8Array(length),
});
const open = (count: number, ...indexes: number[]): StoredMessage => ({ kind: 'open', count, indexes });

describe('a fragment', () => {
  test('alone in its message completes it, even while the exit takes no new ones', () => {
    expect(decideFragment(fragment(0, 1), undefined, 2, bounds)).toEqual({ kind: 'complete' });
  });

  test('that is the first of several is stored, while there is room for one more message', () => {
    expect(decideFragment(fragment(2, 3), undefined, 1, bounds)).toEqual({ kind: 'store' });
    expect(decideFragment(fragment(2, 3), undefined, 2, bounds)).toEqual({ kind: 'drop', reason: 'message/too-many' });
  });

  test('of an open message is stored until the last one missing completes it, however full the exit is', () => {
    expect(decideFragment(fragment(0, 3), open(3, 2), 9, bounds)).toEqual({ kind: 'store' });
    expect(decideFragment(fragment(1, 3), open(3, 2, 0), 9, bounds)).toEqual({ kind: 'complete' });
  });

  test('that is already there, or of a finished message, is dropped', () => {
    const known = { kind: 'drop', reason: 'message/already-known' };
    expect(decideFragment(fragment(2, 3), open(3, 2), 1, bounds)).toEqual(known);
    expect(decideFragment(fragment(0, 1), { kind: 'done' }, 0, bounds)).toEqual(known);
  });

  test('that claims another count than those before is dropped', () => {
    const bad = { kind: 'drop', reason: 'message/bad-fragment' };
    expect(decideFragment(fragment(0, 2), open(3, 2), 1, bounds)).toEqual(bad);
    expect(decideFragment(fragment(0, 1), open(3, 2), 1, bounds)).toEqual(bad);
  });

  test('of a message that will be too large is dropped before anything is stored', () => {
    const large = { kind: 'drop', reason: 'message/too-large' };
    expect(decideFragment(fragment(0, 4), undefined, 0, bounds)).toEqual({ kind: 'store' });
    expect(decideFragment(fragment(0, 5), undefined, 0, bounds)).toEqual(large);
    expect(decideFragment(fragment(3, 4, 25_000), open(4, 0), 1, bounds)).toEqual(large);
  });
});

test('a message of exactly the size that an exit takes is taken, one byte more is not', () => {
  const exactly: ReassemblyBounds = { ...bounds, maxMessageBytes: 2 * 25_616 + 10 };
  const large = { kind: 'drop', reason: 'message/too-large' };
  expect(decideFragment(fragment(2, 3, 10), undefined, 0, exactly)).toEqual({ kind: 'store' });
  expect(decideFragment(fragment(2, 3, 11), undefined, 0, exactly)).toEqual(large);
  // Of one whose end has not come yet, the least that it can have.
  const least: ReassemblyBounds = { ...bounds, maxMessageBytes: 2 * 25_616 + 1 };
  expect(decideFragment(fragment(0, 3), undefined, 0, least)).toEqual({ kind: 'store' });
  expect(decideBlocks(3, undefined, 0, least)).toEqual({ kind: 'store' });
  const less: ReassemblyBounds = { ...bounds, maxMessageBytes: 2 * 25_616 };
  expect(decideFragment(fragment(0, 3), undefined, 0, less)).toEqual(large);
  expect(decideBlocks(3, undefined, 0, less)).toEqual(large);
});

describe('an exit that has as many fragments as it may', () => {
  test('takes those that complete a message, and no others', () => {
    const decided = (one: Fragment, stored: StoredMessage | undefined, fragments: number): unknown =>
      whereThereIsRoom(decideFragment(one, stored, 1, bounds), () => fragments, bounds);
    const full = { kind: 'drop', reason: 'message/too-many' };
    expect(decided(fragment(0, 3), undefined, 9)).toEqual({ kind: 'store' });
    expect(decided(fragment(0, 3), undefined, 10)).toEqual(full);
    expect(decided(fragment(0, 3), open(3, 2), 10)).toEqual(full);
    expect(decided(fragment(1, 3), open(3, 2, 0), 10)).toEqual({ kind: 'complete' });
    expect(decided(fragment(0, 1), undefined, 11)).toEqual({ kind: 'complete' });
    expect(decided(fragment(0, 1), { kind: 'done' }, 11)).toEqual({ kind: 'drop', reason: 'message/already-known' });
  });
});

describe('reply blocks without a fragment', () => {
  const drop = (reason: string) => ({ kind: 'drop', reason });

  test('are kept for a message that is open, finished, or still to come', () => {
    expect(decideBlocks(3, open(3, 2), 9, bounds)).toEqual({ kind: 'store' });
    expect(decideBlocks(3, { kind: 'done' }, 9, bounds)).toEqual({ kind: 'store' });
    expect(decideBlocks(3, undefined, 1, bounds)).toEqual({ kind: 'store' });
  });

  test('are dropped like the fragments of that message would be', () => {
    expect(decideBlocks(5, undefined, 0, bounds)).toEqual(drop('message/too-large'));
    expect(decideBlocks(1, undefined, 2, bounds)).toEqual(drop('message/too-many'));
    expect(decideBlocks(2, open(3, 2), 1, bounds)).toEqual(drop('message/bad-fragment'));
  });
});

test('only all fragments of one message are joined', () => {
  expect(() => joinFragments([])).toThrow('BUG');
  expect(() => joinFragments([fragment(0, 2)])).toThrow('BUG');
  expect(() => joinFragments([fragment(0, 2), fragment(0, 2)])).toThrow('BUG');
  const other = { ...fragment(1, 2), messageId: messageIdOf(new Uint8Array(16).fill(1)) };
  expect(() => joinFragments([fragment(0, 2), other])).toThrow('BUG');
  expect(() => joinFragments([fragment(0, 2), { ...fragment(1, 2), count: 3 }])).toThrow('BUG');
});

test('any message arrives once and whole, whatever the order and number of copies of its fragments', () => {
  const lengths = fc.integer({ min: 1, max: 99_000 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 0, max: 255 }), (length, seed) => {
      const rng = seededRng(new Uint8Array(32).fill(seed));
      const message = rng(length);
      const sent = cutFragments(message, id);
      let stored: StoredMessage | undefined;
      const kept: Fragment[] = [];
      const delivered: Uint8Array[] = [];
      for (const arrived of shuffled(rng, [...sent, ...sent])) {
        const decision = decideFragment(arrived, stored, kept.length === 0 ? 0 : 1, bounds);
        if (decision.kind === 'drop') continue;
        kept.push(arrived);
        stored = open(arrived.count, ...kept.map(({ index }) => index));
        if (decision.kind === 'complete') {
          delivered.push(joinFragments(kept));
          stored = { kind: 'done' };
        }
      }
      expect(delivered.map((bytes) => equalBytes(bytes, message))).toEqual([true]);
    }),
    { numRuns: 50 },
  );
});
