import type { Base64 } from '../base/base64.js';
import { carrierSubject, sliceCarrierMail } from '../carrier/carrier.js';
import { directorySubject, isDirectoryMail } from '../carrier/directory-mail.js';
import { isDelivery } from '../message/delivery.js';
import type { FetchFilter, Inbox } from '../ports/mail.js';
import type { CursorStore } from '../ports/stores.js';
import type { Reading } from './aside.js';

/** How often that is done. */
export const purgeSchedule = '*/10 * * * *';

export interface PurgeDeps {
  readonly inbox: Inbox;
  readonly store: CursorStore;
  /** How far it has come; lives as long as the process. */
  readonly reading: Reading;
  readonly base64: Base64;
}

/**
 * Removes the copies of packet mails, deliveries, notices and mails of the directory that the provider has filed as sent,
 * as Gmail and Exchange do: they would fill the mailbox, and tell whoever gets hold of it what went to whom. And such mails that a removal
 * which was cut off has left in the trash, where removals go through it. The owner's own mails stay.
 *
 * @throws MailError, StoreError: the next call starts where this one stopped
 */
export const purgeSent = (deps: PurgeDeps, signal: AbortSignal): Promise<void> =>
  purge(deps, { filter: {}, cursorOf: (folder) => folder }, signal);

/**
 * The same in a mailbox that is a person's too: only mails with the subjects that this program gives its own are looked at.
 *
 * @throws MailError, StoreError: the next call starts where this one stopped
 */
export const purgeOwnSent = async (deps: PurgeDeps, signal: AbortSignal): Promise<void> => {
  for (const subject of [carrierSubject, directorySubject])
    await purge(deps, { filter: { subject }, cursorOf: (folder) => `sent ${subject} ${folder}` }, signal);
};

const purge = async (
  deps: PurgeDeps,
  { filter, cursorOf }: { readonly filter: FetchFilter; readonly cursorOf: (folder: string) => string },
  signal: AbortSignal,
): Promise<void> => {
  const { inbox } = deps;
  for (const folder of [await inbox.sentFolder(signal), await inbox.trashFolder(signal)])
    if (folder !== undefined) await purgeFolder(deps, { folder, filter, name: cursorOf(folder) }, signal);
};

const purgeFolder = async (
  { inbox, store, reading, base64 }: PurgeDeps,
  { folder, filter, name }: { readonly folder: string; readonly filter: FetchFilter; readonly name: string },
  signal: AbortSignal,
): Promise<void> => {
  for (let more = true; more && !signal.aborted;) {
    const fetched = await inbox.fetch(folder, reading.from(store, name), signal, filter);
    const ours = fetched.mails.filter(
      ({ raw }) =>
        raw !== undefined &&
        (isDelivery(raw) || sliceCarrierMail(raw, base64) !== undefined || isDirectoryMail(raw, base64)),
    );
    if (ours.length > 0) {
      const uids = ours.map(({ uid }) => uid);
      await inbox.remove(folder, fetched.uidValidity, uids, signal);
    }
    reading.dealtWith(store, name, fetched);
    more = fetched.more;
  }
};
