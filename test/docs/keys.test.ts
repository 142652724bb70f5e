import { beforeAll, describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { pureBase64 } from '../../src/base/base64.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { dearmor } from '../../src/message/armor.js';
import { checkDeliverable, composeDelivery } from '../../src/message/delivery.js';
import { sealable } from '../../src/message/hygiene.js';
import { readEncrypted, type KeyNames } from '../../src/message/openpgp.js';
import { readOwnKeys } from '../../src/message/own-keys.js';
import { decryptBinary, encryptArmored, mailOf, personOf, pgpMimeParts, type Person } from '../message/pep-mail.js';
import { tableUnder } from './pages.js';

const rows = tableUnder('docs/mail-programs.md', 'Keys and Autocrypt');
/** Header fields that a row of the table names, where the mail's own header is meant. */
const fieldsOf = ([cell = '']: readonly string[]): readonly string[] =>
  Array.from(cell.matchAll(/[A-Z][A-Za-z-]+/g), ([name]) => name).filter((name) => /^[A-Z]/.test(name));

let alice: Person;
let bob: Person;
let inside: string;
let armored: string;
beforeAll(async () => {
  [alice, bob] = await Promise.all([personOf('alice@a.example'), personOf('bob@b.example')]);
  inside = [
    'From: Alice <alice@a.example>',
    'Subject: the true subject',
    'Autocrypt: addr=alice@a.example; keydata=AAAA',
    'Autocrypt-Gossip: addr=bob@b.example; keydata=BBBB',
    'Content-Type: multipart/mixed; boundary=i; protected-headers="v1"',
    '',
    '--i',
    'Content-Type: text/plain',
    '',
    'the words',
    '--i',
    'Content-Type: application/pgp-keys; name="sender_key.asc"',
    '',
    alice.public.armor(),
    '--i--',
    '',
  ].join('\n');
  armored = (await encryptArmored(inside, alice, bob)).replace(
    '\n\n',
    '\nVersion: canary-version\nComment: canary-comment\n\n',
  );
});

const mailWith = (header: readonly string[], beside = ''): Uint8Array =>
  mailOf(
    `${header.map((line) => `${line}\n`).join('')}Content-Type: multipart/mixed; boundary=e\n\n${pgpMimeParts(armored, 'e')}${beside}--e--\n`,
  );
const deliver = async (raw: Uint8Array, keyIds: 'hide' | 'keep' = 'hide', own?: KeyNames) => {
  const sealed = sealable(await parseMail(raw), keyIds, pureBase64, own);
  const message = checkDeliverable({ recipient: bob.address, ...sealed });
  const messageId = messageIdOf(new Uint8Array(16));
  const mail = composeDelivery({ from: 'exit@x.example', message, messageId, now: 0 }, pureBase64);
  return { mail: latin1(mail), openpgp: dearmor(mail, pureBase64)?.binary ?? expect.fail('no armor') };
};

/** Ids of the keys that a message names, in hex. */
const keyIdsIn = (openpgp: Uint8Array): readonly string[] => {
  const read = readEncrypted(openpgp);
  if (read.kind === 'refused') return expect.fail(read.reason);
  return read.sessionKeys.map(({ body }) => Buffer.from(body.subarray(1, 9)).toString('hex'));
};

describe('docs/mail-programs.md: of keys, Autocrypt and the rest', () => {
  it('what stands inside the encryption stays, byte for byte', async () => {
    expect(
      rows.filter(([what = '', becomes = '']) => what.includes('**inside**') && becomes.startsWith('stay')),
    ).toHaveLength(3);
    expect(await decryptBinary((await deliver(mailWith([]))).openpgp, alice, bob)).toBe(inside);
  });

  it('every field of the header that the page calls stripped is, and so is one that it does not name', async () => {
    const names = rows.filter(([, becomes = '']) => /^stripped[:;]/.test(becomes)).flatMap(fieldsOf);
    expect(names).toEqual(
      expect.arrayContaining(['Autocrypt', 'OpenPGP', 'User-Agent', 'Received', 'Date', 'Message-ID']),
    );
    const header = [...names, 'X-Unheard-Of'].map((name, i) => `${name}: canary-${i}`);
    const { mail } = await deliver(mailWith(header));
    expect(mail).not.toMatch(/canary|autocrypt|a\.example/i);
    expect(mail).toMatch(/^Subject: \.\.\.\r$/m);
  });

  it('the armor’s lines are stripped', async () => {
    expect(latin1(mailWith([]))).toContain('Comment: canary-comment');
    expect((await deliver(mailWith([]))).mail).not.toMatch(/Version: canary|Comment:/);
    expect(rows.map(([, becomes]) => becomes)).toContain('stripped');
  });

  it('ids of keys are blanked, and kept where the user wants it', async () => {
    expect(keyIdsIn((await deliver(mailWith([]))).openpgp)).toEqual(['0'.repeat(16), '0'.repeat(16)]);
    const kept = keyIdsIn((await deliver(mailWith([]), 'keep')).openpgp);
    const ids = [alice, bob].map((one) => one.public.getSubkeys()[0]?.getKeyID().toHex());
    expect(kept.toSorted()).toEqual(ids.toSorted());
    const own = readOwnKeys(ascii(alice.public.armor()), pureBase64);
    const names = own.kind === 'keys' ? own.names : expect.fail(own.reason);
    expect(keyIdsIn((await deliver(mailWith([]), 'keep', names)).openpgp)).toEqual(ids.slice(1));
  });

  it('pEp’s mark for its own messages stays', async () => {
    expect((await deliver(mailWith(['pEp-auto-consume: yes']))).mail).toMatch(/^pEp-auto-consume: yes\r$/m);
  });

  it('with a key in clear beside it the mail is refused', async () => {
    const key = `--e\nContent-Type: application/pgp-keys\n\n${alice.public.armor()}\n`;
    await expect(deliver(mailWith([], key))).rejects.toMatchObject({ code: 'submission/not-encrypted' });
    expect(rows.at(-1)).toEqual(['a key attached **in clear** beside the encrypted message', 'the mail is refused']);
  });
});
