import { readdirSync, readFileSync } from 'node:fs';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { concat } from '../../src/base/bytes.js';
import { streamRng } from '../../src/base/random.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { composeDirectoryMail } from '../../src/carrier/directory-mail.js';
import { armor } from '../../src/message/armor.js';
import { composeNotice } from '../../src/message/notice.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { openPgpMessages } from './samples-messages.js';
import { bytesOf, textOf } from './target.js';

/* Mails as they come into mailboxes, and as mail programs hand them in. */

export const own = 'mix@exit.example';
export const alias = 'abcdefghijklmnop';
export const token = '0123456789abcdef'.repeat(2);
const now = 1_795_305_600_000;
const [openpgp = new Uint8Array()] = openPgpMessages;
const armored = textOf(armor(openpgp, nodeBase64));

const mail = (...lines: readonly string[]): Uint8Array => bytesOf(`${lines.join('\r\n')}\r\n`);

const pgpMime = (boundary: string): readonly string[] => [
  `Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="${boundary}"`,
  '',
  `--${boundary}`,
  'Content-Type: application/pgp-encrypted',
  '',
  'Version: 1',
  `--${boundary}`,
  'Content-Type: application/octet-stream; name="msg.asc"',
  'Content-Disposition: inline; filename="msg.asc"',
  '',
  armored,
  `--${boundary}--`,
];

const headOf = (subject: string): readonly string[] => [
  'Received: from a.example (a.example [192.0.2.1]) by b.example with ESMTPS; Sun, 22 Nov 2026 13:00:00 +0000',
  'From: "Bob, the friend" <bob@friend.example>',
  `To: MixMailer <${own}>`,
  `Subject: ${subject}`,
  'Message-ID: <1234.5678@friend.example>',
  'MIME-Version: 1.0',
];

export const letters: readonly Uint8Array[] = [
  mail(...headOf('Hello'), 'pEp-auto-consume: yes', ...pgpMime('=_a')),
  mail(...headOf('=?utf-8?q?Gr=C3=BC=C3=9Fe?='), 'Content-Type: text/plain', '', armored),
  mail(
    ...headOf('Fwd: hello'),
    'Content-Type: multipart/mixed; boundary=out',
    '',
    '--out',
    'Content-Type: text/plain; charset="iso-8859-1"',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'See =E4=F6=FC below.=',
    '',
    '--out',
    'Content-Type: message/rfc822',
    '',
    ...headOf('inner'),
    ...pgpMime('in'),
    '--out',
    'Content-Type: application/octet-stream',
    'Content-Transfer-Encoding: base64',
    '',
    'QUJDREVGR0g=',
    '--out--',
  ),
];

/** Answers to a delivered mail, by plus address and by In-Reply-To, of persons and of machines. */
export const answers: readonly Uint8Array[] = [
  mail(
    ...headOf('Re: ...'),
    `Delivered-To: mix+${alias}@exit.example`,
    `In-Reply-To: <${token}@mixmailer.invalid>`,
    ...pgpMime('x'),
  ),
  mail(
    ...headOf('Re: ...'),
    `References: <a@b>\r\n <${token}@mixmailer.invalid>`,
    'X-pEp-Version: 2.1',
    'Content-Type: text/plain',
    '',
    'hello',
  ),
  mail(
    ...headOf('Out of office'),
    `To: <mix+${alias}@exit.example>`,
    'Auto-Submitted: auto-replied',
    'Precedence: bulk',
    '',
    'away',
  ),
  composeNotice({
    from: own,
    to: 'bob@friend.example',
    reason: 'too-large',
    inReplyTo: '<1@a>',
    roomBytes: 1e6,
    id: token,
    now,
  }),
];

/** What mail servers send when a mail could not be delivered. */
export const bounces: readonly Uint8Array[] = readdirSync('test/message/bounces')
  .sort()
  .map((name) => new Uint8Array(readFileSync(`test/message/bounces/${name}`)));

const rng = streamRng(1);
const packet = new Uint8Array(geometry.packetBytes).map((_, i) => (i === 0 ? 1 : Math.imul(i, 2654435761) >>> 24));

export const carrierMails: readonly Uint8Array[] = [
  composeCarrierMail({ from: 'node@other.example', to: own, bundle: packet, now, rng }, nodeBase64),
];

const folder = 'test/vectors/council';
/** The documents of the vectors by file name. */
export const councilTexts: ReadonlyMap<string, string> = new Map(
  readdirSync(folder)
    .sort()
    .map((name) => [name, readFileSync(`${folder}/${name}`, 'latin1')]),
);
export const councilText = (name: string): string => {
  const text = councilTexts.get(name);
  if (text === undefined) throw new Error(`no vector ${name}`);
  return text;
};

const directoryMail = (...names: readonly string[]): Uint8Array =>
  composeDirectoryMail(
    { from: 'node@other.example', to: own, documents: names.map(councilText), now, rng },
    nodeBase64,
    nodeCompression,
  );

export const directoryMails: readonly Uint8Array[] = [
  directoryMail('request.txt'),
  directoryMail('leave.txt', 'answer.txt', 'challenge.txt'),
  directoryMail('list-1.txt'),
];

/** The same with a footer that a gateway has added, so that a general parser has to look at it. */
export const wrapped = (raw: Uint8Array): Uint8Array =>
  concat(
    bytesOf(
      'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=gate\r\n\r\n--gate\r\nContent-Type: message/rfc822\r\n\r\n',
    ),
    raw,
    bytesOf('\r\n--gate\r\nContent-Type: text/plain\r\n\r\nScanned.\r\n--gate--\r\n'),
  );
