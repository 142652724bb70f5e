import { Bug } from '../base/errors.js';
import type { MessageId } from '../base/ids.js';
import type { Receipt } from './receipt.js';

/** How a message ended, for its sender. */
export type Ending =
  /** What the exit answered last. */
  | Exclude<Receipt, { kind: 'incomplete' }>
  /** No exit ever confirmed it, in that many sendings. */
  | { readonly kind: 'no-answer'; readonly sendings: number }
  /** An answer to it came in part, and the rest did not come. */
  | { readonly kind: 'reply-incomplete' };

export interface Report {
  /** The user's own address. */
  readonly to: string;
  readonly messageId: MessageId;
  readonly ending: Ending;
  /** Whom the message was for, where the user wants it named in a mail that lies at the provider. */
  readonly recipient: string | undefined;
  /** Of the mail that the user's program handed in, angle brackets included. */
  readonly originalMessageId: string | undefined;
  readonly submittedAt: number;
  readonly now: number;
}

/** How it ended, in words for a person: one sentence without address or id. */
export const wordsFor = (ending: Ending): string => {
  throw new Bug(`not there yet ${ending.kind}`);
};

/**
 * The delivery status notification (RFC 3464) that the client puts into the user's own inbox; `Action: failed`, or
 * `delivered` when a message arrived after all that had been reported lost.
 *
 * Its Message-ID follows from the message and the ending, so that it can be looked for before it is put there again.
 */
export const composeReport = (report: Report): Uint8Array => {
  throw new Bug(`not there yet ${report.to}`);
};

/** The Message-ID of that notification, angle brackets included. */
export const reportMessageId = ({ messageId, ending }: Pick<Report, 'messageId' | 'ending'>): string => {
  throw new Bug(`not there yet ${messageId} ${ending.kind}`);
};
