import { describe, expect, it } from 'vitest';
import { mxOperators, namedOperators, type ResolveMx } from '../../src/adapters/mx-operator.js';
import { dayMs } from '../../src/base/units.js';

const signal = new AbortController().signal;
const failing = (code: string): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }));

/** A world of domains and their mail exchangers; what it doesn't know does not exist. */
const dns = (hosts: Readonly<Record<string, readonly string[]>>): { resolve: ResolveMx; asked: string[] } => {
  const asked: string[] = [];
  const resolve: ResolveMx = (domain) => {
    asked.push(domain);
    const found = hosts[domain];
    if (found === undefined) return failing('ENOTFOUND');
    return Promise.resolve(found.map((exchange, i) => ({ exchange, priority: 10 * (i + 1) })));
  };
  return { resolve, asked };
};

describe('operators by mail exchangers', () => {
  it.each([
    ['workspace.example', ['aspmx.l.google.com'], 'google.com'],
    ['new.example', ['smtp.google.com'], 'google.com'],
    ['office.example', ['office-example.mail.protection.outlook.com'], 'outlook.com'],
    ['modern.example', ['modern-example.k-v1.mx.microsoft'], 'outlook.com'],
    ['yahoo.example', ['mx-biz.mail.am0.yahoodns.net'], 'yahoo.com'],
    ['fast.example', ['in1-smtp.messagingengine.com'], 'fastmail.com'],
    ['proton.example', ['mail.protonmail.ch.'], 'proton.me'],
    ['ionos.example', ['mx00.ionos.de'], 'gmx.net'],
    ['small.example', ['Mail.Host.Small.co.uk'], 'small.co.uk'],
    ['two.example', ['first.example', 'aspmx.l.google.com'], 'first.example'],
    ['mix.none.co.uk', [], 'none.co.uk'],
  ])('%s, whose mail goes to %j, is run by %s', async (domain, hosts, operator) => {
    const { resolve } = dns({ [domain]: hosts });
    expect(await mxOperators({ clock: { now: () => 0 }, resolve }).operatorOf(domain, signal)).toBe(operator);
  });

  it('a domain without an exchanger is its own, under the name that was registered', async () => {
    const { resolve } = dns({});
    const operators = mxOperators({ clock: { now: () => 0 }, resolve });
    expect(await operators.operatorOf('a.b.example.org', signal)).toBe('example.org');
    expect(operators.site('a.b.example.org')).toBe('example.org');
    expect(operators.site('one.test')).toBe('one.test');
  });

  it('a name of a known company is not looked up', async () => {
    const { resolve, asked } = dns({ 'gmail.com': ['liar.example'] });
    expect(await mxOperators({ clock: { now: () => 0 }, resolve }).operatorOf('gmail.com', signal)).toBe('google.com');
    expect(asked).toEqual([]);
  });

  it('an answer is kept for a week, and longer where the next look-up fails', async () => {
    let now = 0;
    let hosts: Record<string, readonly string[]> | undefined = { 'x.example': ['mx.one.example'] };
    const asked: string[] = [];
    const resolve: ResolveMx = (domain) => {
      asked.push(domain);
      return hosts === undefined ? failing('ETIMEOUT') : dns(hosts).resolve(domain);
    };
    const operators = mxOperators({ clock: { now: () => now }, resolve });
    const operator = (): Promise<string | undefined> => operators.operatorOf('x.example', signal);
    expect(await operator()).toBe('one.example');
    hosts = { 'x.example': ['mx.two.example'] };
    now = 7 * dayMs - 1;
    expect(await operator()).toBe('one.example');
    expect(asked).toHaveLength(1);
    hosts = undefined;
    now = 20 * dayMs;
    expect(await operator()).toBe('one.example');
    expect(await operators.operatorOf('never-seen.example', signal)).toBeUndefined();
    hosts = { 'x.example': ['mx.two.example'] };
    expect(await operator()).toBe('two.example');
  });

  it('a look-up that never ends is given up, at its deadline or with the process', async () => {
    const resolve: ResolveMx = () => new Promise(() => undefined);
    const clock = { now: () => 0 };
    expect(await mxOperators({ clock, resolve, deadlineMs: 20 }).operatorOf('x.example', signal)).toBeUndefined();
    expect(await mxOperators({ clock, resolve }).operatorOf('x.example', AbortSignal.abort())).toBeUndefined();
  });

  it('where no DNS is asked, the domain tells', async () => {
    expect(await namedOperators.operatorOf('hotmail.co.uk', signal)).toBe('outlook.com');
    expect(await namedOperators.operatorOf('mix.one.test', signal)).toBe('mix.one.test');
  });
});
