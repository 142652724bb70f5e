import { expect, it } from 'vitest';
import { SummedLog } from '../../src/post/summed-log.js';

it('sums counts of mails until they are told, and passes all else on at once', () => {
  const lines: unknown[] = [];
  const write = (event: string, counts?: object): void => void lines.push([event, counts]);
  const log = new SummedLog({ info: write, warn: write });
  log.info('post', { accepted: 2, 'waits-for-budget': 7 });
  log.info('post', { accepted: 3, 'later-limit': 1, 'waits-for-budget': 5 });
  log.info('directory', { 'in-network': 1 });
  expect(lines).toEqual([]);
  log.info('mix', { out: 1 });
  log.warn('post/limit', { perDay: 100 });
  expect(lines.splice(0)).toEqual([
    ['mix', { out: 1 }],
    ['post/limit', { perDay: 100 }],
  ]);
  log.tell();
  expect(lines.splice(0)).toEqual([
    ['post', { accepted: 5, 'waits-for-budget': 7, 'later-limit': 1 }],
    ['directory', { 'in-network': 1 }],
  ]);
  log.tell();
  expect(lines).toEqual([]);
});
