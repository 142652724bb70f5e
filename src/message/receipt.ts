import { concat, readU16, u16 } from '../base/bytes.js';
import { Bug, PacketError, unreachable } from '../base/errors.js';
import type { DropReason } from '../base/errors.js';

/** Why an exit will not hand a message over. */
export type Rejection = Extract<
  DropReason,
  'message/bad-envelope' | 'message/not-encrypted' | 'message/bad-recipient' | 'message/too-large'
>;

/** What an exit answers about a message, over a reply block that came with it. */
export type Receipt =
  /** The exit's mail server took it for the recipient, with this SMTP reply code. */
  | { readonly kind: 'handed-over'; readonly code: number }
  /** That server refused it, with this SMTP reply code. */
  | { readonly kind: 'refused'; readonly code: number }
  /** Against the exit's own policy. */
  | { readonly kind: 'rejected'; readonly reason: Rejection }
  /** For two days no server said that it took it, which one may have, or the exit's account has no mails left for it. Another exit may hand it over. */
  | { readonly kind: 'gave-up' }
  /** It was handed over, and came back later: an enhanced status code of RFC 3463, such as 5.1.1, of class 4 or 5. */
  | { readonly kind: 'bounced'; readonly status: readonly [number, number, number] }
  /** Fragments are missing: these indexes are there, ascending. */
  | { readonly kind: 'incomplete'; readonly have: readonly number[] }
  /** Fragments were missing for so long that the exit has thrown the others away. */
  | { readonly kind: 'expired' };

/** First byte of a payload that answers with a receipt. */
export const receiptKind = 1;

const codes = {
  'handed-over': 1,
  refused: 2,
  rejected: 3,
  'gave-up': 4,
  bounced: 5,
  incomplete: 6,
  expired: 7,
} as const;

const rejections: readonly Rejection[] = [
  'message/bad-envelope',
  'message/not-encrypted',
  'message/bad-recipient',
  'message/too-large',
];

/** Whether a message dropped for that reason is answered with `rejected`. */
export const isRejection = (reason: DropReason): reason is Rejection =>
  (rejections as readonly DropReason[]).includes(reason);

const bitmapBytes = 32;
const areaAt = 2;
/** Of any receipt, without the padding. */
const receiptBytes = areaAt + bitmapBytes;

const areaOf = (receipt: Receipt): Uint8Array => {
  switch (receipt.kind) {
    case 'handed-over':
    case 'refused':
      return u16(receipt.code);
    case 'rejected':
      return Uint8Array.of(rejections.indexOf(receipt.reason) + 1);
    case 'bounced':
      return concat(...receipt.status.map(u16));
    case 'incomplete': {
      const bitmap = new Uint8Array(bitmapBytes);
      for (const index of receipt.have) {
        if (!Number.isInteger(index) || index < 0 || index > 254) throw new Bug('an index is 0 to 254');
        bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
      }
      return bitmap;
    }
    case 'gave-up':
    case 'expired':
      return new Uint8Array();
    default:
      return unreachable(receipt);
  }
};

/**
 * The bytes of a receipt, to be padded with zeros by the reply block that carries it.
 *
 *   receipt = kind 1 = 1 | code 1 | area 32, zeros behind what is used
 *
 *   code             area
 *   1 handed over    SMTP reply code 2
 *   2 refused        SMTP reply code 2
 *   3 rejected       1: 1 bad envelope, 2 not encrypted, 3 bad recipient, 4 too large
 *   4 gave up
 *   5 bounced        class 2, 4 or 5 | subject 2 | detail 2, at most 999 each
 *   6 incomplete     bit i of byte j: fragment 8j + i is there
 *   7 expired
 */
export const encodeReceipt = (receipt: Receipt): Uint8Array => {
  const bytes = new Uint8Array(receiptBytes);
  bytes.set([receiptKind, codes[receipt.kind]]);
  bytes.set(areaOf(receipt), areaAt);
  return bytes;
};

const bad = (): never => {
  throw new PacketError('message/bad-receipt');
};

const readReceipt = (code: number, area: Uint8Array): Receipt => {
  switch (code) {
    case codes['handed-over']:
      return { kind: 'handed-over', code: readU16(area, 0) };
    case codes.refused:
      return { kind: 'refused', code: readU16(area, 0) };
    case codes.rejected: {
      const reason = rejections[(area[0] ?? 0) - 1];
      return reason === undefined ? bad() : { kind: 'rejected', reason };
    }
    case codes['gave-up']:
      return { kind: 'gave-up' };
    case codes.bounced: {
      const [of, subject, detail] = [readU16(area, 0), readU16(area, 2), readU16(area, 4)];
      const isFailure = (of === 4 || of === 5) && subject < 1000 && detail < 1000;
      return isFailure ? { kind: 'bounced', status: [of, subject, detail] } : bad();
    }
    case codes.incomplete: {
      const indexes = Array.from({ length: 255 }, (_, index) => index);
      return { kind: 'incomplete', have: indexes.filter((index) => ((area[index >> 3] ?? 0) >> (index & 7)) & 1) };
    }
    case codes.expired:
      return { kind: 'expired' };
    default:
      return bad();
  }
};

/**
 * The receipt in what `openSurb` gave. One receipt has one encoding.
 *
 * @throws PacketError `message/bad-receipt`
 */
export const decodeReceipt = (payload: Uint8Array): Receipt => {
  if (payload[0] !== receiptKind || payload.length < receiptBytes) return bad();
  const receipt = readReceipt(payload[1] ?? 0, payload.subarray(areaAt, receiptBytes));
  const again = encodeReceipt(receipt);
  return payload.every((byte, i) => byte === (again[i] ?? 0)) ? receipt : bad();
};
