import { Bug } from '../base/errors.js';

/** What the client knows of a reply that its exit doesn't. */
export interface ReplyContext {
  /** The user's own address. */
  readonly to: string;
  /** Token of the delivered mail. */
  readonly token: string;
  /** Message-ID of the mail that the user's program handed in, angle brackets included; undefined if it had none. */
  readonly originalMessageId: string | undefined;
}

/**
 * The reply as the user gets it: To is the user, and In-Reply-To and References name the user's own mail where they
 * named the delivered one, so that the mail program puts the answer under it.
 *
 * @param reply as the exit sent it; anything, since an exit may lie
 */
export const receivedReply = (reply: Uint8Array, context: ReplyContext): Uint8Array => {
  throw new Bug(`not there yet ${reply.length} ${context.to}`);
};
