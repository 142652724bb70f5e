import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { ascii, indexOfBytes, latin1 } from '../../src/base/bytes.js';
import { minuteMs } from '../../src/base/units.js';
import { dearmor } from '../../src/message/armor.js';
import { fakeNetwork } from '../fakes/network.js';
import { openMail, pepMail, person } from '../servers/pep-mail.js';
import type { Person } from '../servers/pep-mail.js';

// Every place of a mail where its sender can be seen carries a mark. The mail crosses a whole network; every mail that
// any account sends on the way is searched for every mark.

let alice: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  // Not the account's own address, which the account's provider writes on every mail it sends.
  alice = await person('Kanarie00 Kanarie01', 'kanarie02@kanarie03.test');
  bob = await person('Bob Kanarie04', 'bob@friend.test');
  carol = await person('Carol Kanarie05', 'carol@kanarie06.test');
});

const marks = Array.from({ length: 40 }, (_, i) => `kanarie${String(i).padStart(2, '0')}`);

const markedMail = async (): Promise<string> => {
  const date = new Date(Date.UTC(2031, 6, 17, 3, 44, 55));
  const plain = await pepMail({ from: alice, to: [bob], bcc: [carol], subject: 'inside', text: 'inside', date });
  const boundary = /boundary="([^"]+)"/.exec(plain)?.[1] ?? '';
  const [, body = ''] = plain.split(/\r\n\r\n([^]*)/);
  const inner = body
    .replaceAll(boundary, 'kanarie07')
    .replace('Version: 1', 'Content-Description: kanarie08\r\n\r\nVersion: 1')
    .replace(
      'Content-Type: application/pgp-encrypted\r\n\r\nContent-Description',
      'Content-Type: application/pgp-encrypted\r\nContent-Description',
    )
    .replace('filename="msg.asc"', 'filename="kanarie09.asc"')
    .replace(
      'Content-Type: application/octet-stream',
      'Content-Type: application/octet-stream; name="kanarie10.asc"\r\nContent-ID: <kanarie11@kanarie12.test>',
    )
    .replace(/BEGIN PGP MESSAGE-----\r\n/, '$&Version: kanarie13\r\nComment: kanarie14\r\nHash: kanarie15\r\n');
  return [
    'Return-Path: <kanarie16@kanarie03.test>',
    'Received: from kanarie17 ([192.0.2.77]) by kanarie18 with SMTP; Thu, 17 Jul 2031 05:44:55 +0200',
    'From: Kanarie00 Kanarie01 <kanarie02@kanarie03.test>',
    'Sender: kanarie19@kanarie03.test',
    'Reply-To: kanarie20@kanarie03.test',
    'To: Bob Kanarie04 <bob@friend.test>, kanarie21@kanarie22.test',
    'Cc: Carol Kanarie05 <kanarie23@kanarie06.test>',
    'Bcc: kanarie24@kanarie25.test',
    'Subject: kanarie26',
    'Date: Thu, 17 Jul 2031 05:44:55 +0200',
    'Message-ID: <kanarie27.2031@kanarie03.test>',
    'In-Reply-To: <kanarie28@kanarie03.test>',
    'References: <kanarie29@kanarie03.test>',
    'User-Agent: Kanarie30/1.0',
    'X-Mailer: kanarie31',
    'X-pEp-Version: kanarie32',
    'X-EncStatus: kanarie33',
    'Autocrypt: addr=kanarie34@kanarie03.test; keydata=kanarie35',
    'Organization: kanarie36',
    'Comments: kanarie37',
    'X-Originating-IP: 192.0.2.77',
    'MIME-Version: 1.0 (kanarie38)',
    'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
    ' boundary="kanarie07"; kanarie39=1',
    '',
    inner,
  ].join('\r\n');
};

// Too short to be looked for in base64, where they stand by chance now and then.
const outsideBase64 = [/\b2031\b/, /17 jul/, /192\.0\.2\.77/, /\+0200/, /wrapped|inner/];
const withoutBase64 = (text: string): string => text.replace(/^[a-z0-9+/=]+\r?$/gim, '');

describe('a mail marked in every header, name, address, date and boundary', () => {
  it('leaves no mark in any mail on the way, nor in the one delivered', async () => {
    const network = fakeNetwork({ nodes: 5, loopsPerInterval: 3 });
    const { client, nodes, world, passMs } = network;
    const mailboxes = [bob, carol].map(({ address }) => world.account(address).mailbox);
    const raw = await markedMail();
    for (const mark of marks) expect(raw.toLowerCase(), `the mail carries ${mark}`).toContain(mark);
    await client.submit(ascii(raw), [bob.address, carol.address]);
    for (let round = 0; round < 60 && mailboxes.some((mailbox) => mailbox.raws().length === 0); round++) {
      for (const one of [client, ...nodes]) await one.turn();
      passMs(12 * minuteMs);
    }

    const [toBob, toCarol] = mailboxes.map((mailbox) => mailbox.raws().map((bytes) => latin1(bytes)));
    expect(toBob).toHaveLength(1);
    expect(toCarol).toHaveLength(1);
    expect(await openMail(toBob?.[0] ?? '', bob, alice)).toContain('Subject: inside');
    expect(world.observed.length).toBeGreaterThan(20);

    const keyIds = [alice, carol].map(({ publicKey }) =>
      publicKey.getSubkeys().map((subkey) => Uint8Array.from(Buffer.from(subkey.getKeyID().toHex(), 'hex'))),
    );
    for (const mail of world.observed) {
      const text = latin1(mail.raw).toLowerCase();
      for (const mark of marks) {
        // The recipient's own address is how the recipient's server finds the mailbox; everything else is a leak.
        const searched = mail.to === carol.address ? text.replaceAll(carol.address, '') : text;
        expect(searched.includes(mark), `${mark} in a mail to ${mail.to}`).toBe(false);
      }
      for (const pattern of outsideBase64) expect(withoutBase64(text)).not.toMatch(pattern);
      const binary = dearmor(mail.raw, nodeBase64)?.binary;
      if (binary !== undefined)
        for (const keyId of keyIds.flat()) expect(indexOfBytes(binary, keyId), 'a key id in clear').toBe(-1);
    }
  });

  it('travels in packets of one size, in bundles of four sizes', async () => {
    const network = fakeNetwork({ nodes: 4, loopsPerInterval: 2 });
    const { client, nodes, world, passMs } = network;
    world.account(bob.address);
    await client.submit(ascii(await markedMail()), [bob.address]);
    for (let round = 0; round < 12; round++) {
      for (const one of [client, ...nodes]) await one.turn();
      passMs(12 * minuteMs);
    }
    const sizes = world.observed
      .filter(({ to }) => to !== bob.address)
      .map(({ raw }) => {
        const text = latin1(raw);
        const encoded = /base64\r\n(?:.+\r\n)*\r\n([A-Za-z0-9+/=\r\n]+)/.exec(text)?.[1] ?? '';
        return nodeBase64.decode(ascii(encoded))?.length;
      });
    expect(sizes.length).toBeGreaterThan(10);
    expect([...new Set(sizes)].every((size) => [1, 4, 16, 64].some((count) => size === count * 32_768))).toBe(true);
  });
});
