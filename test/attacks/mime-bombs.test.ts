import { describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { SubmissionError } from '../../src/base/errors.js';
import { mailOf } from '../message/pep-mail.js';

// Each mail is built to cost its reader far more than its sender. Two seconds of processor time are hundreds of times what
// the parser needs for most of them on a slow machine, and far less than what an unbounded reader takes.
const mostCpuMs = 2000;

const answer = async (text: string): Promise<number | 'refused'> => {
  const startedAt = process.cpuUsage();
  const result = await parseMail(mailOf(text)).catch((error: unknown) => error);
  const { user, system } = process.cpuUsage(startedAt);
  expect((user + system) / 1000).toBeLessThan(mostCpuMs);
  if (result instanceof SubmissionError && result.code === 'submission/malformed') return 'refused';
  return (result as { parts: readonly unknown[] }).parts.length;
};

const nested = (depth: number): string =>
  Array.from({ length: depth }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}b\n\n--b${i}b\n`).join('') +
  '\nx';
const many = (count: number): string =>
  `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(count)}--b--`;
const forwardedMany = (each: string, count: number): string =>
  `Content-Type: multipart/mixed; boundary=f\n\n${`--f\nContent-Type: message/rfc822\n\n${each}\n`.repeat(count)}--f--`;

describe('refused is a mail', () => {
  test('of very many parts', async () => expect(await answer(many(200_000))).toBe('refused'));
  test('nested very deep', async () => expect(await answer(nested(20_000))).toBe('refused'));
  test('with an endless header', async () => expect(await answer(`X: ${'y'.repeat(3_000_000)}\n\nx`)).toBe('refused'));
  test('that forwards mails of many parts', async () =>
    expect(await answer(forwardedMany(many(60), 60))).toBe('refused'));
  test('longer than anything the network sends', async () =>
    expect(await answer(`\n${'x'.repeat(17 * 1024 * 1024)}`)).toBe('refused'));
});

describe('read, in bounded time, is a mail', () => {
  test('of the most parts allowed', async () => expect(await answer(many(99))).toBe(99));
  test('nested as deep as allowed', async () => expect(await answer(nested(90))).toBe(1));
  test('forwarded inside itself a thousand times', async () =>
    expect(await answer(`${'Content-Type: message/rfc822\n\n'.repeat(1000)}\nx`)).toBe(1));
  test('forwarded three times, and a fourth time it stays closed', async () => {
    const typesOf = async (times: number): Promise<readonly string[]> => {
      const { parts } = await parseMail(mailOf(`${'Content-Type: message/rfc822\n\n'.repeat(times)}\nx`));
      return parts.map(({ contentType }) => contentType);
    };
    expect(await typesOf(3)).toEqual(['text/plain']);
    expect(await typesOf(4)).toEqual(['message/rfc822']);
  });
  test('whose parts share their boundaries', async () =>
    expect(
      await answer(many(9).replaceAll('\n\nx', '\nContent-Type: multipart/mixed; boundary=b\n\nx')),
    ).toBeDefined());

  const length = 120_000;
  const headers: Record<string, string> = {
    brackets: `To: ${'<'.repeat(length)}`,
    comments: `To: ${'('.repeat(length)}`,
    groups: `To: ${'g:'.repeat(length / 2)}`,
    'at signs': `To: <${'@'.repeat(length)}`,
    'encoded words': `To: ${'=?utf-8?B?YUBi?= '.repeat(length / 17)}`,
    parameters: `Content-Type: text/plain; ${'a*0=b;'.repeat(length / 6)}`,
    'comments in the encoding': `Content-Transfer-Encoding: ${'('.repeat(length)}`,
    'empty folds': `X: y\n${' \n'.repeat(length / 2)}`,
    lines: 'a: b\n'.repeat(length / 5).trimEnd(),
  };
  for (const [what, header] of Object.entries(headers))
    test(`with a header full of ${what}`, async () => expect(await answer(`${header}\n\nx`)).toBe(1));
});
