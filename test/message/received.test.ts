import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromLatin1, latin1 } from '../../src/base/bytes.js';
import { deliveredMessageId } from '../../src/message/delivery.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { receivedReply, type ReplyContext } from '../../src/message/received.js';

const token = 'aa'.repeat(16);
const delivered = deliveredMessageId(token);
const context: ReplyContext = { to: 'alice@a.example', token, originalMessageId: '<1.$&@a.example>' };
const received = (reply: string, change: Partial<ReplyContext> = {}): string =>
  latin1(receivedReply(fromLatin1(reply), { ...context, ...change }));
const linesOf = (...lines: string[]): string => lines.map((line) => `${line}\r\n`).join('');

const reply = linesOf(
  'From: Bob <bob@b.example>',
  'To: <exit+abcdefgh234567zz@x.example>',
  'Cc: carol@c.example',
  'Subject: Re: ...',
  'Message-ID: <2@b.example>',
  `In-Reply-To: ${delivered}`,
  `References: <0@b.example> ${delivered}`,
  'Content-Type: text/plain',
  '',
  'Hello',
);

describe('a reply as the user gets it', () => {
  test('goes to the user and stands under the mail it answers', () => {
    expect(received(reply)).toBe(
      linesOf(
        'To: <alice@a.example>',
        'Message-ID: <2@b.example>',
        'In-Reply-To: <1.$&@a.example>',
        'References: <0@b.example> <1.$&@a.example>',
        'From: Bob <bob@b.example>',
        'Cc: carol@c.example',
        'Subject: Re: ...',
        'Content-Type: text/plain',
        '',
        'Hello',
      ),
    );
  });

  test('names the delivered mail where the user has no other name for it', () => {
    expect(received(reply, { originalMessageId: undefined })).toContain(
      `\r\nIn-Reply-To: ${delivered}\r\nReferences: <0@b.example> ${delivered}\r\n`,
    );
  });

  test('that names no mail at all, as one that came through the network, answers the mail it was sent for', () => {
    for (const line of ['', 'In-Reply-To:\r\n', 'References: nothing\r\n'])
      expect(received(`From: <exit@y.example>\r\n${line}\r\nx`)).toContain(
        '\r\nIn-Reply-To: <1.$&@a.example>\r\nReferences: <1.$&@a.example>\r\n',
      );
    expect(received('From: <exit@y.example>\r\n\r\nx', { originalMessageId: undefined })).toContain(
      `\r\nIn-Reply-To: ${delivered}\r\n`,
    );
  });

  test('that names other mails keeps them, and names no more', () => {
    const text = received('References: <0@b.example>\r\n <9@b.example>\r\n\r\n');
    expect(text).toContain('\r\nReferences: <0@b.example> <9@b.example>\r\n');
    expect(text).not.toContain('In-Reply-To');
    const theirs = deliveredMessageId('bb'.repeat(16));
    expect(received(`In-Reply-To: ${theirs}\r\n\r\n`)).toContain(`\r\nIn-Reply-To: ${theirs}\r\n`);
  });

  test('has a Message-ID by which it can be found again, if it came without', () => {
    const idOf = (text: string) => valuesOf(readHead(fromLatin1(received(text))), 'message-id');
    const [id] = idOf('From: a@b.example\r\n\r\nx');
    expect(id).toMatch(/^<reply\.[0-9a-f]{32}@mixmailer\.invalid>$/);
    expect(idOf('From: a@b.example\r\n\r\nx')).toEqual([id]);
    expect(idOf('From: a@b.example\r\n\r\ny')).not.toEqual([id]);
    expect(idOf('Message-ID: none\r\n\r\n')).toHaveLength(1);
    expect(idOf('Message-ID: <2@b.example> <3@b.example>\r\n\r\n')).toEqual(['<2@b.example>']);
  });

  test('has its long lines folded, and loses what can not be', () => {
    const ids = Array.from({ length: 40 }, (_, i) => `<${i}.${'x'.repeat(50)}@b.example>`);
    const text = received(
      `Subject: ${'word '.repeat(300)}\r\nCc: ${'c'.repeat(1000)}\r\nReferences: ${ids.join(' ')}\r\n\r\n`,
    );
    const head = readHead(fromLatin1(text));
    expect(text.split('\r\n').every((line) => line.length <= 78 && !/^\s+$/.test(line))).toBe(true);
    expect(valuesOf(head, 'subject')).toEqual(['word '.repeat(300).trim()]);
    expect(valuesOf(head, 'references')).toEqual([ids.join(' ')]);
    expect(valuesOf(head, 'cc')).toEqual([]);
    expect(received(`Subject: ${'s'.repeat(900)}\r\n\r\n`)).toMatch(/^Subject:( |\r\n )s{900}\r\n/m);
  });

  test('keeps a line of 998 characters, and none that is longer', () => {
    const subject = (length: number) => received(`Subject: ${'s'.repeat(length)}\r\n\r\n`);
    expect(subject(997)).toMatch(/^ s{997}\r\n/m);
    expect(subject(998)).not.toMatch(/Subject|sss/);
  });

  test('keeps the names of fields as they were written, and tabs as spaces', () => {
    expect(received('sUBJECT: a\tb\r\nX-pEp-Version: 2.1\r\n\r\n')).toMatch(
      /\r\nsUBJECT: a b\r\nX-pEp-Version: 2\.1\r\n\r\n$/,
    );
    expect(received('Cc:\r\nSubject: x\r\n\r\n')).not.toContain('Cc');
  });

  test('keeps letters of any alphabet, in the header and in the body', () => {
    expect(received('Subject: Gr\xc3\xbc\xc3\x9fe \xc3\xa0\n\n\xc3\xa0\n')).toMatch(
      /\r\nSubject: Gr\xc3\xbc\xc3\x9fe \xc3\xa0\r\n\r\n\xc3\xa0\n$/,
    );
  });
});

describe('an exit that lies', () => {
  test('can put in no field that a program would act on, or that says where the mail has been', () => {
    const text = received(
      linesOf(
        'Received: from alice',
        'Disposition-Notification-To: <eve@e.example>',
        'X-Spam-Status: No',
        'Authentication-Results: a.example; dkim=pass',
        'List-Unsubscribe: <https://e.example>',
        'Bcc: <eve@e.example>',
        'Return-Path: <bob@b.example>',
        'Subject: x',
        '',
        '',
      ),
    );
    expect(readHead(fromLatin1(text)).fields.map(({ name }) => name)).toEqual([
      'to',
      'message-id',
      'in-reply-to',
      'references',
      'subject',
    ]);
  });

  test('can say nothing twice', () => {
    const text = received(
      'From: bob@b.example\r\nFROM: eve@e.example\r\nSubject: 1\r\nsubject: 2\r\nTo: x@y.example\r\n\r\n',
    );
    const head = readHead(fromLatin1(text));
    expect(['from', 'subject', 'to'].map((name) => valuesOf(head, name))).toEqual([
      ['bob@b.example'],
      ['1'],
      ['<alice@a.example>'],
    ]);
  });

  test('can hide no line in another', () => {
    for (const end of ['\r', '\0', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'])
      expect(received(`Subject: x${end}Bcc: eve@e.example\r\n\r\n`)).not.toContain('Bcc');
  });

  test('can put no byte into the mail that a server would refuse it for', () => {
    expect(received('Subject: x\r\n\r\na\0b\0')).toMatch(/\r\n\r\nab$/);
  });

  test('can send anything: the user gets a mail of known fields, each once, or its text', () => {
    const piece = fc.constantFrom(
      'From: a@b.example\r\n',
      'To: c@d.example\n',
      'Subject: \xff',
      `References: ${delivered}`,
      'Bcc: x\r\n',
      ' folded\r\n',
      '\r\n',
      '\n',
      '\r',
      ':',
      '\0',
      ' ',
      'x'.repeat(400),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = received(pieces.join(''));
        const head = readHead(fromLatin1(text));
        const names = head.fields.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        const known = ['from', 'subject', 'to', 'message-id', 'in-reply-to', 'references'];
        expect(names.filter((name) => !known.includes(name))).toEqual([]);
        expect(valuesOf(head, 'to')).toEqual(['<alice@a.example>']);
        expect(valuesOf(head, 'message-id')).toHaveLength(1);
        const lines = text.slice(0, head.bodyAt).split('\r\n');
        expect(lines.slice(-2)).toEqual(['', '']);
        for (const line of lines) expect(line).toMatch(/^[^\0-\x08\x0a-\x1f]{0,998}$/);
        expect(text.slice(head.bodyAt)).not.toContain('\0');
      }),
      { numRuns: 2000 },
    );
  });
});

test('a reply to somebody without a proper address is our own mistake', () => {
  expect(() => received(reply, { to: 'alice' })).toThrow('BUG');
});
