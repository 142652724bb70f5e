import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { subjectHas } from '../../src/adapters/imap-mails.js';
import { largestFetchBytes } from '../../src/base/bounds.js';
import type { Inbox, InboxMail, MailLook } from '../../src/ports/mail.js';
import { silentLog } from '../contracts/server-rigs.js';
import { startScriptedImap, type ScriptedImap } from '../servers/scripted-imap.js';

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

describe('a server that says of mails that they are smaller than they are', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const never = new AbortController().signal;
  const toldBytes = 1000;
  const all = Array.from({ length: 7 }, (_, i) => i + 1);
  const uidsIn = (line: string): readonly number[] => {
    const [, asked = ''] = /UID FETCH (\S+)/.exec(line) ?? [];
    return asked.split(',').flatMap((range) => {
      const [from = 0, to = from] = range.split(':').map(Number);
      return all.filter((uid) => uid >= from && uid <= to);
    });
  };

  /** Seven mails, each a quarter of what one fetch may bring. */
  const lying = async (): Promise<{ readonly server: ScriptedImap; readonly inbox: Inbox }> => {
    const server = await startScriptedImap('UIDPLUS');
    const content = 'x'.repeat(largestFetchBytes / 4);
    server.on('UID SEARCH', { untagged: [`* SEARCH ${all.join(' ')}`] });
    server.on('SELECT', { untagged: ['* 7 EXISTS', '* OK [UIDVALIDITY 7] ok', '* OK [UIDNEXT 8] ok'] });
    server.on('UID FETCH', (line) => ({
      untagged: uidsIn(line).map((uid) => {
        const body = line.includes('BODY.PEEK[]') ? ` BODY[] {${content.length}}\r\n${content}` : '';
        return `* ${uid} FETCH (UID ${uid} RFC822.SIZE ${toldBytes}${body})`;
      }),
    }));
    const inbox = imapInbox(
      {
        ...{ host: '127.0.0.1', port: server.port, security: 'none', user: 'a@mix.test' },
        credential: () => Promise.resolve({ password: 'secret' }),
      },
      silentLog,
    );
    ends.push(() => server.stop());
    ends.push(() => inbox.close());
    return { server, inbox };
  };
  const given = (mails: readonly InboxMail[]): readonly (boolean | undefined)[] =>
    mails.map(({ raw, isRefused }) => (raw === undefined ? isRefused : raw.length !== largestFetchBytes / 4));
  const fits = [false, false, false, false, true, true, true];
  const bodiesAsked = ({ commands }: ScriptedImap): readonly string[] =>
    commands.filter((command) => command.includes('BODY.PEEK[]'));

  it('has no more of them kept than one fetch may bring; the others are taken for refused', async () => {
    const { server, inbox } = await lying();
    const { mails, more } = await inbox.fetch('INBOX', undefined, never);
    expect(given(mails)).toEqual(fits);
    expect(more).toBe(false);
    expect(bodiesAsked(server)).toHaveLength(1);
  });

  it.each([[undefined], [true as const]])(
    'nor of those that were looked at, refused then or not',
    async (isRefused) => {
      const { server, inbox } = await lying();
      const looked = await inbox.look('INBOX', undefined, never);
      const those = looked.mails.map((look): MailLook => (isRefused ? { ...look, sizeBytes: 0, isRefused } : look));
      expect(given(await inbox.fetchThose('INBOX', '7', those, never))).toEqual(fits);
      expect(bodiesAsked(server)).toHaveLength(1);
      // What was not given has its turn when others have had theirs.
      expect(given(await inbox.fetchThose('INBOX', '7', those.slice(4), never))).toEqual([false, false, false]);
    },
  );
});
