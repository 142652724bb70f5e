import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import { isDelivery } from '../../src/message/delivery.js';
import { readHead } from '../../src/message/head.js';
import { readIncoming } from '../../src/message/incoming.js';
import { composeNotice, type Notice, type NoticeReason } from '../../src/message/notice.js';
import { noticeReasons } from './endings.js';

const notice: Notice = {
  from: 'exit@x.example',
  to: 'bob@b.example',
  reason: 'expired',
  inReplyTo: '<1@b.example>',
  roomBytes: 205_000,
  id: 'ab'.repeat(16),
  now: Date.UTC(2026, 10, 24, 13, 5, 59),
};
const textOf = (change: Partial<Notice> = {}): string => latin1(composeNotice({ ...notice, ...change }));

describe('a notice', () => {
  test('is an automatic answer in plain words', () => {
    expect(textOf().split('\r\n')).toEqual([
      'From: <exit@x.example>',
      'To: <bob@b.example>',
      'Subject: Your answer was not delivered',
      'Date: Tue, 24 Nov 2026 13:05:00 +0000',
      `Message-ID: <${'ab'.repeat(16)}@mixmailer.invalid>`,
      'In-Reply-To: <1@b.example>',
      'References: <1@b.example>',
      'MIME-Version: 1.0',
      'Auto-Submitted: auto-replied',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'This is an automatic message. Your answer could not be delivered.',
      '',
      'The mail you answered came to you through a network that protects its',
      'sender. The way back through it stays open only for some days, and only',
      'for a few answers. It is closed by now.',
      '',
      'What you can do: answer a newer mail from the same person, or write to',
      'them in another way, if you know one.',
      '',
      'Please do not answer this message: nobody reads it.',
      '',
    ]);
  });

  test.each(noticeReasons)('says what happened and what to do, and is read by a mail program: %s', async (reason) => {
    const mail = await simpleParser(textOf({ reason }));
    expect(mail.subject).toBe('Your answer was not delivered');
    expect(mail.inReplyTo).toBe('<1@b.example>');
    expect(mail.text).toMatch(/could not be delivered[^]*What you can do: /);
    expect(
      textOf({ reason })
        .split('\r\n')
        .every((line) => line.length <= 76),
    ).toBe(true);
  });

  test.each(noticeReasons)('is written in whole sentences, in paragraphs of their own: %s', (reason) => {
    const [, body = ''] = textOf({ reason }).split('charset=us-ascii\r\n\r\n');
    const paragraphs = body
      .trimEnd()
      .split('\r\n\r\n')
      .map((paragraph) => paragraph.replaceAll('\r\n', ' '));
    expect(paragraphs).toHaveLength(4);
    for (const paragraph of paragraphs) expect(paragraph).toMatch(/^[A-Z](?!.* {2}).*\.$/);
    const [said, happened, advice] = paragraphs;
    expect(said).toMatch(/could not be delivered/);
    const known: Record<NoticeReason, readonly [RegExp, RegExp]> = {
      expired: [/stays open only for some days, and only for a few answers/, /answer a newer mail/],
      'too-large': [/too large.*now takes mails of about 149 KB, everything in them counted/, /without attachments/],
      'not-encrypted': [/was not encrypted.*takes only encrypted mails/, /encrypt your answer with OpenPGP/],
    };
    expect(happened).toMatch(known[reason][0]);
    expect(advice).toMatch(known[reason][1]);
  });

  test('tells how large an answer may be, as its attachments are counted', () => {
    expect(textOf({ reason: 'too-large' })).toContain('about 149 KB');
    expect(textOf({ reason: 'not-encrypted' })).toContain('OpenPGP');
  });

  test('is never answered by another exit or by itself, and known for its own by the exit', () => {
    const raw = composeNotice(notice);
    expect(readIncoming(readHead(raw), 'bob@b.example')).toEqual({ kind: 'other' });
    expect(
      readIncoming(readHead(composeNotice({ ...notice, to: 'exit+abcdefgh234567zz@x.example' })), notice.from),
    ).toEqual({ kind: 'automatic' });
    expect(isDelivery(raw)).toBe(true);
  });

  test('names the answer only by what is a Message-ID', () => {
    for (const inReplyTo of [undefined, '', 'x', '<1@b.example\r\nBcc: eve@e.example>', '<\xe4@b.example>'])
      expect(textOf({ inReplyTo })).not.toMatch(/In-Reply-To|References|Bcc/);
  });

  test('goes between mail addresses; another is our own mistake', () => {
    expect(() => textOf({ to: 'bob@b.example\r\nBcc: eve@e.example' })).toThrow('BUG');
    expect(() => textOf({ from: 'exit' })).toThrow('BUG');
  });
});
