import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { fromLatin1, latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { seededRng } from '../../src/base/random.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { composeDelivery, type Deliverable } from '../../src/message/delivery.js';
import { readHead } from '../../src/message/head.js';
import { bouncesIn, readIncoming, replyContent, type Bounce } from '../../src/message/incoming.js';

const own = 'exit@x.example';
const alias = 'abcdefgh234567zz';
const other = 'zzzzzzzz77777777';
const [token, earlier, first] = ['aa'.repeat(16), 'bb'.repeat(16), 'cc'.repeat(16)];
const idOf = (name: string): string => `<${name}@mixmailer.invalid>`;
const incoming = (...lines: string[]) => readIncoming(readHead(fromLatin1(`${lines.join('\r\n')}\r\n\r\nbody`)), own);
const person = ['From: Bob <bob@b.example>', 'Message-ID: <1@b.example>'];
const toAlias = `To: <exit+${alias}@x.example>`;

describe('an answer', () => {
  test('is known by the alias it goes to, and tells who wrote it', () => {
    expect(incoming(...person, toAlias)).toEqual({
      kind: 'reply',
      aliases: [alias],
      tokens: [],
      from: 'bob@b.example',
      messageId: '<1@b.example>',
    });
  });

  test('is known wherever a provider names whom it was for', () => {
    const fields = 'To Cc Delivered-To X-Original-To Envelope-To X-Envelope-To X-Forwarded-To'.split(' ');
    for (const field of fields)
      for (const value of [
        `exit+${alias}@x.example`,
        `EXIT+${alias.toUpperCase()}@X.Example`,
        `"Somebody, else" <carol@c.example>,\r\n\t<exit+${alias}@x.example> (x)`,
        `carol@c.example, exit+${alias}@x.example;`,
      ])
        expect([field, value, incoming(...person, `${field}: ${value}`)]).toMatchObject([
          field,
          value,
          { aliases: [alias] },
        ]);
  });

  test('may go to several aliases; each is named once', () => {
    const to = [alias, other, alias].map((detail) => `<exit+${detail}@x.example>`).join(', ');
    expect(incoming(...person, `To: ${to}`)).toMatchObject({ aliases: [alias, other] });
  });

  test('is known by the delivered mail it refers to, the latest first', () => {
    const thread = [
      `In-Reply-To: ${idOf(token)}`,
      `References: <0@x> ${idOf(first)}\r\n ${idOf(earlier)} ${idOf(token)}`,
    ];
    expect(incoming(...person, `To: ${own}`, ...thread)).toMatchObject({
      kind: 'reply',
      aliases: [],
      tokens: [token, earlier, first],
    });
    expect(incoming(...person, `References: ${idOf(first)} ${idOf(earlier)}`)).toMatchObject({
      tokens: [earlier, first],
    });
  });

  test('of another exit, delivered to an alias, is one too', () => {
    const message = { recipient: `exit+${alias}@x.example`, form: 'pgp-mime', autoConsume: false } as const;
    const raw = composeDelivery(
      {
        from: 'other@y.example',
        message: { ...message, openpgp: Uint8Array.of(0xc1) } as unknown as Deliverable,
        messageId: messageIdOf(new Uint8Array(16)),
        now: 0,
      },
      pureBase64,
    );
    expect(readIncoming(readHead(raw), own)).toMatchObject({
      kind: 'reply',
      aliases: [alias],
      from: 'other@y.example',
    });
  });

  test('to hundreds of aliases and mails names the first twenty', () => {
    const names = Array.from({ length: 300 }, (_, i) => i.toString(16).padStart(32, '0'));
    const aliases = names.map(
      (_, i) =>
        `exit+${'a'.repeat(14)}${'abcdefgh'[i >> 5] ?? 'h'}${'abcdefghijklmnopqrstuvwxyz234567'[i & 31] ?? ''}@x.example`,
    );
    const answer = incoming(...person, `To: ${aliases.join(', ')}`, `References: ${names.map(idOf).join(' ')}`);
    if (answer.kind !== 'reply') expect.fail('no reply');
    expect([answer.aliases.length, answer.tokens.length]).toEqual([20, 20]);
    expect(answer.tokens[0]).toBe(names.at(-1));
  });

  test('names its writer only if that is one plain address', () => {
    const from = (value: string) => {
      const answer = incoming(`From: ${value}`, toAlias);
      return answer.kind === 'reply' ? answer.from : expect.fail('no reply');
    };
    for (const one of [
      'bob@b.example',
      '<bob@B.example>',
      'Bob <bob@b.example>',
      '"Bob, <eve@e.example>" <bob@b.example>',
      '"\\"" < bob@b.example >',
      'bob@b.example (Bob <eve@e.example>)',
      '=?utf-8?Q?B=C3=B6b?= <bob@b.example>',
      'B\xc3\xb6b <bob@b.example>',
    ])
      expect([one, from(one)]).toEqual([one, 'bob@b.example']);
    for (const none of [
      '',
      'Bob',
      'bob@b.example, eve@e.example',
      'Bob <bob@b.example>, Eve <eve@e.example>',
      'eve@e.example, Bob <bob@b.example>',
      'Friends: bob@b.example;',
      '"Bob <bob@b.example>',
      'bob@localhost',
      '<bob@b.example> <eve@e.example>',
      `${'x'.repeat(1000)} <bob@b.example>`,
    ])
      expect([none, from(none)]).toEqual([none, undefined]);
    expect(incoming('From: bob@b.example', 'From: eve@e.example', toAlias)).toMatchObject({ from: undefined });
  });

  test('names itself only by one Message-ID', () => {
    for (const lines of [
      [],
      ['Message-ID: 1@b.example'],
      ['Message-ID: <1@b.example>', 'Message-ID: <2@b.example>'],
      ['Message-ID: <1@b.example> <2@b.example>'],
    ])
      expect(incoming('From: bob@b.example', toAlias, ...lines)).toMatchObject({ messageId: undefined });
  });
});

describe('no answer', () => {
  test('is a mail to the exit itself, to something like an alias, or to nobody', () => {
    for (const lines of [
      [`To: ${own}`],
      [],
      ['To: exit+news@x.example'],
      [`To: exit+${alias}@y.example`],
      [`To: exit+${alias}x@x.example`],
      [`To: other+${alias}@x.example`],
      [`Subject: exit+${alias}@x.example`],
      [`In-Reply-To: <${token}@x.example>`],
      [`Message-ID: ${idOf(token)}`],
    ])
      expect([lines, incoming(...person.slice(0, 1), ...lines)]).toEqual([lines, { kind: 'other' }]);
  });

  test('is a carrier mail', () => {
    const rng = seededRng(new Uint8Array(32));
    const bundle = joinBundle([new Uint8Array(32_768).fill(1)], () => new Uint8Array(), rng);
    const raw = composeCarrierMail({ from: 'mix@m.example', to: own, bundle, now: 0, rng }, pureBase64);
    expect(readIncoming(readHead(raw), own)).toEqual({ kind: 'other' });
  });
});

describe('what a machine wrote', () => {
  const signs = [
    'Auto-Submitted: auto-replied',
    'Auto-Submitted: auto-generated (failure)',
    'auto-submitted: AUTO-NOTIFIED',
    'Auto-Submitted: nobody knows',
    'Precedence: bulk',
    'Precedence: Junk',
    'Precedence: list',
    'Precedence: auto_reply',
    'List-Id: <friends.b.example>',
    'List-Unsubscribe: <mailto:u@b.example>',
    'Return-Path: <>',
    'Return-Path: < >',
    'X-Autoreply: yes',
    'X-Autorespond: Gone',
    'Content-Type: multipart/report; report-type=disposition-notification; boundary=b',
  ];

  test.each(signs)('is never taken for an answer: %s', (sign) => {
    expect(incoming(...person, toAlias, sign)).toEqual({ kind: 'automatic' });
    expect(incoming(...person, `In-Reply-To: ${idOf(token)}`, sign)).toEqual({ kind: 'automatic' });
    expect(incoming(...person, sign)).toEqual({ kind: 'other' });
  });

  test('is known by its writer', () => {
    for (const from of ['MAILER-DAEMON@b.example', 'Mail System <mailer-daemon@b.example>'])
      expect(incoming(`From: ${from}`, toAlias)).toEqual({ kind: 'automatic' });
  });

  test('is not what a person wrote, whatever servers and programs put into it', () => {
    for (const harmless of [
      'Auto-Submitted: no',
      'Auto-Submitted: No (really)',
      'Precedence: first-class',
      'Return-Path: <bob@b.example>',
      'X-Autoreply: no',
      'X-Auto-Response-Suppress: All',
      'X-Listening: music',
      'Content-Type: text/plain; report-type=delivery-status',
    ])
      expect([harmless, incoming(...person, toAlias, harmless)]).toMatchObject([harmless, { kind: 'reply' }]);
  });
});

test('a delivery status notification is a report, wherever it goes', () => {
  for (const type of [
    'multipart/report; report-type=delivery-status; boundary=b',
    'Multipart/Report;\r\n\tboundary="b";\r\n\tReport-Type = "Delivery-Status"',
  ])
    for (const to of [toAlias, `To: ${own}`])
      expect(incoming(`Content-Type: ${type}`, to, 'Auto-Submitted: auto-replied')).toEqual({ kind: 'report' });
});

test('a hostile header is read to its end', () => {
  const names = ['To', 'From', 'In-Reply-To', 'Content-Type', 'Auto-Submitted', 'Precedence', 'Return-Path'];
  for (const name of names)
    for (const piece of [' ', '\r', '<', '"', '\\"', '(', '()', 'a@', ';report-type=', ';report-type= ', '<a@b> ', '+'])
      expect(incoming(`${name}: ${piece.repeat(200_000 / piece.length)}x`).kind).toBe('other');
});

const mailFile = (name: string): Uint8Array => readFileSync(new URL(`bounces/${name}.eml`, import.meta.url));
const bouncesOf = async (raw: Uint8Array): Promise<readonly Bounce[]> => bouncesIn((await parseMail(raw)).parts, raw);

describe('a bounce is understood', () => {
  const ours = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
  test.each<[string, string, Bounce]>([
    ['postfix', 'report', { token: '8c1f5a0de92b47638c1f5a0de92b4763', status: [5, 1, 1] }],
    ['exim', 'report', { token: ours, status: [5, 1, 1] }],
    ['gmail', 'report', { token: ours, status: [5, 1, 1] }],
    ['exchange', 'report', { token: ours, status: [5, 1, 10] }],
    ['sendmail', 'report', { token: ours, status: [5, 2, 1] }],
  ])('as %s writes it', async (name, kind, bounce) => {
    const raw = mailFile(name);
    expect(readIncoming(readHead(raw), own)).toEqual({ kind });
    for (const end of ['\n', '\r\n'])
      expect(await bouncesOf(fromLatin1(latin1(raw).replaceAll(/\r?\n/g, end)))).toEqual([bounce]);
  });

  test('of a delay and of a success: none', async () => {
    for (const name of ['delay', 'success']) {
      expect(readIncoming(readHead(mailFile(name)), own)).toEqual({ kind: 'report' });
      expect([name, await bouncesOf(mailFile(name))]).toEqual([name, []]);
    }
  });

  test("of what is no notification by its form, as qmail's: none", async () => {
    expect(readIncoming(readHead(mailFile('qmail')), own)).toEqual({ kind: 'other' });
    expect(await bouncesOf(mailFile('qmail'))).toEqual([]);
  });
});

describe('of a notification', () => {
  const bounces = (status: string, returned = `Message-ID: ${idOf(token)}\n`) =>
    bouncesIn(
      [{ contentType: 'message/delivery-status', content: fromLatin1(status) }],
      fromLatin1(`Subject: x\n\n${returned}`),
    );
  const failed = (...lines: string[]) => bounces(`Reporting-MTA: dns; x\n\n${lines.join('\n')}\nAction: failed\n`);

  test('the status is read, or 5.0.0', () => {
    const cases: readonly (readonly [string, Bounce['status']])[] = [
      ['Status: 5.1.1', [5, 1, 1]],
      ['STATUS: 5.1.1 (no such mailbox)', [5, 1, 1]],
      ['Status:\n 4.4.7', [4, 4, 7]],
      ['Status: 5.7.606', [5, 7, 606]],
      ['X-Status: 5.1.1', [5, 0, 0]],
      ['Status: 2.0.0', [5, 0, 0]],
      ['Status: 5.1', [5, 0, 0]],
      ['Status: 5.1.1000', [5, 0, 0]],
      ['Status: 4.0.0', [4, 0, 0]],
      ['Status: 5.0.0\nDiagnostic-Code: smtp;550 5.2.2 full', [5, 2, 2]],
      ['Diagnostic-Code: SMTP; 554-5.7.1 no', [5, 7, 1]],
      ['Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.2.2 full', [5, 1, 1]],
      ['Status: 5.0.0\nDiagnostic-Code: smtp; 550 5.2.2.4 is an address', [5, 0, 0]],
      ['Status: 5.0.0\nDiagnostic-Code: x-unix; 550 5.2.2 full', [5, 0, 0]],
    ];
    for (const [line, status] of cases) expect([line, failed(line)]).toEqual([line, [{ token, status }]]);
  });

  test('only an action that failed counts', () => {
    for (const action of ['failed', 'Failed', 'FAILED (permanently)'])
      expect(bounces(`Action: ${action}\nStatus: 5.1.1\n`)).toHaveLength(1);
    for (const action of ['delayed', 'delivered', 'relayed', 'expanded', 'failedly', 'not failed', ''])
      expect([action, bounces(`Action: ${action}\nStatus: 5.1.1\n`)]).toEqual([action, []]);
    expect(bounces('')).toEqual([]);
  });

  test('the envelope id says which mail it is, before all else; it may be in xtext', () => {
    const plain = `Original-Envelope-Id: ${earlier}\n\nAction: failed\n`;
    expect(bounces(plain)).toEqual([{ token: earlier, status: [5, 0, 0] }]);
    expect(bounces(plain.toUpperCase())).toEqual([{ token: earlier, status: [5, 0, 0] }]);
    expect(bounces(plain.replace('bb', '+62b'))).toEqual([{ token: earlier, status: [5, 0, 0] }]);
    expect(bounces(plain.replace('bb', 'zz'))).toEqual([{ token, status: [5, 0, 0] }]);
  });

  test('about no mail of ours nothing is said', () => {
    expect(bounces('Action: failed\n', 'Message-ID: <1@x.example>\n')).toEqual([]);
    expect(bounces(`Original-Envelope-Id: QQ1\n\nAction: failed\n`, '')).toEqual([]);
  });

  test('a mail is named once: by its first recipient that failed, in its first report', () => {
    const status = (detail: number) => `Action: failed\nStatus: 5.1.${detail}\n`;
    expect(bounces(`x: y\n\n\n\nAction: delayed\nStatus: 4.4.1\n\n${status(1)}\n${status(2)}`)).toEqual([
      { token, status: [5, 1, 1] },
    ]);
    const part = (detail: number) => ({ contentType: 'message/delivery-status', content: fromLatin1(status(detail)) });
    expect(bouncesIn([part(1), part(2)], fromLatin1(idOf(token)))).toEqual([{ token, status: [5, 1, 1] }]);
  });

  test('the returned header is found in a part that was encoded', () => {
    const content = fromLatin1(`Message-ID: ${idOf(token)}\n`);
    const status = { contentType: 'message/delivery-status', content: fromLatin1('Action: failed\n') };
    expect(bouncesIn([status, { contentType: 'text/rfc822-headers', content }], new Uint8Array())).toHaveLength(1);
  });

  test('of any words there are bounces of a failure, or none', () => {
    const line = fc.constantFrom(
      'Action: failed',
      'Action: delayed',
      'Status: 5.1.1',
      'Status: 4.4.1',
      'Status: 2.0.0',
      '',
      ' folded',
      `Original-Envelope-Id: ${earlier}`,
      'Diagnostic-Code: smtp; 550 5.7.1 no',
      '\0\xff',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.boolean(), (lines, named) => {
        const found = bounces(lines.join('\n'), named ? idOf(token) : '');
        expect(found.length).toBeLessThanOrEqual(lines.includes('Action: failed') ? 1 : 0);
        for (const { token: of, status } of found) {
          expect([token, earlier]).toContain(of);
          expect([4, 5]).toContain(status[0]);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what of an answer goes to the sender', () => {
  const content = (text: string): string => latin1(replyContent(fromLatin1(text)));

  test('is what mail programs show and need, as it stands, and the body', () => {
    const kept = [
      'From: Bob <bob@b.example>',
      'Sender: <bob@b.example>',
      'Reply-To: <bob@b.example>',
      `To: <exit+${alias}@x.example>`,
      'Cc: carol@c.example',
      'Subject: =?utf-8?Q?p=E2=89=A1p?=\r\n\tand  more',
      'Date: Tue, 24 Nov 2026 14:00:00 +0100',
      'Message-ID: <1@b.example>',
      `In-Reply-To: ${idOf(token)}`,
      `References: ${idOf(token)}`,
      'MIME-Version: 1.0',
      'Content-Type: multipart/encrypted;\r\n boundary="b"',
      'content-transfer-encoding: 7bit',
      'Autocrypt: addr=bob@b.example; keydata=AAAA',
      'X-pEp-Version: 2.1',
      'pEp-auto-consume: yes',
    ];
    const left = [
      'Return-Path: <bob@b.example>',
      'Received: from x\r\n\tby y',
      'DKIM-Signature: v=1; b=AAAA',
      'Authentication-Results: x; spf=pass',
      'X-Spam-Status: No',
      'User-Agent: Mutt',
      'X-Originating-IP: 192.0.2.1',
      'Disposition-Notification-To: <bob@b.example>',
      'Return-Receipt-To: <bob@b.example>',
      'Bcc: <dave@d.example>',
      'X-EncStatus: trusted',
      'List-Post: <mailto:l@b.example>',
      'not a field',
    ];
    const mixed = kept.flatMap((line, i) => [line, left[i % left.length] ?? '']);
    const body = '--b\r\nFrom nobody\n\0\xff\r\n.\r\n';
    expect(content([...mixed, '', body].join('\r\n'))).toBe([...kept, '', body].join('\r\n'));
  });

  test('keeps a mail a mail, whatever it was', () => {
    expect(content('From: a@b.example')).toBe('From: a@b.example\r\n\r\n');
    expect(content('From: a@b.example\nX: y\n\nbody')).toBe('From: a@b.example\n\r\nbody');
    expect(content('')).toBe('\r\n');
  });

  test('loses nothing when it is taken twice', () => {
    const piece = fc.constantFrom('From: a\r\n', 'X: y\n', ' folded\r\n', '\r\n', '\n', 'x', ':', '\r', '\xff');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const once = replyContent(fromLatin1(pieces.join('')));
        expect(replyContent(once)).toEqual(once);
      }),
      { numRuns: 1000 },
    );
  });
});
