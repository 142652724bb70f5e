import type { Inbox } from '../ports/mail.js';

/** How a process of a network that it has joined keeps its list, and its place in it, up to date. */
export interface Following {
  /** The mailbox, where lists and questions come to; undefined: they come over other ways only. */
  readonly mailbox: DirectoryMailbox | undefined;
  /** What is due by the time: questions, and what the authorities are to hear. @throws StoreError, RouteError */
  readonly tick: (now: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Reads mails of the directory in a mailbox, some of them.
 *
 * @param inbox as its process reads it
 * @returns whether there may be more that can be read now
 * @throws MailError, StoreError: the next call goes on where this one stopped
 */
export type DirectoryReader = (inbox: Inbox, signal: AbortSignal) => Promise<boolean>;

export interface DirectoryMailbox {
  readonly inbox: Inbox;
  /** How often it is asked without a notice from its server. */
  readonly pollMs: number;
  readonly read: DirectoryReader;
}

/** How often what is due is looked for. */
export const followSchedule = '*/2 * * * * *';
