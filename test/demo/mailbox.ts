import { ImapFlow } from 'imapflow';
import type { Account } from '../servers/mail-world.js';

/** No mailbox of a test is so large, and no server so slow. */
const deadlineMs = 60_000;

/** Opens the mailbox as any mail program does, for that long. Rejects when the server has not answered to all in a minute. */
export const openedAt = async <T>(
  { imap, user, password }: Account,
  use: (client: ImapFlow) => Promise<T>,
): Promise<T> => {
  const client = new ImapFlow({
    host: imap.host,
    port: imap.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: password },
    logger: false,
  });
  client.on('error', () => undefined);
  // A server that falls silent is not waited for: what waits on the link then ends with it.
  const timer = setTimeout(() => client.close(), deadlineMs);
  try {
    await client.connect();
    const result = await use(client);
    await client.logout();
    return result;
  } finally {
    clearTimeout(timer);
    client.close();
  }
};

const isRefused = (error: unknown): boolean => error instanceof Error && 'responseStatus' in error;
const mostLooks = 5;

/** Looks again, as a mail program does, where a server refuses because another client removes mails meanwhile. */
const mailsIn = async (client: ImapFlow, folder: string, looks = 1): Promise<readonly string[]> => {
  const mailbox = await client.mailboxOpen(folder);
  if (mailbox.exists === 0) return [];
  const mails: string[] = [];
  try {
    for await (const { source } of client.fetch('1:*', { source: true })) mails.push(source?.toString('latin1') ?? '');
    return mails;
  } catch (error) {
    if (!isRefused(error) || looks === mostLooks) throw error;
    return mailsIn(client, folder, looks + 1);
  }
};

/** All mails in the inbox, read as any mail program does. */
export const readMailbox = (account: Account): Promise<readonly string[]> =>
  openedAt(account, (client) => mailsIn(client, 'INBOX'));

/** All mails in all folders of the mailbox. */
export const readFolders = (account: Account): Promise<readonly string[]> =>
  openedAt(account, async (client) => {
    const mails: string[] = [];
    for (const { path } of await client.list()) mails.push(...(await mailsIn(client, path)));
    return mails;
  });
