import { Bug } from '../base/errors.js';
import type { MailHead } from './head.js';

/** What a mail in an exit's mailbox may be, by its header. */
export type Incoming =
  /** A person's answer to a delivered mail. */
  | {
      readonly kind: 'reply';
      /** Aliases it is addressed to, by plus addresses. */
      readonly aliases: readonly string[];
      /** Tokens of delivered mails it answers, by In-Reply-To and References; the one it answers first. */
      readonly tokens: readonly string[];
      /** Who wrote it: one mail address, if its From holds exactly one that is well-formed. */
      readonly from: string | undefined;
      /** Its Message-ID, angle brackets included. */
      readonly messageId: string | undefined;
    }
  /** A delivery status notification. */
  | { readonly kind: 'report' }
  /** Neither to an alias nor an answer, or automatic (vacation, list, robot): left alone. */
  | { readonly kind: 'other' }
  /** Automatic, and to an alias or an answer: never answered, and of no use to the sender. */
  | { readonly kind: 'automatic' };

/**
 * What a mail is to the exit whose mailbox it is in.
 *
 * @param own the exit's own address
 */
export const readIncoming = (head: MailHead, own: string): Incoming => {
  throw new Bug(`not there yet ${head.bodyAt} ${own}`);
};

/** The sender is told no more of a bounce than this. */
export interface Bounce {
  /** Token of the delivered mail that came back. */
  readonly token: string;
  /** Enhanced status code (RFC 3463); 5.0.0 where the notification has none. */
  readonly status: readonly [number, number, number];
}

/**
 * The final failures in a delivery status notification (RFC 3464: Action `failed`): none for delays and successes, or
 * where no mail of ours is named.
 *
 * @param parts the leaves of the mail
 * @param raw the whole mail, where the returned header with its Message-ID is searched for
 */
export const bouncesIn = (
  parts: readonly { readonly contentType: string; readonly content: Uint8Array }[],
  raw: Uint8Array,
): readonly Bounce[] => {
  throw new Bug(`not there yet ${parts.length} ${raw.length}`);
};

/**
 * What of a reply goes to the sender: its body as it is, and of its header what mail programs show and need. The rest
 * (trace, signatures and findings of servers) takes room.
 */
export const replyContent = (raw: Uint8Array): Uint8Array => {
  throw new Bug(`not there yet ${raw.length}`);
};
