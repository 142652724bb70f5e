import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imapInbox, probeImap } from '../../src/adapters/imap-inbox.js';
import { probeSmtp, smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { mailNamed } from '../../src/testing/inbox.js';
import { silentLog } from '../contracts/server-rigs.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';

const never = new AbortController().signal;
const kind = (await findServers()).find(({ name }) => name === 'dovecot-postfix');

describe.skipIf(kind?.kind !== 'available')(
  `secure channels${kind?.kind === 'unavailable' ? ` (${missingLine(kind)})` : ''}`,
  () => {
    let world: MailWorld;
    let account: Account;
    const secured = (security: 'tls' | 'starttls'): Account => world.secured(account, security) ?? account;

    beforeAll(async () => {
      if (kind?.kind !== 'available') return;
      world = await kind.start();
      account = await world.addAccount('secure');
    });
    afterAll(() => world.stop());

    it.each(['tls', 'starttls'] as const)('%s: sends and fetches where the authority is known', async (security) => {
      const { imap, smtp, address } = secured(security);
      const outbox = smtpOutbox(smtp, silentLog);
      const sent = await outbox.send({ from: address, to: address, raw: mailNamed(security) }, never);
      expect(sent).toEqual({ kind: 'accepted', code: 250 });
      await outbox.close();
      expect((await probeSmtp(smtp, never)).secure).toBe(true);
      const inbox = imapInbox(imap, silentLog);
      await inbox.waitForMail(20_000, never);
      expect((await inbox.fetch('INBOX', undefined, never)).mails.length).toBeGreaterThan(0);
      await inbox.close();
      expect(await probeImap(imap, never)).toMatchObject({
        junk: 'Junk',
        trash: 'Trash',
        sent: 'Sent',
        canRemove: true,
      });
    });

    it.each(['tls', 'starttls'] as const)(
      '%s: gives no password to a server of an unknown authority',
      async (security) => {
        const { imap, smtp, address } = secured(security);
        const inbox = imapInbox({ ...imap, ca: undefined }, silentLog);
        await expect(inbox.folders(never)).rejects.toMatchObject({ code: 'mail/tls' });
        await inbox.close();
        const outbox = smtpOutbox({ ...smtp, ca: undefined }, silentLog);
        const sent = await outbox.send({ from: address, to: address, raw: mailNamed('no') }, never);
        expect(sent).toEqual({ kind: 'later', code: undefined, why: 'tls' });
        await outbox.close();
      },
    );

    it.each(['tls', 'starttls'] as const)('%s: gives no password to a server of another name', async (security) => {
      const { imap, smtp, address } = secured(security);
      // Loopback too, but not in the certificate.
      const host = '127.0.0.2';
      const inbox = imapInbox({ ...imap, host }, silentLog);
      const code = expect.stringMatching(/^mail\/(tls|connect)$/) as string;
      await expect(inbox.folders(never)).rejects.toMatchObject({ code });
      await inbox.close();
      const outbox = smtpOutbox({ ...smtp, host }, silentLog);
      const sent = await outbox.send({ from: address, to: address, raw: mailNamed('no') }, never);
      expect(sent.kind).toBe('later');
      await outbox.close();
    });

    it('refuses the sender address of somebody else', async () => {
      const other = await world.addAccount('other');
      const outbox = smtpOutbox(account.smtp, silentLog);
      const sent = await outbox.send({ from: other.address, to: account.address, raw: mailNamed('forged') }, never);
      expect(sent).toEqual({ kind: 'refused', code: 553 });
      await outbox.close();
    });
  },
);
