import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { ascii, concat, fromHex, toHex, latin1 } from '../base/bytes.js';
import { Bug, PacketError } from '../base/errors.js';
import type { MessageId } from '../base/ids.js';
import { hourMs } from '../base/units.js';
import { parseAddress } from '../base/address.js';
import { armor } from './armor.js';
import { mailDate, mailLines } from './canonical.js';
import type { Message } from './envelope.js';
import { checkEncrypted } from './openpgp.js';

declare const checked: unique symbol;

/** A message that passed the exit's policy. */
export type Deliverable = Message & { readonly [checked]: true };

/** What the exit writes a mail from. */
export interface Delivery {
  /** The exit's own mail address: the only From its account can sign for (SPF, DKIM, DMARC). */
  readonly from: string;
  readonly message: Deliverable;
  readonly messageId: MessageId;
  /** Where an answer is taken for the sender; left out, it goes to `from`. */
  readonly replyTo?: string;
  readonly now: number;
}

/**
 * The exit's policy, whatever the client promised: one strictly formed recipient, and nothing but one encrypted
 * OpenPGP message.
 *
 * @throws PacketError `message/bad-recipient` or `message/not-encrypted`
 */
export const checkDeliverable = (message: Message): Deliverable => {
  const recipient = parseAddress(message.recipient);
  if (recipient.kind === 'refused') throw new PacketError('message/bad-recipient');
  if (checkEncrypted(message.openpgp) !== undefined) throw new PacketError('message/not-encrypted');
  return { ...message, recipient: recipient.address } as Deliverable;
};

/**
 * Of all Message-IDs made here: the same from every exit, so that a mail delivered twice is folded by the receiver's
 * program; therefore not the exit's domain. `.invalid` (RFC 6761) can never be anybody's.
 */
export const messageIdDomain = 'mixmailer.invalid';
const messageIdLabel = ascii('mixmailer delivery message-id v1');

/**
 * What names a delivered mail to the world: the left part of its Message-ID, and its envelope id. 32 hex digits that say
 * nothing but "the same message", from whichever exit.
 */
export const deliveryToken = (messageId: MessageId): string => {
  const id = fromHex(messageId);
  if (id === undefined) throw new Bug('a message id is hex');
  return toHex(sha256(concat(messageIdLabel, id)).subarray(0, 16));
};

/** The Message-ID of the delivered mail with that token, angle brackets included. */
export const deliveredMessageId = (token: string): string => `<${token}@${messageIdDomain}>`;

const anyDeliveredId = new RegExp(`<([0-9a-f]{32})@${messageIdDomain.replace('.', '\\.')}>`, 'gi');

/** The tokens of all delivered mails that are named in a text by their Message-IDs, in order, each once. */
export const deliveryTokensIn = (text: string): readonly string[] => [
  ...new Set(Array.from(text.matchAll(anyDeliveredId), ([, token = '']) => token.toLowerCase())),
];

/** Long enough for the headers of a delivery and those a provider puts before them. */
const headLimitBytes = 8192;
const deliveryId = new RegExp(`^Message-ID:\\s*<[0-9a-f]{32}@${messageIdDomain.replace('.', '\\.')}>`, 'im');

/** Whether a mail is one that an exit wrote, by its Message-ID. */
export const isDelivery = (raw: Uint8Array): boolean => deliveryId.test(latin1(raw.subarray(0, headLimitBytes)));

// Can't stand in the body: armor has no underscore.
const boundary = '=_encrypted';

const contentHeaders = (message: Message): readonly string[] =>
  message.form === 'pgp-inline'
    ? ['Content-Type: text/plain; charset=us-ascii', '']
    : [
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
        ` boundary="${boundary}"`,
        '',
        `--${boundary}`,
        'Content-Type: application/pgp-encrypted',
        '',
        'Version: 1',
        `--${boundary}`,
        'Content-Type: application/octet-stream',
        'Content-Disposition: inline; filename="msg.asc"',
        '',
      ];

/**
 * The mail an exit hands to the recipient's server; docs/spec-mail.md has it line by line. It is written from scratch
 * around the armored OpenPGP message: the client chooses the recipient, one of two layouts, one flag and the
 * ciphertext, and nothing else can get in.
 *
 * The Date is UTC and rounded down to the hour, so that it doesn't measure how long the message was under way.
 */
export const composeDelivery = (delivery: Delivery, base64: Base64): Uint8Array => {
  const from = parseAddress(delivery.from);
  if (from.kind === 'refused') throw new Bug("the exit's own address is malformed");
  const { message, replyTo } = delivery;
  return concat(
    mailLines([
      `From: <${from.address}>`,
      ...(replyTo === undefined ? [] : [`Reply-To: <${replyTo}>`]),
      `To: <${message.recipient}>`,
      'Subject: ...',
      `Date: ${mailDate(delivery.now, hourMs)}`,
      `Message-ID: ${deliveredMessageId(deliveryToken(delivery.messageId))}`,
      'MIME-Version: 1.0',
      ...(message.autoConsume ? ['pEp-auto-consume: yes'] : []),
      ...contentHeaders(message),
    ]),
    armor(message.openpgp, base64),
    mailLines(message.form === 'pgp-inline' ? [] : [`--${boundary}--`]),
  );
};
