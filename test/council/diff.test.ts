import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '../../src/base/random.js';
import { RouteError } from '../../src/base/errors.js';
import { dayMs, secondMs } from '../../src/base/units.js';
import { applyDiff, endsOfDiff, makeDiff } from '../../src/council/diff.js';
import type { NodeId } from '../../src/base/ids.js';
import { attachSignatures, dataLines, digestOf } from '../../src/route/document.js';
import { defaultNetworkParameters, networkBody } from '../../src/route/network.js';
import { cpuTimer } from '../cpu-time.js';
import { now, signedNode } from '../route/nodes.js';
import {
  ballotOf,
  chainAfter,
  four,
  heard,
  keyOf,
  listFrom,
  memberOf,
  signedBy,
  agreed,
  standingOf,
} from './council.js';

const most = 64 * 1024 * 1024;
const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof RouteError && error.code === 'route/bad-document') return error.message;
    throw error;
  }
  return 'read';
};

const nodes = ['alice', 'bob', 'carol', 'dave'].map((name) => signedNode(name));
const listed = (texts: readonly string[], says: object = {}) =>
  four.map((name) => ballotOf(name, { members: texts.map((text) => memberOf(text)), ...says }));
const old = listFrom(heard(listed(nodes.slice(0, 3)), nodes));
const next = listFrom(heard(listed(nodes.slice(1), chainAfter(old)), nodes, { previous: old }));
const diff = makeDiff(old.text, next.text);
const [, from = '', to = ''] = diff.split('\n');

/** A difference from the old list with these steps. */
const withSteps = (steps: readonly string[], target = next.digest): string =>
  ['mixmailer-diff 1', `from ${old.digest}`, `to ${target}`, ...steps, 'end mixmailer-diff', ''].join('\n');

describe('a difference between two lists', () => {
  it('leads from one to the other, signatures and all', () => {
    expect(applyDiff(old.text, diff, most)).toBe(next.text);
    expect([from, to]).toEqual([`from ${old.digest}`, `to ${next.digest}`]);
    expect(endsOfDiff(diff)).toEqual({ from: old.digest, to: next.digest });
    // Nodes that stay are not in it.
    expect(diff).not.toContain('name bob');
    expect(diff).toContain('name dave');
  });

  it('does not ask who signed the list one has', () => {
    const { body } = agreed(heard(listed(nodes.slice(0, 3)), nodes));
    const mine = signedBy(body, ['ben', 'dan']).text;
    expect(mine).not.toBe(old.text);
    expect(applyDiff(mine, diff, most)).toBe(next.text);
  });

  it('survives what mail does to text', () => {
    expect(applyDiff(old.text.replaceAll('\n', '\r\n'), diff.replaceAll('\n', ' \r\n '), most)).toBe(next.text);
  });

  it('leads from any list to any other', () => {
    const field = fc.constantFrom('a 1', 'b 2', 'c', 'd 4 5');
    const data = fc.constantFrom('data AAAA', 'data BBBB');
    const inner = fc
      .tuple(
        fc.constantFrom('x', 'y', 'network'),
        fc.array(fc.oneof(field, data, fc.constant('signature z'), fc.constant('mixmailer-q 1'))),
      )
      .map(([kind, lines]) => [`mixmailer-${kind} 1`, ...lines, `end mixmailer-${kind}`].join('\n'));
    const list = fc
      .tuple(
        fc.array(fc.oneof(field, data, inner), { maxLength: 20 }),
        fc.array(fc.oneof(data, fc.constantFrom('signature k', 'signature l'))),
      )
      .map(([body, end]) =>
        ['mixmailer-network 1', ...body, 'signature a', ...end, 'end mixmailer-network', ''].join('\n'),
      );
    fc.assert(
      fc.property(list, list, (one, other) => {
        const made = makeDiff(one, other);
        expect(applyDiff(one, made, most)).toBe(other);
        expect(applyDiff(one, made, Math.max(made.length, other.length))).toBe(other);
      }),
      { numRuns: 500 },
    );
  });

  it('of a list and itself is one line of copies', () => {
    const same = makeDiff(old.text, old.text).split('\n');
    expect(same.filter((line) => line.startsWith('='))).toHaveLength(1);
    expect(same.filter((line) => line.startsWith('+') && !/^\+(signature|data|end) /.test(line))).toEqual([]);
  });
});

describe('a hostile difference', () => {
  it.each([
    ['that copies a unit that is not there', withSteps(['=999 1']), 'not in the list'],
    ['that copies beyond the end', withSteps(['=0 99']), 'not in the list'],
    ['that copies nothing', withSteps(['=0 0']), 'not in the list'],
    ['that copies from before the beginning', withSteps(['=-1 1']), 'not in the list'],
    ['that counts in other ways', withSteps(['=0x0 1']), 'not in the list'],
    ['that counts with huge numbers', withSteps(['=0 99999999999999999999']), 'not in the list'],
    ['with a step it has no word for', withSteps(['-1 1']), 'not in the list'],
    ['with an empty line', withSteps(['+']), 'printable'],
    ['with a line of other characters', withSteps(['+ä']), 'printable'],
    ['with a line that begins with a blank', withSteps(['+ a 1']), 'printable'],
    ['with a line over the limit', withSteps([`+${'a'.repeat(901)}`]), 'printable'],
    ['that leads to no list', withSteps(['+a 1']), 'nothing around it'],
    ['that leads to nothing', withSteps([]), 'nothing around it'],
    ['that leads to another list than it says', diff.replace(to, `to ${digestOf('x')}`), 'another list than it says'],
    ['for another list', diff.replace(from, `from ${digestOf('x')}`), 'for another list than this one'],
    ['of another version', diff.replace('diff 1', 'diff 2'), 'difference of version 1'],
    ['without an end', diff.replace('end mixmailer-diff\n', ''), 'difference of version 1'],
    ['with something around it', `hello\n${diff}`, 'difference of version 1'],
    ['with its digests in another order', diff.replace(`${from}\n${to}`, `${to}\n${from}`), 'from: expected'],
    ['with more behind the list', diff.replace('end mixmailer-diff', '+a 1\nend mixmailer-diff'), 'nothing around it'],
  ])('%s is refused', (_, wrong, words) => {
    expect(messageOf(() => applyDiff(old.text, wrong, most))).toContain(words);
  });

  it('that asks for endless copies stops at the bound, at once', () => {
    const bomb = withSteps(Array.from({ length: 200_000 }, () => '=0 20'));
    const tookMs = cpuTimer();
    expect(messageOf(() => applyDiff(old.text, bomb, most))).toContain('leads to more than');
    expect(tookMs()).toBeLessThan(2000);
    expect(messageOf(() => applyDiff(old.text, diff, diff.length - 1))).toContain('expected at most');
    expect(messageOf(() => applyDiff(old.text, diff, next.text.length - 1))).toContain('more than');
  });

  it('is not helped by an old list that is none', () => {
    for (const wrong of ['', 'hello', `x\n${old.text}`, old.text.slice(0, -5), old.text.replace('bob', 'böb')])
      expect(messageOf(() => applyDiff(wrong, diff, most))).not.toBe('read');
  });

  it('of whatever text leads to a list of the digest it names, or to a RouteError', () => {
    const line = fc.oneof(
      fc.constantFrom(
        ...diff.split('\n').filter((one) => !one.startsWith('+data')),
        '=0 1',
        '=1 5',
        '+end mixmailer-network',
        '+mixmailer-network 1',
      ),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => lines.join('\n')),
          fc.array(line).map((lines) => withSteps(lines)),
        ),
        (any) => {
          expect(messageOf(() => applyDiff(old.text, any, most))).toBeTruthy();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the difference of a day among 1,000 nodes', () => {
  const rng = seededRng(new Uint8Array(32).fill(9));
  // Descriptors as long as real ones, with two mix keys; who signed them doesn't matter here.
  const frame = signedNode('alice').split('\n');
  const descriptor = (i: number): string =>
    frame
      .filter((line) => !line.startsWith('data '))
      .flatMap((line) => {
        if (line.startsWith('node ')) return [`node ${digestOf(`node ${i}`)}`];
        if (line.startsWith('name ')) return [`name node-${i}`];
        if (line.startsWith('address ')) return [`address node-${i}@provider-${i}.example`];
        if (line.startsWith('mix-key ')) return [line, ...dataLines(rng(1216)), line, ...dataLines(rng(1216))];
        return line.startsWith('signature ') ? [line, ...dataLines(rng(64))] : [line];
      })
      .join('\n');
  const texts = Array.from({ length: 1000 }, (_, i) => descriptor(i));
  const idIn = (text: string): NodeId => (/^node (.*)$/m.exec(text)?.[1] ?? '') as NodeId;
  const list = (descriptors: readonly string[], day: number): string => {
    const byId = [...descriptors].sort((a, b) => (idIn(a) < idIn(b) ? -1 : 1));
    const number = now / dayMs + day;
    const body = networkBody({
      validFrom: now + day * dayMs,
      validUntil: now + (day + 3) * dayMs,
      previous: digestOf(`${day}`),
      parameters: defaultNetworkParameters,
      consensus: { number, periodMs: dayMs, randomness: digestOf(`r${day}`), authorities: [], history: [] },
      standings: new Map(
        byId.map((text, i) => [
          idIn(text),
          standingOf({
            deliveredPerMille: 900 + ((i + day) % 100),
            medianMs: (2000 + ((i * day) % 99)) * secondMs,
            p90Ms: 7000 * secondMs,
          }),
        ]),
      ),
      descriptors: byId,
    });
    return attachSignatures(
      'network',
      body,
      four.map((name) => ({ by: keyOf(name), signature: rng(64) })),
    );
  };

  it('is a fifth of the list when all numbers change, a seventh of the keys, and two in a hundred come and go', () => {
    const today = list(texts, 0);
    const later = [
      ...texts.slice(20).map((text, i) => (i % 7 === 0 ? descriptor(i + 20) : text)),
      ...Array.from({ length: 20 }, (_, i) => descriptor(2000 + i)),
    ];
    const tomorrow = list(later, 1);
    const tookMs = cpuTimer();
    const made = makeDiff(today, tomorrow);
    expect(applyDiff(today, made, most)).toBe(tomorrow);
    expect(tookMs()).toBeLessThan(3000);
    const part = made.length / tomorrow.length;
    expect(part).toBeLessThan(0.22);
  });
});
