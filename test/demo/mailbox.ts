import { ImapFlow } from 'imapflow';
import type { Account } from '../servers/mail-world.js';

/** All mails in a mailbox, read as any mail program does. */
export const readMailbox = async ({ imap, user, password }: Account): Promise<readonly string[]> => {
  const client = new ImapFlow({
    host: imap.host,
    port: imap.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: password },
    logger: false,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const mailbox = await client.mailboxOpen('INBOX');
    if (mailbox.exists === 0) return [];
    const mails: string[] = [];
    for await (const { source } of client.fetch('1:*', { source: true })) mails.push(source?.toString('latin1') ?? '');
    return mails;
  } finally {
    await client.logout();
  }
};
