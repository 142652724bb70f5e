/** What the program asks of the mail world. */

/** A place in a folder; a new `uidValidity` voids it. */
export interface Cursor {
  readonly uidValidity: string;
  /** Every mail with this UID or a lower one has been dealt with. */
  readonly uid: number;
}

export interface InboxMail {
  readonly uid: number;
  /** The whole mail, header and body, as the server gave it; undefined if it is too large or too small and was not fetched. */
  readonly raw: Uint8Array | undefined;
}

export interface Fetched {
  readonly uidValidity: string;
  /** Ascending by UID. */
  readonly mails: readonly InboxMail[];
  /** There is more behind the last of these. */
  readonly more: boolean;
}

/** Which mails of a folder are fetched. The others are named only: what can't hold what is looked for stays with the server. */
export interface FetchFilter {
  /** No smaller ones. */
  readonly smallestBytes?: number;
  /** No larger ones; as the account has it, if nothing is said. */
  readonly largestBytes?: number;
  /** Only those with these words in their Subject, in either case: a gateway may have put others around them. */
  readonly subject?: string;
}

/** One mailbox over IMAP. Reconnects by itself at the next call; every call has a deadline and rejects with MailError. */
export interface Inbox {
  /** Names of the folders packets can arrive in: the inbox and, where there is one, the junk folder. */
  readonly folders: (signal: AbortSignal) => Promise<readonly string[]>;
  /** The folder in which the provider keeps a copy of what this account sends, if it has one. */
  readonly sentFolder: (signal: AbortSignal) => Promise<string | undefined>;
  /**
   * The next mails after the cursor (after nothing if it is undefined or of another UIDVALIDITY), bounded in count and
   * bytes.
   */
  readonly fetch: (
    folder: string,
    after: Cursor | undefined,
    signal: AbortSignal,
    filter?: FetchFilter,
  ) => Promise<Fetched>;
  /**
   * Removes these mails for good, and nothing else: through the trash where the server needs it, expunged by UID.
   * A mail that is already gone is no error. Resolves only when the server has said so.
   */
  readonly remove: (folder: string, uidValidity: string, uids: readonly number[], signal: AbortSignal) => Promise<void>;
  /** Whether the folder holds a mail with that Message-ID (angle brackets included). */
  readonly holds: (folder: string, messageId: string, signal: AbortSignal) => Promise<boolean>;
  /** Puts a finished mail into the folder, unseen. Resolves only when the server has said so. */
  readonly append: (folder: string, raw: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** Resolves when the server tells of new mail, when `timeoutMs` is over, or when the signal aborts; never rejects. */
  readonly waitForMail: (timeoutMs: number, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** How a hand-over to a mail server ended. Decided by reply codes only. */
export type SendOutcome =
  /** 2xx after DATA: the server has taken it. */
  | { readonly kind: 'accepted'; readonly code: number }
  /** Not now (4xx, no connection, login failed): the same mail can be tried again. */
  | { readonly kind: 'later'; readonly code: number | undefined; readonly why: LaterReason }
  /** 5xx: never in this form. */
  | { readonly kind: 'refused'; readonly code: number }
  /** The link died after DATA: it may have been taken. Trying again is safe only for what the receiver folds. */
  | { readonly kind: 'unknown' };

export type LaterReason = 'connect' | 'tls' | 'login' | 'temporary' | 'limit' | 'timeout';

/** A finished mail: `raw` goes out byte for byte. */
export interface OutgoingMail {
  readonly from: string;
  readonly to: string;
  /** Header and body with CRLF line ends. */
  readonly raw: Uint8Array;
  /**
   * 1 to 100 letters and digits that a server which knows delivery status notifications puts into the one it sends when
   * the mail bounces (RFC 3461: ENVID, with NOTIFY=FAILURE and RET=HDRS); other servers are not told.
   */
  readonly envelopeId?: string;
}

/** One account's way out over SMTP. Never rejects for what a server says or a network does. */
export interface Outbox {
  /**
   * @param signal gives up what has not begun to go out
   * @param cut breaks off a mail that has; the same as `signal`, if it is left out
   */
  readonly send: (mail: OutgoingMail, signal: AbortSignal, cut?: AbortSignal) => Promise<SendOutcome>;
  readonly close: () => Promise<void>;
}

/** One leaf of a mail's MIME tree, transfer encoding removed. */
export interface MimePart {
  /** Lower case, without parameters: `application/octet-stream`. */
  readonly contentType: string;
  readonly content: Uint8Array;
}

/** A mail taken apart by a general MIME parser (adapters/mime). */
export interface ParsedMail {
  /** Content type of the whole mail, lower case, without parameters. */
  readonly contentType: string;
  /** Its parameters, names in lower case. */
  readonly contentTypeParameters: ReadonlyMap<string, string>;
  /** Leaves in the order of the mail, forwarded messages opened too. */
  readonly parts: readonly MimePart[];
  /** Addresses in To, Cc and Bcc: for `sendmail -t` only. */
  readonly recipients: readonly string[];
  /** The mail has the header `pEp-auto-consume` with the value `yes`: its receiver's engine takes it away unseen. */
  readonly autoConsume?: boolean;
}

/** The general MIME parser, for whatever isn't in canonical form. Rejects with SubmissionError 'submission/malformed'. */
export type MimeParser = (raw: Uint8Array) => Promise<ParsedMail>;
