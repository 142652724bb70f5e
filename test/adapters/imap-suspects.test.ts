import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Suspects } from '../../src/adapters/imap-suspects.js';

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

interface Server {
  /** It hangs up at these. */
  readonly bad: ReadonlySet<number>;
  /** Those before one of these in a command are given. */
  readonly showsOthers: boolean;
}

/** What one connection gives of those mails; undefined if it ends before all was asked for. */
const connection = (suspects: Suspects, uids: readonly number[], server: Server): ReadonlySet<number> | undefined => {
  const given = new Set<number>();
  for (const part of suspects.inParts(uids, 500)) {
    const at = part.findIndex((uid) => server.bad.has(uid));
    const told = at === -1 ? part : server.showsOthers ? part.slice(0, at) : [];
    for (const uid of told) {
      suspects.clear(uid);
      given.add(uid);
    }
    if (at === -1) continue;
    suspects.hungUpAt(part.filter((uid) => !given.has(uid)));
    return undefined;
  }
  for (const uid of uids) suspects.passed(uid);
  return given;
};

describe('mails at which the server may have hung up', () => {
  it('are asked for first, in sixteen parts', () => {
    const suspects = new Suspects('7');
    expect(suspects.inParts(upTo(5), 2)).toEqual([[1, 2], [3, 4], [5]]);
    suspects.hungUpAt(upTo(40).slice(8));
    const parts = suspects.inParts(upTo(50), 100);
    expect(parts.map((part) => part.length)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 18]);
    expect(parts[0]).toEqual([9, 10]);
    expect(parts.at(-1)).toEqual([...upTo(8), ...upTo(50).slice(40)]);
  });

  it('are taken for refused when nothing but one was asked for, twice in a row, and asked for alone from then on', () => {
    const suspects = new Suspects('7');
    suspects.hungUpAt([3]);
    expect([suspects.isRefused(3), suspects.inParts([2, 3], 9)]).toEqual([false, [[3], [2]]]);
    suspects.hungUpAt([3]);
    expect([suspects.isRefused(3), suspects.inParts([2, 3], 9)]).toEqual([true, [[2]]]);
    suspects.passed(3);
    suspects.hungUpAt([1, 2]);
    suspects.hungUpAt([4, 5]);
    expect([suspects.isRefused(3), suspects.inParts(upTo(5), 9)]).toEqual([false, [[3], [4], [5], [1, 2]]]);
    suspects.hungUpAt([3]);
    expect(suspects.isRefused(3)).toBe(true);
    suspects.clear(3);
    expect(suspects.inParts([2, 3], 9)).toEqual([[2, 3]]);
  });

  it('are found soon, and all others are given', () => {
    const uids = fc.integer({ min: 1, max: 600 });
    const bads = fc.uniqueArray(uids, { maxLength: 4 });
    fc.assert(
      fc.property(uids, bads, fc.boolean(), (count, bad, showsOthers) => {
        const suspects = new Suspects('7');
        const server = { bad: new Set(bad), showsOthers };
        const all = upTo(count);
        const wrong = all.filter((uid) => server.bad.has(uid)).length;
        for (let lost = 0; ; lost++) {
          const given = connection(suspects, all, server);
          if (given === undefined) {
            expect(lost).toBeLessThan(5 * wrong);
            continue;
          }
          expect(given).toEqual(new Set(all.filter((uid) => !server.bad.has(uid))));
          break;
        }
      }),
    );
  });

  it('are soon cleared of a link that was lost by chance', () => {
    const suspects = new Suspects('7');
    for (let time = 0; time < 5; time++) {
      suspects.hungUpAt(upTo(100));
      expect(connection(suspects, upTo(100), { bad: new Set(), showsOthers: false })?.size).toBe(100);
      expect(suspects.inParts(upTo(100), 500)).toEqual([upTo(100)]);
    }
  });
});
