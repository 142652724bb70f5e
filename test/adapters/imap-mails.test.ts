import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subjectHas } from '../../src/adapters/imap-mails.js';

const has = (header: string): Promise<boolean> => subjectHas(Buffer.from(header, 'latin1'), 'MixMailer packets');
const encoded = (text: string): string => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;

describe('the words looked for in a Subject', () => {
  it('are found in either case, folded, encoded, and with others around them', async () => {
    for (const subject of [
      'MixMailer packets',
      'mixmailer PACKETS',
      '[EXT] MixMailer packets (checked)',
      'MixMailer\r\n packets',
      encoded('【外部】MixMailer packets'),
      '=?iso-8859-1?Q?[Ext=E9rieur]_MixMailer?=\r\n =?iso-8859-1?Q?_packets?=',
      `${encoded('Äußere Nachricht:')} MixMailer packets`,
    ])
      expect([subject, await has(`Subject: ${subject}\r\n\r\n`)]).toEqual([subject, true]);
  });

  it('are not found where they are not', async () => {
    for (const header of [
      '\r\n',
      '',
      'Subject: MixMailer\r\n\r\n',
      'Subject: packets MixMailer\r\n\r\n',
      `Subject: ${encoded('MixMailer')} packs\r\n\r\n`,
      `Subject: ${'x'.repeat(5000)} MixMailer packets\r\n\r\n`,
    ])
      expect([header.slice(0, 60), await has(header)]).toEqual([header.slice(0, 60), false]);
  });

  it('are looked for in whatever somebody writes there', async () => {
    const charset = fc.constantFrom('utf-8', 'utf-7', 'iso-2022-jp', 'gb18030', 'x-none', '__proto__', 'utf-8*en', '');
    const word = fc.tuple(charset, fc.constantFrom('B', 'q', 'X'), fc.string({ maxLength: 40 }));
    const odd = fc.string({ unit: fc.constantFrom('=', '?', '\r\n', ' ', '\t', '\0', 'é', 'B', ':') });
    const part = fc.oneof(
      word.map(([set, form, text]) => `=?${set}?${form}?${text}?=`),
      odd,
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        expect(typeof (await has(`Subject: ${parts.join(' ')}`))).toBe('boolean');
      }),
      { numRuns: 1000 },
    );
  });
});
