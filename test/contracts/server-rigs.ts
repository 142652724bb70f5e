import { ImapFlow } from 'imapflow';
import { imapInbox, type ImapAccount } from '../../src/adapters/imap-inbox.js';
import { smtpOutbox, type SmtpAccount } from '../../src/adapters/smtp-outbox.js';
import type { Log } from '../../src/ports/log.js';
import { startLink } from '../servers/link.js';
import type { Account, MailWorld } from '../servers/mail-world.js';
import type { InboxRig, InboxServer } from '../../src/testing/inbox.js';
import type { OutboxRig, OutboxServer } from '../../src/testing/outbox.js';

/** A log that is read by nobody. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined };

const never = new AbortController().signal;
const wrong = (): Promise<{ password: string }> => Promise.resolve({ password: 'wrong' });

let accounts = 0;
const accountOn = (world: MailWorld): Promise<Account> => world.addAccount(`user${++accounts}`);

/** Another mail program on the same mailbox, for the time of one action. */
export const withClient = async <T>(account: ImapAccount, act: (client: ImapFlow) => Promise<T>): Promise<T> => {
  const credential = await account.credential();
  const client = new ImapFlow({
    host: account.host,
    port: account.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: account.user, pass: 'password' in credential ? credential.password : '' },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.logout();
  }
};

const count = async (client: ImapFlow): Promise<number> => {
  const status = await client.status('INBOX', { messages: true });
  return status === false ? 0 : (status.messages ?? 0);
};

/** Waits until the mailbox holds that many mails: real servers deliver when they like. */
const arrival = async (client: ImapFlow, atLeast: number): Promise<void> => {
  for (let tries = 0; (await count(client)) < atLeast; tries++) {
    if (tries > 600) throw new Error(`${atLeast} mails did not arrive`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Mailboxes of that server for the inbox contract, behind a wire that can be cut. */
export const inboxServer = (world: MailWorld): InboxServer => ({
  stop: world.stop,
  async rig(): Promise<InboxRig> {
    const account = await accountOn(world);
    const link = await startLink(account.imap.port);
    const outbox = smtpOutbox(account.smtp, silentLog);
    const linked: ImapAccount = { ...account.imap, port: link.port };
    return {
      open: (limits = {}) => imapInbox({ ...linked, ...limits }, silentLog),
      openWithWrongPassword: () => imapInbox({ ...linked, credential: wrong }, silentLog),
      async deliver(raw) {
        await withClient(account.imap, async (client) => {
          const before = await count(client);
          const outcome = await outbox.send({ from: account.address, to: account.address, raw }, never);
          if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(outcome)}`);
          await arrival(client, before + 1);
        });
      },
      rebuild: (folder, raw) =>
        withClient(account.imap, async (client) => {
          const life = async (): Promise<bigint | undefined> => {
            const status = await client.status(folder, { uidValidity: true });
            return status === false ? undefined : status.uidValidity;
          };
          const exists = (await client.list()).some(({ path }) => path === folder);
          const before = exists ? await life() : undefined;
          if (exists) await client.mailboxDelete(folder);
          await client.mailboxCreate(folder);
          // GreenMail counts the lives of a folder in seconds.
          while (exists && (await life()) === before) {
            await client.mailboxDelete(folder);
            await new Promise((resolve) => setTimeout(resolve, 200));
            await client.mailboxCreate(folder);
          }
          await client.append(folder, Buffer.from(raw));
        }),
      markDeleted: (uid) =>
        withClient(account.imap, async (client) => {
          await client.mailboxOpen('INBOX');
          await client.messageFlagsAdd(`${uid}`, ['\\Deleted'], { uid: true });
        }),
      uids: () =>
        withClient(account.imap, async (client) => {
          await client.mailboxOpen('INBOX');
          const uids = await client.search({ all: true }, { uid: true });
          return Array.isArray(uids) ? uids : [];
        }),
      unseen: (folder) =>
        withClient(account.imap, async (client) => {
          await client.mailboxOpen(folder);
          const uids = await client.search({ seen: false }, { uid: true });
          return Array.isArray(uids) ? uids : [];
        }),
      links: link.open,
      cut: link.cut,
      freeze: link.freeze,
      thaw: link.thaw,
      async stop() {
        await outbox.close();
        await link.stop();
      },
    };
  },
});

/** Sender and receiver on that server for the outbox contract. */
export const outboxServer = (world: MailWorld): OutboxServer => ({
  stop: world.stop,
  async rig(): Promise<OutboxRig> {
    const sender = await accountOn(world);
    const receiver = await accountOn(world);
    const link = await startLink(sender.smtp.port);
    const reader = imapInbox(receiver.imap, silentLog);
    const linked: SmtpAccount = { ...sender.smtp, port: link.port };
    return {
      from: sender.address,
      to: receiver.address,
      open: (limits = {}) => smtpOutbox({ ...linked, ...limits }, silentLog),
      openWithWrongPassword: () => smtpOutbox({ ...linked, credential: wrong }, silentLog),
      // Port 1 of loopback: nothing listens there.
      openToNobody: () => smtpOutbox({ ...linked, port: 1 }, silentLog),
      async received(atLeast) {
        await withClient(receiver.imap, (client) => arrival(client, atLeast));
        const { mails } = await reader.fetch('INBOX', undefined, never);
        return mails.map(({ raw }) => raw ?? new Uint8Array());
      },
      nobody: `nobody@${world.domain}`,
      refusesNobody: world.refusesUnknownRecipients,
      plusAddresses: world.plusAddresses,
      cut: link.cut,
      freeze: link.freeze,
      thaw: link.thaw,
      async stop() {
        await reader.close();
        await link.stop();
      },
    };
  },
});
