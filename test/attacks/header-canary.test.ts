import { beforeAll, describe, expect, test } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { dearmor } from '../../src/message/armor.js';
import { checkDeliverable, composeDelivery } from '../../src/message/delivery.js';
import { decodeMessage, encodeMessage } from '../../src/message/envelope.js';
import { sealable } from '../../src/message/hygiene.js';
import { decryptBinary, encryptArmored, mailOf, personOf, type Person } from '../message/pep-mail.js';

// Everything a sender's program and machine put on a mail is marked; no mark may reach the packets or the receiver.
const mark = 'CANARY';
let alice: Person;
let bob: Person;
let armored: string;

beforeAll(async () => {
  [alice, bob] = await Promise.all([personOf('alice@canary.example'), personOf('bob@b.example')]);
  armored = (await encryptArmored('the words', alice, bob)).replace(
    /-----\r?\n/,
    `-----\nVersion: ${mark} 1.0\nComment: ${mark}\nHash: ${mark}\nCharset: ${mark}\n`,
  );
});

const headers = `Return-Path: <alice@canary.example>
Received: from laptop.${mark} ([203.0.113.9]) by ${mark}; Sun, 22 Nov 2026 13:37:42 -0330
From: "Alice ${mark}" <alice@canary.example>
Sender: ${mark} <alice@canary.example>
To: "Bob ${mark}" <bob@b.example>
Cc: ${mark} <carol@canary.example>
Bcc: ${mark} <dave@canary.example>
Reply-To: ${mark} <alice@canary.example>
Subject: =?utf-8?Q?p=E2=89=A1p?= ${mark}
Date: Sun, 22 Nov 2026 13:37:42 -0330
Message-ID: <pEp.${mark}.1.2@canary.example>
In-Reply-To: <${mark}@canary.example>
References: <${mark}1@canary.example> <${mark}2@canary.example>
X-pEp-Version: 2.${mark}
X-EncStatus: ${mark}
X-pEp-Sender-FPR: ${mark}
X-Mailer: ${mark}
User-Agent: ${mark}
Autocrypt: addr=alice@canary.example; keydata=${mark}
Openpgp: id=${mark}
X-Originating-IP: ${mark}
Organization: ${mark}
List-Id: ${mark}
Content-Language: ${mark}
Thread-Topic: ${mark}
Keywords: ${mark}
MIME-Version: 1.0 (${mark})
pEp-auto-consume: yes
`;

const pgpMime = () =>
  mailOf(`${headers}Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; micalg=${mark};
 charset=${mark}; boundary="${mark}_boundary"
Content-Description: ${mark}

preamble ${mark}
--${mark}_boundary
Content-Type: application/pgp-encrypted; name="${mark}.asc"
Content-Description: ${mark}
Content-ID: <${mark}>
Content-Disposition: attachment; filename=${mark}

Version: 1
--${mark}_boundary
Content-Type: application/octet-stream; name="${mark}.asc"
Content-Description: ${mark}
Content-Disposition: inline; filename="${mark}.asc"; creation-date="${mark}"
X-${mark}: ${mark}

${armored}
--${mark}_boundary--
epilogue ${mark}
`);

const inline = () => mailOf(`${headers}Content-Type: text/plain; charset=us-ascii; x=${mark}\n\n${armored}\n`);

/** From a submitted mail to the bytes in the packets and to the mail the receiver gets. */
const through = async (submitted: Uint8Array) => {
  const sealed = sealable(await parseMail(submitted), 'hide', pureBase64);
  const message = encodeMessage({ ...sealed, recipient: 'bob@b.example' });
  const delivered = composeDelivery(
    {
      from: 'exit@x.example',
      message: checkDeliverable(decodeMessage(message)),
      messageId: messageIdOf(new Uint8Array(16).fill(1)),
      now: Date.UTC(2027, 1, 2, 3, 4, 5),
    },
    pureBase64,
  );
  return { message, delivered };
};

/** Key ids and fingerprints of a person's keys, in hex. */
const keyNames = (person: Person): string[] =>
  person.public.getKeys().flatMap((key) => [key.getFingerprint(), key.getKeyID().toHex()]);

describe.each([
  ['PGP/MIME', pgpMime],
  ['PGP inline', inline],
])('of a marked %s mail', (_, submitted) => {
  test('the mail itself is full of marks', () => {
    expect(latin1(submitted()).split(mark).length).toBeGreaterThan(30);
  });

  test('no mark, date, address or key id of the sender reaches packets or receiver', async () => {
    const { message, delivered } = await through(submitted());
    const opened = dearmor(delivered, pureBase64)?.binary ?? expect.fail('no armor');
    const [header = ''] = latin1(delivered).split('-----BEGIN');
    expect(header).not.toMatch(/2026|0330|13:37|X-|Received|User-Agent/i);
    for (const bytes of [message, delivered, opened]) {
      expect(latin1(bytes)).not.toMatch(/canary|alice|203\.0\.113/i);
      for (const name of keyNames(alice)) expect(Buffer.from(bytes).toString('hex')).not.toContain(name);
    }
  });

  test('the receiver reads the words, and the engine its flag', async () => {
    const { delivered } = await through(submitted());
    const parsed = await parseMail(delivered);
    expect(await decryptBinary(sealable(parsed, 'keep', pureBase64).openpgp, alice, bob)).toBe('the words');
    expect(parsed.autoConsume).toBe(true);
    expect(parsed.recipients).toEqual(['bob@b.example']);
  });
});

test('without hiding, the key ids would name the sender: the check above can fail', async () => {
  const sealed = sealable(await parseMail(pgpMime()), 'keep', pureBase64);
  const hex = Buffer.from(sealed.openpgp).toString('hex');
  expect(keyNames(alice).some((name) => hex.includes(name))).toBe(true);
});
