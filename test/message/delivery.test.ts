import { beforeAll, describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { latin1 } from '../../src/base/bytes.js';
import { messageIdOf, type MessageId } from '../../src/base/ids.js';
import {
  checkDeliverable,
  composeDelivery,
  deliveredMessageId,
  deliveryToken,
  deliveryTokensIn,
  isDelivery,
} from '../../src/message/delivery.js';
import type { Message } from '../../src/message/envelope.js';
import { sealable } from '../../src/message/hygiene.js';
import { decryptBinary, encryptBinary, personOf, type Person } from './pep-mail.js';

let alice: Person;
let bob: Person;
let message: Message;

beforeAll(async () => {
  [alice, bob] = await Promise.all([personOf('alice@a.example'), personOf('bob@b.example')]);
  const openpgp = await encryptBinary('the words', alice, bob);
  message = { recipient: 'bob@b.example', form: 'pgp-mime', autoConsume: false, openpgp };
});

const messageId = messageIdOf(new Uint8Array(16).fill(3));
const now = Date.UTC(2026, 0, 5, 13, 59, 59, 999);
const deliver = (change: Partial<Message>, from = 'exit@x.example'): string =>
  latin1(composeDelivery({ from, message: checkDeliverable({ ...message, ...change }), messageId, now }, pureBase64));

describe('the delivered mail', () => {
  test('is canonical PGP/MIME', () => {
    const lines = deliver({}).split('\r\n');
    expect(lines.slice(0, 21)).toEqual([
      'From: <exit@x.example>',
      'To: <bob@b.example>',
      'Subject: ...',
      'Date: Mon, 05 Jan 2026 13:00:00 +0000',
      'Message-ID: <89117b042bd03cbc76adf41aa43c97d7@mixmailer.invalid>',
      'MIME-Version: 1.0',
      'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
      ' boundary="=_encrypted"',
      '',
      '--=_encrypted',
      'Content-Type: application/pgp-encrypted',
      '',
      'Version: 1',
      '--=_encrypted',
      'Content-Type: application/octet-stream',
      'Content-Disposition: inline; filename="msg.asc"',
      '',
      '-----BEGIN PGP MESSAGE-----',
      '',
      expect.stringMatching(/^[A-Za-z0-9+/]{64}$/),
      expect.stringMatching(/^[A-Za-z0-9+/]{64}$/),
    ]);
    expect(lines.slice(-3)).toEqual(['-----END PGP MESSAGE-----', '--=_encrypted--', '']);
  });

  test('is canonical PGP inline', () => {
    expect(deliver({ form: 'pgp-inline' }).split('\r\n').slice(5, 10)).toEqual([
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      '-----BEGIN PGP MESSAGE-----',
      '',
    ]);
  });

  test("is marked for the receiver's engine only when asked", () => {
    expect(deliver({ autoConsume: true })).toContain('\r\npEp-auto-consume: yes\r\n');
    // At the beginning of a line: the letters stand in some armor by chance.
    expect(deliver({})).not.toMatch(/^pEp-/im);
  });

  test('names where an answer is taken, if one is', () => {
    const answerable = { from: 'exit@x.example', message: checkDeliverable(message), messageId, now };
    const replyTo = 'exit+k7@x.example';
    const lines = latin1(composeDelivery({ ...answerable, replyTo }, pureBase64)).split('\r\n');
    expect(lines.slice(0, 4)).toEqual([
      'From: <exit@x.example>',
      'Reply-To: <exit+k7@x.example>',
      'To: <bob@b.example>',
      'Subject: ...',
    ]);
    expect(deliver({})).not.toContain('Reply-To');
  });

  test('is named by its token: in its Message-ID, and in what answers it', () => {
    const token = deliveryToken(messageId);
    expect(token).toBe('89117b042bd03cbc76adf41aa43c97d7');
    expect(deliver({})).toContain(`\r\nMessage-ID: ${deliveredMessageId(token)}\r\n`);
    const other = 'a'.repeat(32);
    const answering = `<x@y> <${other}@mixmailer.invalid><${token.toUpperCase()}@MixMailer.invalid> <${other}@mixmailer.invalid>`;
    expect(deliveryTokensIn(answering)).toEqual([other, token]);
    expect(
      deliveryTokensIn(`${token}@mixmailer.invalid <${token}0@mixmailer.invalid> <${token}@mixmailerxinvalid>`),
    ).toEqual([]);
  });

  test('is known for one by its Message-ID, among the headers of a server', () => {
    const raw = new TextEncoder().encode(`Received: from x\r\n${deliver({})}`);
    expect(isDelivery(raw)).toBe(true);
    expect(isDelivery(new TextEncoder().encode(deliver({}).replace(/[0-9a-f]{32}@/, 'x@')))).toBe(false);
    const after = (bytes: number) => new TextEncoder().encode(`${'X: y\r\n'.repeat(bytes / 6)}${deliver({})}`);
    expect([6000, 9000].map((bytes) => isDelivery(after(bytes)))).toEqual([true, false]);
    for (const line of ['X-Message-ID:', 'In-Reply-To:', 'Message-ID: <x> '])
      expect(isDelivery(new TextEncoder().encode(deliver({}).replace('Message-ID:', line)))).toBe(false);
  });

  test('without an id that is one is our own mistake', () => {
    for (const id of ['x', 'abc']) expect(() => deliveryToken(id as MessageId)).toThrow('BUG');
  });

  test('has the same Message-ID from whichever exit, and another for another message', () => {
    const idOf = (raw: string) => /Message-ID: (.*)/.exec(raw)?.[1];
    expect(idOf(deliver({}, 'other@y.example'))).toBe(idOf(deliver({})));
    const other = {
      from: 'exit@x.example',
      message: checkDeliverable(message),
      messageId: messageIdOf(new Uint8Array(16)),
      now,
    };
    expect(idOf(latin1(composeDelivery(other, pureBase64)))).not.toBe(idOf(deliver({})));
  });

  test('is read by a general MIME parser, accepted as encrypted, and opened by its receiver', async () => {
    for (const form of ['pgp-mime', 'pgp-inline'] as const) {
      const parsed = await parseMail(new TextEncoder().encode(deliver({ form })));
      const sealed = sealable(parsed, 'keep', pureBase64);
      expect(sealed.form).toBe(form);
      expect(await decryptBinary(sealed.openpgp, alice, bob)).toBe('the words');
    }
  });
});

describe('the exit refuses', () => {
  test('a recipient that is not one plain mailbox', () => {
    for (const recipient of ['root@localhost', 'bob@b.example\r\nBcc: eve@e.example', 'a@b.example,c@d.example', ''])
      expect(() => checkDeliverable({ ...message, recipient })).toThrow(
        expect.objectContaining({ code: 'message/bad-recipient' }),
      );
  });

  test('anything that is not encrypted', () => {
    for (const openpgp of [new Uint8Array(0), new TextEncoder().encode('Buy now!'), message.openpgp.subarray(1)])
      expect(() => checkDeliverable({ ...message, openpgp })).toThrow(
        expect.objectContaining({ code: 'message/not-encrypted' }),
      );
  });

  test('to be misconfigured with an address that is none', () => {
    expect(() => deliver({}, 'exit')).toThrow('BUG');
  });
});
