import type { Inbox } from '../ports/mail.js';
import type { InboundMail, InboundStore } from '../ports/client-store.js';

/**
 * Brings a finished mail to the user; resolves only when it is there for good. With `attempts` above 0 it may be there
 * already, from an attempt that was cut off.
 */
export type Deliver = (mail: InboundMail & { readonly attempts: number }, signal: AbortSignal) => Promise<void>;

const inboxFolder = 'INBOX';

/** Puts mails into the user's inbox by IMAP. Their provider reads them there. */
export const toInbox =
  (inbox: Pick<Inbox, 'holds' | 'append'>): Deliver =>
  async ({ mailId, raw, attempts }, signal) => {
    if (attempts > 0 && (await inbox.holds(inboxFolder, mailId, signal))) return;
    await inbox.append(inboxFolder, raw, signal);
  };

export interface InboundDeps {
  readonly store: InboundStore;
  readonly deliver: Deliver;
}

/**
 * Brings all finished mails to the user. The attempt is counted before it is made, and the mail is forgotten after it
 * succeeded. One that can't be brought stays, and lets the others go first at the next turn.
 *
 * @throws MailError, StoreError, and what `deliver` throws
 */
export const deliverInbound = async ({ store, deliver }: InboundDeps, signal: AbortSignal): Promise<void> => {
  for (const id of store.inboundIds()) {
    if (signal.aborted) return;
    const mail = store.beginInbound(id);
    if (mail === undefined) continue;
    await deliver(mail, signal);
    store.removeInbound(id);
  }
};
