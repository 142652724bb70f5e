import { ascii } from '../../src/base/bytes.js';
import type { FetchOutcome, FetchUrl } from '../../src/ports/follow.js';

/** A web server in memory. */
export interface FakeWeb {
  readonly fetchUrl: FetchUrl;
  /** What was asked for, in order. */
  readonly asked: readonly string[];
}

/** A web server that has these files; keeps the contract of test/contracts/fetch-url.ts. */
export const fakeFetchUrl = (files: ReadonlyMap<string, string>): FakeWeb => {
  const asked: string[] = [];
  const look = (url: string, mostBytes: number, signal: AbortSignal): FetchOutcome => {
    if (!url.startsWith('https://')) return { kind: 'failed', why: 'connect' };
    if (signal.aborted) return { kind: 'failed', why: 'timeout' };
    asked.push(url);
    const text = files.get(url);
    if (text === undefined) return { kind: 'missing' };
    return text.length > mostBytes ? { kind: 'failed', why: 'too-large' } : { kind: 'found', bytes: ascii(text) };
  };
  return { asked, fetchUrl: (url, mostBytes, signal) => Promise.resolve(look(url, mostBytes, signal)) };
};
