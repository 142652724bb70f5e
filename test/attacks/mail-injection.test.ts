import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, concat, latin1, u32 } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { messageIdOf } from '../../src/base/ids.js';
import { checkDeliverable, composeDelivery } from '../../src/message/delivery.js';
import { decodeMessage, encodeMessage, type Message } from '../../src/message/envelope.js';
import { aliasIn } from '../../src/message/alias.js';
import { readHead } from '../../src/message/head.js';
import { readIncoming } from '../../src/message/incoming.js';
import { composeNotice } from '../../src/message/notice.js';
import { recipientAddress } from '../../src/message/address.js';
import { SubmissionError } from '../../src/base/errors.js';
import { fakeNetwork } from '../fakes/network.js';
import { encryptBinary, personOf } from '../message/pep-mail.js';
import { letterOf } from '../node/packets.js';

// A client of the attacker's own makes whatever message bytes it likes. The exit must write one mail of the known
// shape to one recipient, or nothing.
let openpgp: Uint8Array;

beforeAll(async () => {
  openpgp = await encryptBinary('x', await personOf('alice@a.example'), await personOf('bob@b.example'));
});

const exitWrites = (bytes: Uint8Array): string | undefined => {
  try {
    const message = checkDeliverable(decodeMessage(bytes));
    const delivery = { from: 'exit@x.example', message, messageId: messageIdOf(new Uint8Array(16)), now: 0 };
    return latin1(composeDelivery(delivery, pureBase64));
  } catch (error) {
    if (error instanceof PacketError) return undefined;
    throw error;
  }
};

const head = [
  /^From: <exit@x\.example>$/,
  /^To: <[^\s<>,;:"()[\]]+@[a-z0-9.-]+>$/,
  /^Subject: \.\.\.$/,
  /^Date: Thu, 01 Jan 1970 00:00:00 \+0000$/,
  /^Message-ID: <[0-9a-f]{32}@mixmailer\.invalid>$/,
  /^MIME-Version: 1\.0$/,
  /^(pEp-auto-consume: yes|Content-Type: .*)$/,
];

/** Checks every line of a mail against what the exit may ever write. */
const expectCanonical = (mail: string): void => {
  const lines = mail.split('\r\n');
  head.forEach((form, i) => expect(lines[i]).toMatch(form));
  const known =
    /^(|pEp-auto-consume: yes|Content-Type: (text\/plain; charset=us-ascii|multipart\/encrypted; protocol="application\/pgp-encrypted";|application\/pgp-encrypted|application\/octet-stream)| boundary="=_encrypted"|--=_encrypted(--)?|Version: 1|Content-Disposition: inline; filename="msg\.asc"|-----(BEGIN|END) PGP MESSAGE-----|[A-Za-z0-9+/=]{1,64})$/;
  for (const line of lines.slice(6)) expect(line).toMatch(known);
  expect(lines.filter((line) => line.startsWith('--=_encrypted')).length % 3).toBe(0);
};

const evil = [
  'bob@b.example\r\nBcc: eve@e.example',
  'bob@b.example>\r\n\r\nBuy now!\r\n',
  'bob@b.example\nX: y',
  'bob@b.example\rX: y',
  'bob@b.example>, <eve@e.example',
  'bob@b.example eve@e.example',
  'bob@b.example\0',
  '<bob@b.example>',
  '"bob\r\n"@b.example',
  '@relay.example:bob@b.example',
];

describe('no header or recipient gets in', () => {
  test('through the recipient', () => {
    for (const recipient of evil) {
      const message: Message = { recipient, form: 'pgp-mime', autoConsume: false, openpgp };
      expect([recipient, exitWrites(encodeMessage(message))]).toEqual([recipient, undefined]);
    }
  });

  test('through the OpenPGP data', () => {
    const text = ascii('\r\n--=_encrypted\r\nContent-Type: text/html\r\n\r\nBuy now!\r\n');
    const around = [text, concat(openpgp, text), concat(text, openpgp), concat(openpgp, Uint8Array.of(0xcb, 3), text)];
    for (const data of around)
      expect(
        exitWrites(encodeMessage({ recipient: 'bob@b.example', form: 'pgp-mime', autoConsume: false, openpgp: data })),
      ).toBeUndefined();
    // Where the ciphertext belongs a liar can put any bytes; they leave as base64 and as nothing else.
    const seipd = concat(Uint8Array.of(1), text, text);
    const sessionKey = concat(Uint8Array.of(0xc1, 12, 3), new Uint8Array(11).fill(9));
    const lie = concat(sessionKey, Uint8Array.of(0xd2, 255), u32(seipd.length), seipd);
    const mail = exitWrites(
      encodeMessage({ recipient: 'bob@b.example', form: 'pgp-mime', autoConsume: false, openpgp: lie }),
    );
    expectCanonical(mail ?? expect.fail('refused'));
    expect(mail).not.toContain('Buy now');
  });

  test('through optional fields of later versions', () => {
    const good = encodeMessage({ recipient: 'bob@b.example', form: 'pgp-inline', autoConsume: true, openpgp });
    const extra = ascii('Bcc: eve@e.example');
    const mail = exitWrites(concat(good, Uint8Array.of(9), u32(extra.length), extra));
    expect(mail).toBe(exitWrites(good));
    expectCanonical(mail ?? expect.fail('refused'));
  });

  test('through any recipient at all', () => {
    const characters = fc.constantFrom(...Array.from('ab.@<>,;:"\r\n\0 \tBcc-'));
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: characters, maxLength: 30 }), fc.constantFrom(...evil)),
        fc.constantFrom('pgp-mime' as const, 'pgp-inline' as const),
        fc.boolean(),
        (name, form, autoConsume) => {
          for (const recipient of [name, `${name}@b.example`, `bob@${name}`]) {
            const mail = exitWrites(encodeMessage({ recipient, form, autoConsume, openpgp }));
            if (mail !== undefined) expectCanonical(mail);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('through any change of one byte', () => {
    const good = encodeMessage({ recipient: 'bob@b.example', form: 'pgp-mime', autoConsume: false, openpgp });
    let written = 0;
    for (let at = 0; at < good.length; at++)
      for (const value of [0, 10, 13, 44, 60, 62, 255]) {
        const changed = Uint8Array.from(good);
        changed[at] = value;
        const mail = exitWrites(changed);
        if (mail === undefined) continue;
        written++;
        if (at < 60) expectCanonical(mail);
      }
    // Most changes hit ciphertext, which nobody but the receiver can judge.
    expect(written).toBeGreaterThan(0);
  });
});

describe('no header or recipient gets in at the user’s own machine', () => {
  test('as a recipient, which is refused before anything is queued', async () => {
    const letter = await letterOf();
    const { client } = fakeNetwork({ nodes: 4 });
    for (const recipient of evil.filter((one) => one !== '<bob@b.example>')) {
      const handedIn = client.submit(letter, ['carol@b.example', recipient]);
      await expect(handedIn, recipient).rejects.toMatchObject({ code: 'submission/bad-recipient' });
      expect(client.store.queuedMessages()).toEqual([]);
    }
  });

  test('in any form: what is taken is one bare address', () => {
    const characters = fc.constantFrom(...Array.from('ab.@<>,;:"\r\n\0 \tBcc-'));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: characters, maxLength: 30 }), fc.constantFrom(...evil)), (text) => {
        try {
          expect(recipientAddress(text)).toMatch(/^[^\s<>,;:"()[\]]+@[a-z0-9.-]+$/);
        } catch (error) {
          if (!(error instanceof SubmissionError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('no header or recipient gets into a notice', () => {
  const lines =
    /^(|From: <exit@x\.example>|To: <[^\s<>,;:"()[\]]+@[a-z0-9.-]+>|(In-Reply-To|References): <[!-;=?-~]{1,898}>|Subject: Your answer was not delivered|Date: Thu, 01 Jan 1970 00:00:00 \+0000|Message-ID: <0{32}@mixmailer\.invalid>|MIME-Version: 1\.0|Auto-Submitted: auto-replied|Content-Type: text\/plain; charset=us-ascii)$/;
  const expectNotice = (to: string, inReplyTo: string | undefined): void => {
    const notice = { from: 'exit@x.example', to, reason: 'too-large', inReplyTo, roomBytes: 100_000 } as const;
    const mail = latin1(composeNotice({ ...notice, id: '0'.repeat(32), now: 0 }));
    const head = mail.slice(0, mail.indexOf('\r\n\r\n'));
    for (const line of head.split('\r\n')) expect(line).toMatch(lines);
    expect(head.match(/^To: /gm)).toHaveLength(1);
  };

  test('through From, Message-ID or anything else of the mail that it is about', () => {
    const ids = [...evil, '<a@b>', '<a b@c>', '<a@b>\r\nBcc: <eve@e.example>', '<a@b><c@d>', `<${'x'.repeat(2000)}@b>`];
    for (const from of [...evil, 'bob@b.example', 'Bob <bob@b.example>', '"B\r\nBcc: e@e.example" <bob@b.example>'])
      for (const id of ids) {
        const raw = ascii(`To: exit+aaaaaaaaaaaaaaaa@x.example\nFrom: ${from}\nMessage-ID: ${id}\n\nx`);
        const incoming = readIncoming(readHead(raw), 'exit@x.example');
        if (incoming.kind !== 'reply' || incoming.from === undefined) continue;
        expectNotice(incoming.from, incoming.messageId);
      }
    expectNotice('bob@b.example', undefined);
  });
});

describe('no header or recipient gets in as an alias', () => {
  test('which is sixteen letters and digits, or none', () => {
    for (const detail of ['aaaaaaaaaaaaaaaa', 'AAAAAAAAAAAAAAAA']) expect(aliasIn(detail)).toBe('a'.repeat(16));
    for (const end of ['\r\nBcc: e@e.example', '>', ' ', ',e@e.example', '\0'])
      for (const detail of [`aaaaaaaaaaaaaaaa${end}`, `${end}aaaaaaaaaaaaaaaa`, `aaaaaaaa${end}aaaaaaaa`])
        expect(aliasIn(detail)).toBeUndefined();
  });
});
