import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { fromLatin1, latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { deliveryToken } from '../../src/message/delivery.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { bouncesIn, readIncoming } from '../../src/message/incoming.js';
import { composeReport, reportMessageId, wordsFor, type Ending, type Report } from '../../src/message/report.js';
import { endings } from './endings.js';

const messageId = messageIdOf(new Uint8Array(16).fill(3));
const report: Report = {
  to: 'alice@a.example',
  messageId,
  ending: { kind: 'refused', code: 550 },
  recipient: 'bob@b.example',
  originalMessageId: '<1@a.example>',
  submittedAt: Date.UTC(2026, 10, 23, 9, 30, 59),
  now: Date.UTC(2026, 10, 24, 13, 5, 59),
};
const textOf = (change: Partial<Report> = {}): string => latin1(composeReport({ ...report, ...change }));

/** The text that a person reads, a line for each of its paragraphs. */
const paragraphsOf = (text: string): readonly string[] => {
  const [, start = ''] = text.split('charset=us-ascii\r\n\r\n');
  const [words = ''] = start.split('\r\n--=_report');
  return words
    .trimEnd()
    .split('\r\n\r\n')
    .map((paragraph) => paragraph.replaceAll('\r\n', ' '));
};

describe('a report', () => {
  test('is a delivery status notification, human words first', () => {
    expect(textOf().split('\r\n')).toEqual([
      'From: MixMailer <alice@a.example>',
      'To: <alice@a.example>',
      'Subject: Your mail was not delivered',
      'Date: Tue, 24 Nov 2026 13:05:00 +0000',
      `Message-ID: ${reportMessageId(report)}`,
      'In-Reply-To: <1@a.example>',
      'References: <1@a.example>',
      'MIME-Version: 1.0',
      'Auto-Submitted: auto-replied',
      'Content-Type: multipart/report; report-type=delivery-status;',
      ' boundary="=_report"',
      '',
      '--=_report',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'This message was written by MixMailer on your own computer. It is about the',
      'mail to bob@b.example that you sent on Mon, 23 Nov 2026 09:30 UTC.',
      '',
      'It was not delivered: the mail server refused it with the code 550; there may',
      'be no such mailbox, or it takes no mail from this network.',
      '',
      "Please check the recipient's address, or reach them in another way.",
      '',
      '--=_report',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; localhost',
      'Arrival-Date: Mon, 23 Nov 2026 09:30:00 +0000',
      '',
      'Final-Recipient: rfc822; bob@b.example',
      'Action: failed',
      'Status: 5.0.0',
      'Diagnostic-Code: smtp; 550',
      '',
      '--=_report--',
      '',
    ]);
  });

  test.each(endings)('of %o is read by a mail program, in words and in codes', async (ending, action, status) => {
    const raw = composeReport({ ...report, ending });
    const mail = await simpleParser(Buffer.from(raw));
    expect(mail.from?.value).toEqual([{ name: 'MixMailer', address: 'alice@a.example' }]);
    expect(mail.inReplyTo).toBe('<1@a.example>');
    expect(mail.text?.replaceAll('\n', ' ')).toContain(wordsFor(ending));
    expect(mail.text).toContain('Mon, 23 Nov 2026 09:30 UTC');
    const { contentType, parts } = await parseMail(raw);
    if (action === undefined) {
      expect([contentType, parts.length]).toEqual(['text/plain', 1]);
      return;
    }
    expect([contentType, ...parts.map((part) => part.contentType)]).toEqual([
      'multipart/report',
      'text/plain',
      'message/delivery-status',
    ]);
    const fields = latin1(parts[1]?.content ?? new Uint8Array());
    const ofMail = readHead(fromLatin1(fields));
    const ofRecipient = readHead(fromLatin1(fields.slice(ofMail.bodyAt)));
    expect(valuesOf(ofMail, 'reporting-mta')).toEqual(['dns; localhost']);
    expect([valuesOf(ofRecipient, 'action'), valuesOf(ofRecipient, 'status')]).toEqual([[action], [status]]);
  });

  test('of every ending has lines of a width that is read well', () => {
    for (const [ending] of endings)
      for (const recipient of [undefined, 'bob@b.example'])
        expect(
          textOf({ ending, recipient })
            .split('\r\n')
            .filter((line) => line.length > 78),
        ).toEqual([]);
  });

  test('of every ending is written in whole sentences: about which mail, what happened, what to do', () => {
    for (const [ending] of endings)
      for (const recipient of [undefined, 'bob@b.example']) {
        const paragraphs = paragraphsOf(textOf({ ending, recipient }));
        expect(paragraphs).toHaveLength(recipient === undefined ? 4 : 3);
        for (const paragraph of paragraphs) expect(paragraph).toMatch(/^[A-Z](?!.* {2}).*\.$/);
      }
  });

  test.each<[Ending, subject: string, advice: string]>([
    [{ kind: 'handed-over', code: 250 }, 'Your mail was delivered after all', 'You need not do anything'],
    [{ kind: 'refused', code: 550 }, 'Your mail was not delivered', "check the recipient's address, or"],
    [{ kind: 'refused', code: 552 }, 'Your mail was not delivered', 'again later or in smaller pieces'],
    [{ kind: 'bounced', status: [5, 1, 1] }, 'Your mail was not delivered', "check the recipient's address, or"],
    [{ kind: 'bounced', status: [5, 2, 2] }, 'Your mail was not delivered', 'again later or in smaller pieces'],
    [{ kind: 'bounced', status: [5, 4, 1] }, 'Your mail was not delivered', 'send it again later'],
    [{ kind: 'rejected', reason: 'message/bad-recipient' }, 'Your mail was not delivered', "recipient's address."],
    [{ kind: 'rejected', reason: 'message/too-large' }, 'Your mail was not delivered', 'in smaller pieces'],
    [{ kind: 'rejected', reason: 'message/bad-envelope' }, 'Your mail was not delivered', 'a newer version'],
    [{ kind: 'rejected', reason: 'message/not-encrypted' }, 'Your mail was not delivered', 'a newer version'],
    [{ kind: 'gave-up' }, 'Your mail may not have been delivered', 'ask the recipient whether'],
    [{ kind: 'expired' }, 'Your mail was not delivered', 'send it again.'],
    [{ kind: 'no-answer', sendings: 3 }, 'Your mail may not have been delivered', 'ask the recipient whether'],
    [{ kind: 'no-answer', sendings: 0 }, 'Your mail was not sent', '"mixmailer check"'],
    [{ kind: 'restored' }, 'Your mail may not have been delivered', 'It is not sent again by itself.'],
    [{ kind: 'reply-incomplete' }, 'An answer to your mail did not arrive whole', 'ask the writer'],
  ])('of %o says in its subject how it ended, and gives fitting advice', (ending, subject, advice) => {
    const text = textOf({ ending });
    expect(text).toContain(`\r\nSubject: ${subject}\r\n`);
    expect(paragraphsOf(text).at(-1)).toContain(advice);
  });

  test('names the code of a refusal, and no code where there was none', () => {
    expect(textOf({ ending: { kind: 'gave-up' } })).not.toContain('Diagnostic-Code');
    expect(textOf({ ending: { kind: 'refused', code: 554 } })).toContain('\r\nDiagnostic-Code: smtp; 554\r\n');
  });

  test('names the recipient nowhere unless the user wants it, and says where to look', () => {
    const hidden = textOf({ recipient: undefined });
    expect(hidden).not.toContain('b.example');
    expect(hidden).toContain('\r\nFinal-Recipient: unknown; hidden\r\n');
    expect(hidden.replaceAll('\r\n', ' ')).toContain(
      'The command "mixmailer queue" on your computer shows who it was.',
    );
    expect(textOf()).not.toContain('mixmailer queue');
  });

  test('does not tell the provider which delivered mail it is about', () => {
    for (const secret of [messageId, deliveryToken(messageId)]) expect(textOf()).not.toContain(secret);
  });

  test('can be looked for before it is put there: one Message-ID for a message and its ending', () => {
    const again = { ...report, now: 0, recipient: undefined };
    expect(reportMessageId(again)).toBe(reportMessageId(report));
    const others = [
      reportMessageId({ messageId, ending: { kind: 'gave-up' } }),
      reportMessageId({ messageId: messageIdOf(new Uint8Array(16)), ending: report.ending }),
    ];
    expect(new Set([reportMessageId(report), ...others]).size).toBe(3);
    expect(reportMessageId(report)).toMatch(/^<report\.[0-9a-f]{32}@mixmailer\.invalid>$/);
  });

  test('is no bounce of a mail of an exit that shares the mailbox', async () => {
    const raw = composeReport(report);
    expect(readIncoming(readHead(raw), report.to)).toEqual({ kind: 'report' });
    expect(bouncesIn((await parseMail(raw)).parts, raw)).toEqual([]);
  });

  test('stands alone where the mail had no Message-ID, or none that can be named', () => {
    for (const originalMessageId of [undefined, 'x', '<1@a.example\r\nBcc: eve@e.example>'])
      expect(textOf({ originalMessageId })).not.toMatch(/In-Reply-To|References|Bcc/);
  });

  test('of addresses that are none is our own mistake', () => {
    expect(() => textOf({ to: 'alice' })).toThrow('BUG');
    expect(() => textOf({ recipient: 'bob@b.example\r\nAction: delivered' })).toThrow('BUG');
  });
});

describe('the words', () => {
  test('are one sentence without address or id for every ending, and different ones', () => {
    const words = endings.map(([ending]) => wordsFor(ending));
    expect(new Set(words).size).toBe(words.length);
    for (const sentence of words) {
      expect(sentence).toMatch(/^[A-Z][^@<>]*\.$/);
      expect(sentence.match(/\. /g)).toBeNull();
    }
  });

  test('of no answer say that it may have arrived', () => {
    expect(wordsFor({ kind: 'no-answer', sendings: 3 })).toContain('it may have arrived all the same');
  });

  test('of a bounce say something of their own for every kind of code, and of a rejection for every reason', () => {
    const bounces = [1, 2, 3, 4, 5, 6, 7, 9].map((subject) => wordsFor({ kind: 'bounced', status: [5, subject, 0] }));
    const rejections = endings.flatMap(([ending]) => (ending.kind === 'rejected' ? [wordsFor(ending)] : []));
    for (const [index, words] of [...bounces, ...rejections].entries()) {
      expect(words).toMatch(/: (?:it came back, )?[a-z][a-z ';,]{20,}/);
      expect([...bounces, ...rejections].indexOf(words)).toBe(index);
    }
    expect(rejections).toHaveLength(4);
  });

  test('of a refusal say what its code most often means, and nothing of a code that says nothing', () => {
    const said = [550, 551, 552, 553, 554].map((code) => wordsFor({ kind: 'refused', code }));
    for (const words of said) expect(words).toMatch(/refused it with the code 55[0-4]; [a-z ,]{20,}\.$/);
    expect(new Set(said.map((words) => words.split('; ')[1])).size).toBe(said.length);
    expect(wordsFor({ kind: 'refused', code: 571 })).toBe(
      'It was not delivered: the mail server refused it with the code 571.',
    );
  });

  test('of a bounce say what the code means', () => {
    expect(wordsFor({ kind: 'bounced', status: [5, 1, 1] })).toBe(
      'It was not delivered: it came back, something is wrong with the address (status 5.1.1).',
    );
  });
});
