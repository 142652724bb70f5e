import { ascii, concat, latin1, readU32, u32 } from '../base/bytes.js';
import { PacketError } from '../base/errors.js';
import { hourMs } from '../base/units.js';
import { geometry } from '../sphinx/geometry.js';
import type { Sealed } from './hygiene.js';

/** Reply blocks with which the recipient can answer, without anybody learning where the answer goes. */
export interface ReturnAddress {
  /** When the first of the mix keys on the blocks' paths ends: epoch ms, whole hours. */
  readonly expiresAt: number;
  /** 1 to 64 reply blocks of 7162 bytes. */
  readonly blocks: readonly Uint8Array[];
}

/** What a sender hands to an exit: a sealed mail and its one recipient. */
export interface Message extends Sealed {
  /** Mail address, ASCII, at most 254 bytes. Anything from the network until `checkDeliverable` has seen it. */
  readonly recipient: string;
  readonly returnAddress?: ReturnAddress;
}

const envelopeVersion = 1;
const fieldHeadBytes = 5;

// An odd tag may be skipped by a reader that doesn't know it; an even one may not.
const recipientTag = 2;
const formTag = 4;
const flagsTag = 6;
const openpgpTag = 8;
const returnAddressTag = 10;
const forms = new Map([
  [1, 'pgp-mime'],
  [2, 'pgp-inline'],
] as const);
const autoConsumeFlag = 1;
const hoursBytes = 4;
const { surbBytes } = geometry;

/** The most reply blocks a return address has: a reply of 1.6 MB. */
export const mostReplyBlocks = 64;

const field = (tag: number, value: Uint8Array): Uint8Array => concat(Uint8Array.of(tag), u32(value.length), value);

const encodeReturnAddress = ({ expiresAt, blocks }: ReturnAddress): Uint8Array =>
  concat(u32(Math.floor(expiresAt / hourMs)), ...blocks);

/** By how many bytes a return address of that many reply blocks makes a message longer; 0 blocks: none. */
export const returnAddressBytes = (blocks: number): number =>
  blocks === 0 ? 0 : fieldHeadBytes + hoursBytes + blocks * surbBytes;

/**
 * The bytes of a message.
 *
 *   message = version 1 = 1 | fields in ascending order of their tags, each at most once
 *   field   = tag 1 | length 4 | value
 *
 *   tag  value
 *   2    recipient: ASCII mail address, 1 to 254
 *   4    form 1: 1 PGP/MIME, 2 PGP inline
 *   6    flags 1: bit 0 pEp-auto-consume, the others 0
 *   8    OpenPGP message, at least 1
 *   10   return address, may be missing: hours since 1970 4 | reply block 7162 x (1 to 64). Critical: without it the
 *        mail would promise an answer that nobody gets
 *
 * @param message its recipient in ASCII
 */
export const encodeMessage = (message: Message): Uint8Array =>
  concat(
    Uint8Array.of(envelopeVersion),
    field(recipientTag, ascii(message.recipient)),
    field(formTag, Uint8Array.of(message.form === 'pgp-mime' ? 1 : 2)),
    field(flagsTag, Uint8Array.of(message.autoConsume ? autoConsumeFlag : 0)),
    field(openpgpTag, message.openpgp),
    ...(message.returnAddress === undefined
      ? []
      : [field(returnAddressTag, encodeReturnAddress(message.returnAddress))]),
  );

const bad = (): never => {
  throw new PacketError('message/bad-envelope');
};

/** The values of all fields by tag. */
const readFields = (bytes: Uint8Array): ReadonlyMap<number, Uint8Array> => {
  const fields = new Map<number, Uint8Array>();
  let last = -1;
  for (let at = 1; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    const end = at + fieldHeadBytes + readU32(bytes, at + 1);
    if (tag <= last || end > bytes.length || at + fieldHeadBytes > bytes.length) return bad();
    fields.set(tag, bytes.subarray(at + fieldHeadBytes, end));
    last = tag;
    at = end;
  }
  return fields;
};

const readReturnAddress = (value: Uint8Array | undefined): ReturnAddress | undefined => {
  if (value === undefined) return undefined;
  const count = (value.length - hoursBytes) / surbBytes;
  if (!Number.isInteger(count) || count < 1 || count > mostReplyBlocks) return bad();
  return {
    expiresAt: readU32(value, 0) * hourMs,
    blocks: Array.from({ length: count }, (_, i) =>
      value.subarray(hoursBytes + i * surbBytes, hoursBytes + (i + 1) * surbBytes),
    ),
  };
};

/**
 * The message in these bytes. A field with an unknown odd tag is skipped, so that later versions can add what an older
 * exit may leave out.
 *
 * @throws PacketError `message/bad-envelope`: another version, an unknown even tag, a field missing, doubled, out of
 * order, of a wrong length or value, or bytes left over
 */
export const decodeMessage = (bytes: Uint8Array): Message => {
  if (bytes[0] !== envelopeVersion) return bad();
  const fields = readFields(bytes);
  const known = new Set([recipientTag, formTag, flagsTag, openpgpTag, returnAddressTag]);
  if ([...fields.keys()].some((tag) => tag % 2 === 0 && !known.has(tag))) return bad();
  const recipient = fields.get(recipientTag);
  const openpgp = fields.get(openpgpTag);
  const [formCode, ...moreForm] = fields.get(formTag) ?? [];
  const [flags, ...moreFlags] = fields.get(flagsTag) ?? [];
  const form = forms.get(formCode as 1 | 2);
  if (recipient === undefined || openpgp === undefined || form === undefined || flags === undefined) return bad();
  if (moreForm.length > 0 || moreFlags.length > 0 || flags > autoConsumeFlag || openpgp.length === 0) return bad();
  if (recipient.length < 1 || recipient.length > 254 || recipient.some((byte) => byte > 126)) return bad();
  const returnAddress = readReturnAddress(fields.get(returnAddressTag));
  return {
    recipient: latin1(recipient),
    form,
    openpgp,
    autoConsume: flags === autoConsumeFlag,
    ...(returnAddress === undefined ? {} : { returnAddress }),
  };
};
