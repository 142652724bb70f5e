import { expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.js';
import { bytesOf, targetOf } from './target.js';
import { allTargets } from './targets.js';
import { judged } from './verdict.js';

/** Inputs that `npm run fuzz` once found something with, made as short as they go, and what comes of them now. */
const cases: readonly {
  readonly target: string;
  readonly was: string;
  readonly input: Uint8Array;
  readonly now: string;
}[] = [
  {
    target: 'proxy',
    was: 'URIError where a user name is no UTF-8',
    input: bytesOf('socks5:a%ff@h'),
    now: 'config/invalid',
  },
  {
    target: 'proxy',
    was: 'URIError where a password is no UTF-8',
    input: bytesOf('socks5h://user:%e4@h'),
    now: 'config/invalid',
  },
  {
    target: 'config',
    was: 'URIError where mail is first sent, instead of a mistake in the file',
    input: bytesOf(
      'data = "d"\n[mail]\naddress = "a@b.c"\nproxy = "socks5h://a%ff@h"\n[mail.smtp]\nhost = "h"\npassword = "p"\n[node]\nname = "n"\n',
    ),
    now: 'config/invalid',
  },
  {
    target: 'smtp-reply',
    was: 'the mail refused for good, where a server has no room at log-in',
    input: bytesOf('\x05554 4.2.3'),
    now: 'login',
  },
];

it.each(cases)('$target: $was', async ({ target: name, input, now }) => {
  const spec = allTargets.find((one) => one.name === name);
  if (spec === undefined) throw new Error(`no target ${name}`);
  const outcome = await judged(await targetOf(spec), input);
  expect(outcome.kind, toHex(input)).not.toBe('finding');
  expect(outcome, toHex(input)).toMatchObject({ label: now });
});
