import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteError } from '../../src/base/errors.js';
import { hourMs } from '../../src/base/units.js';
import { formatInvitation, type Invitation, parseInvitation, trustIn } from '../../src/council/invitation.js';
import { digestOf } from '../../src/route/document.js';
import { authoritiesOf, four, keyOf } from './council.js';

const plain: Invitation = { authorities: authoritiesOf(['ann']), periodMs: undefined, urls: [] };
const full: Invitation = {
  authorities: authoritiesOf(four),
  periodMs: hourMs,
  urls: ['https://mix.example/list', 'https://mix.example:8443/a?b=c&d=100%25#e'],
};
const text = formatInvitation(full);

const messageOf = (wrong: string): string => {
  try {
    parseInvitation(wrong);
  } catch (error) {
    if (error instanceof RouteError && error.code === 'route/bad-document') return error.message;
    throw error;
  }
  return 'read';
};

describe('an invitation', () => {
  it('is one short line', () => {
    const line = formatInvitation(plain);
    expect(line).toMatch(/^mixmailer:ann@council\.example\/[A-Za-z0-9_-]{43}$/);
    expect(parseInvitation(line)).toEqual(plain);
    expect(text).toMatch(/^mixmailer:[!-~]*\?period=3600&url=https:\/\/mix\.example\/list&url=https:[!-~]*$/);
    expect(parseInvitation(text)).toEqual(full);
  });

  it('is read back whatever addresses and urls are in it', () => {
    const local = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,30}$/);
    const url = fc.stringMatching(/^[!-~]{0,30}$/).map((path) => `https://a.example/${path}`);
    fc.assert(
      fc.property(
        fc.uniqueArray(local, { minLength: 1, maxLength: 9, selector: (one) => one.toLowerCase() }),
        fc.array(url, { maxLength: 8 }),
        (locals, urls) => {
          const authorities = locals.map((one) => ({ key: digestOf(one), address: `${one}@b.example` }));
          const invitation = { authorities, periodMs: undefined, urls };
          expect(parseInvitation(formatInvitation(invitation))).toEqual(invitation);
        },
      ),
    );
  });

  it('survives the line breaks and blanks of a mail program', () => {
    expect(parseInvitation(`  ${text.replace(/.{60}/g, '$&\r\n ')}\n`)).toEqual(full);
  });

  it('asks for more than half of its authorities', () => {
    expect(trustIn(full)).toEqual({ authorities: four.map(keyOf), threshold: 3 });
    expect(trustIn(plain).threshold).toBe(1);
  });

  it('ignores what a later version says', () => {
    expect(parseInvitation(`${text}&color=blue&x`)).toEqual(full);
    expect(parseInvitation(`${formatInvitation(plain)}?`)).toEqual(plain);
  });

  const key = /[A-Za-z0-9_-]{43}$/.exec(formatInvitation(plain))?.[0] ?? '';
  it.each([
    ['', 'begins with mixmailer:'],
    ['https://mix.example', 'begins with mixmailer:'],
    ['mixmailer:', 'names no authority'],
    ['mixmailer:?period=1', 'names no authority'],
    ['mixmailer:ann@council.example', 'key of 43 characters'],
    [`mixmailer:ann@council.example/${key.slice(1)}`, 'key of 43 characters'],
    [`mixmailer:ann@council.example/${key.slice(0, -1)}_`, 'key of 43 characters'],
    [`mixmailer:ann@council.example/${key},`, 'key of 43 characters'],
    [`mixmailer:ann/${key}`, 'bad address: it has no @'],
    [`mixmailer:a%40b%0A@c.example/${key}`, 'bad address'],
    [`mixmailer:a%4@c.example/${key}`, 'bad address'],
    [`mixmailer:a@c.example/${key},b@c.example/${key}`, 'one key twice'],
    [text.replace('ben@', 'ANN@'), 'one address twice'],
    [text.replace('period=3600', 'period=0'), 'bad period'],
    [text.replace('period=3600', 'period=1e3'), 'bad period'],
    [text.replace('period=3600', 'period=60&period=60'), 'bad period'],
    [text.replace('url=https', 'url=http'), 'https://'],
    [text.replace('url=https:', 'url=javascript:'), 'https://'],
    [text.replace('url=https://mix', 'url=https://user@mix'), 'https://'],
    [`${text}&url=https://a.example%0d%0ax`, 'https://'],
    [`${text}${'&url=https://a.example'.repeat(7)}`, 'more than 8 urls'],
    [`mixmailer:${`a@c.example/${key},`.repeat(64)}a@c.example/${key}`, 'more than 64 authorities'],
    [`mixmailer:${'a'.repeat(40_000)}`, 'too long'],
  ])('%s is refused in words', (wrong, words) => {
    expect(messageOf(wrong)).toContain(words);
  });

  it('that could not be read back is not made', () => {
    const [one] = plain.authorities;
    if (one === undefined) throw new Error('one');
    expect(() => formatInvitation({ ...plain, authorities: [] })).toThrow(RouteError);
    expect(() => formatInvitation({ ...plain, authorities: [one, one] })).toThrow(RouteError);
    expect(() => formatInvitation({ ...plain, urls: ['ftp://a.example'] })).toThrow(RouteError);
    expect(() => formatInvitation({ ...plain, periodMs: 1500 })).toThrow(RouteError);
    expect(() => formatInvitation({ ...plain, authorities: [{ ...one, address: 'a b@c.example' }] })).toThrow(
      RouteError,
    );
  });

  it('of whatever text is a value or a RouteError', () => {
    const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('mixmailer:', ...text.split(/(?=[?&,/@=])/)));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(messageOf(pieces.join(''))).toBeTruthy();
        expect(messageOf(`mixmailer:${pieces.join('')}`)).toBeTruthy();
      }),
      { numRuns: 500 },
    );
  });
});
