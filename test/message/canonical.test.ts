import { describe, expect, test } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { mailDate, mailLines, threadLines, wrapped } from '../../src/message/canonical.js';

test('lines of a mail end in CRLF, the last one too', () => {
  expect(latin1(mailLines(['a', '', 'b']))).toBe('a\r\n\r\nb\r\n');
  expect(mailLines([])).toHaveLength(0);
});

test('a date is UTC and tells no more than it should', () => {
  const now = Date.UTC(2026, 10, 22, 13, 59, 59, 999);
  expect(mailDate(now, hourMs)).toBe('Sun, 22 Nov 2026 13:00:00 +0000');
  expect(mailDate(now, minuteMs)).toBe('Sun, 22 Nov 2026 13:59:00 +0000');
  expect(mailDate(now + 1, hourMs)).toBe('Sun, 22 Nov 2026 14:00:00 +0000');
});

describe('a text is folded before words', () => {
  test('into lines of 78 characters at most', () => {
    const word = 'w'.repeat(38);
    expect(wrapped(`${word} ${word}x`, '')).toEqual([`${word} ${word}x`]);
    expect(wrapped(`${word}x ${word}x`, '')).toEqual([`${word}x`, `${word}x`]);
    expect(wrapped(`a ${'b'.repeat(100)} c d`, ' ')).toEqual(['a', ` ${'b'.repeat(100)}`, ' c d']);
  });

  test('of which all but the first begin with the indent, which counts', () => {
    expect(wrapped(`aaa ${'b'.repeat(76)} c`, ' ')).toEqual(['aaa', ` ${'b'.repeat(76)}`, ' c']);
    expect(wrapped(`aaa ${'b'.repeat(76)} c`, '')).toEqual(['aaa', `${'b'.repeat(76)} c`]);
  });

  test('and between words stands one space, whatever stood there', () => {
    expect(wrapped('a \t b\tc  d', '')).toEqual(['a b c d']);
    expect(wrapped('', ' ')).toEqual(['']);
  });
});

test('an answer names the mail it answers by the first id that it gives', () => {
  expect(threadLines('<1@x.example> <2@x.example>')).toEqual([
    'In-Reply-To: <1@x.example>',
    'References: <1@x.example>',
  ]);
  for (const none of [undefined, '', 'x']) expect(threadLines(none)).toEqual([]);
});
