import { ascii, concat, u32 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { hourMs } from '../../src/base/units.js';
import { encodeMessage, type Message } from '../../src/message/envelope.js';
import { cutFragments, encodeExitPayload } from '../../src/message/fragment.js';
import { encodeReceipt, type Receipt } from '../../src/message/receipt.js';
import { cutReply } from '../../src/message/reply.js';
import { geometry } from '../../src/sphinx/geometry.js';

/* Valid inputs that several decoders share. Nothing random is in them: an input comes again from its chain. */

const filled = (lengthBytes: number, byte: number): Uint8Array => new Uint8Array(lengthBytes).fill(byte);

/** A packet of OpenPGP in the new format, with a length of five bytes. */
const pgpPacket = (tag: number, body: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(0xc0 | tag, 255), u32(body.length), body);
const pkesk3 = pgpPacket(1, Uint8Array.of(3, 1, 2, 3, 4, 5, 6, 7, 8, 25, 9, 9));
const pkesk6 = pgpPacket(1, concat(Uint8Array.of(6, 33, 6), filled(32, 1), Uint8Array.of(25, 9, 9)));
const skesk4 = pgpPacket(3, Uint8Array.of(4, 9, 0, 8));
const seipd1 = pgpPacket(18, concat(Uint8Array.of(1), filled(60, 3)));
const seipd2 = pgpPacket(18, concat(Uint8Array.of(2, 9, 2, 6), filled(60, 4)));
const padding = pgpPacket(21, filled(30, 5));
const marker = pgpPacket(10, ascii('PGP'));
/** Old format with a length of two bytes, and data in pieces of 512 and the rest. */
const oldPkesk = concat(Uint8Array.of(0x85, 0, 12), pkesk3.subarray(6));
const inPieces = concat(Uint8Array.of(0xd2, 0xe9), Uint8Array.of(1), filled(511, 6), Uint8Array.of(60), filled(60, 7));

/** Encrypted messages of OpenPGP as far as a reader without the key can tell. */
export const openPgpMessages: readonly Uint8Array[] = [
  concat(pkesk3, pkesk3, seipd1),
  concat(pkesk6, padding, seipd2),
  concat(marker, skesk4, seipd1),
  concat(oldPkesk, inPieces),
];

const [openpgp = new Uint8Array()] = openPgpMessages;
const letter: Message = { recipient: 'bob@friend.example', form: 'pgp-mime', openpgp, autoConsume: true };
const surb = filled(geometry.surbBytes, 1);

export const messages: readonly Uint8Array[] = [
  encodeMessage(letter),
  encodeMessage({ ...letter, form: 'pgp-inline', autoConsume: false }),
  encodeMessage({ ...letter, returnAddress: { expiresAt: 500_000 * hourMs, blocks: [surb] } }),
];

const messageId = messageIdOf(filled(16, 9));

export const exitPayloads: readonly Uint8Array[] = [
  ...messages.flatMap((message) =>
    cutFragments(message, messageId).map((fragment) =>
      encodeExitPayload({ messageId, count: 1, fragment, blocks: [] }),
    ),
  ),
  encodeExitPayload({ messageId, count: 0, fragment: undefined, blocks: [surb] }),
  encodeExitPayload({ messageId, count: 3, fragment: { index: 2, data: filled(80, 2) }, blocks: [surb, surb] }),
];

const allReceipts: readonly Receipt[] = [
  { kind: 'handed-over', code: 250 },
  { kind: 'refused', code: 550 },
  { kind: 'rejected', reason: 'message/too-large' },
  { kind: 'gave-up' },
  { kind: 'bounced', status: [5, 1, 1] },
  { kind: 'incomplete', have: [0, 3, 254] },
  { kind: 'expired' },
];
export const receipts: readonly Uint8Array[] = allReceipts.map(encodeReceipt);

export const replyPieces: readonly Uint8Array[] = [100, 60_000].flatMap((lengthBytes) =>
  cutReply(filled(lengthBytes, 65), filled(16, 3)).slice(-1),
);
