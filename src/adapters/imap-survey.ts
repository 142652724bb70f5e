import type { ListResponse } from 'imapflow';
import type { Quota } from '../ports/mail.js';
import { bounded, leaveImap, openImap, whereOf, type ImapAccount } from './imap-link.js';
import { quotaOf } from './imap-look.js';
import { inboxPath, search } from './imap-mails.js';
import { defaultDeadlineMs } from './mail-account.js';

/** How many mails of that subject lie in a folder. */
export interface FolderCount {
  readonly path: string;
  readonly use: 'inbox' | 'junk' | 'sent' | 'trash' | 'other';
  readonly count: number;
}

export interface Survey {
  readonly quota: Quota | undefined;
  /** The folders that have some. */
  readonly folders: readonly FolderCount[];
}

/** A mailbox with more folders is not one of a node; the first of them are looked at. */
const mostFolders = 50;

const uses: Readonly<Record<string, FolderCount['use']>> = { '\\Junk': 'junk', '\\Sent': 'sent', '\\Trash': 'trash' };
const useOf = ({ path, specialUse }: ListResponse): FolderCount['use'] | undefined => {
  if (path.toUpperCase() === inboxPath) return 'inbox';
  // All mails of Gmail are in here a second time.
  if (specialUse === '\\All') return undefined;
  return uses[specialUse ?? ''] ?? 'other';
};

/**
 * Looks in which folders mails of a subject lie, and how full the mailbox is. Folders are opened to be read only: nothing
 * is marked or changed.
 *
 * @throws MailError
 */
export const surveyMailbox = async (account: ImapAccount, subject: string, signal: AbortSignal): Promise<Survey> => {
  const client = await openImap(account, signal);
  const link = {
    client,
    where: whereOf(account),
    deadlineMs: account.deadlineMs ?? defaultDeadlineMs,
    connecting: false,
  };
  const ask = <T>(work: () => Promise<T>): Promise<T> => bounded(link, signal, work);
  try {
    const folders = (await ask(() => client.list())).filter(({ flags }) => !flags.has('\\Noselect'));
    const counts: FolderCount[] = [];
    for (const folder of folders.slice(0, mostFolders)) {
      const use = useOf(folder);
      if (use === undefined) continue;
      await ask(() => client.mailboxOpen(folder.path, { readOnly: true }));
      const { length: count } = await ask(() => search(client, { subject }));
      if (count > 0) counts.push({ path: folder.path, use, count });
    }
    return { quota: await ask(() => quotaOf(client, inboxPath)), folders: counts };
  } finally {
    await leaveImap(client, link.where);
  }
};
