import { Bug } from '../base/errors.js';

/** Why a reply does not reach its reader. */
export type NoticeReason =
  /** The return address has expired, or its reply blocks are used up. */
  | 'expired'
  /** It needs more reply blocks than are left. */
  | 'too-large'
  /** It is not encrypted. */
  | 'not-encrypted';

export interface Notice {
  /** The exit's own address. */
  readonly from: string;
  readonly to: string;
  readonly reason: NoticeReason;
  /** Message-ID of the reply, angle brackets included. */
  readonly inReplyTo: string | undefined;
  /** For `too-large`: how many bytes a reply may have now. */
  readonly roomBytes: number;
  /** 16 hex digits or more, random: the left part of the notice's Message-ID. */
  readonly id: string;
  readonly now: number;
}

/**
 * The mail in which an exit tells a replier that the answer did not get through: `Auto-Submitted: auto-replied`, plain
 * words, nothing of who was to read it.
 */
export const composeNotice = (notice: Notice): Uint8Array => {
  throw new Bug(`not there yet ${notice.to}`);
};
