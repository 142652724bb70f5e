import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { latin1 } from '../../src/base/bytes.js';
import { mailNamed } from '../../src/testing/inbox.js';
import { silentLog } from '../contracts/server-rigs.js';
import { findServers, missingLine } from '../servers/find-servers.js';
import type { Account, MailWorld } from '../servers/mail-world.js';

const never = new AbortController().signal;

for (const kind of (await findServers()).filter(({ name }) => name === 'dovecot-postfix'))
  describe(`${kind.name}: a mail that bounces`, () => {
    if (kind.kind === 'unavailable') {
      it.skip(missingLine(kind));
      return;
    }
    let world: MailWorld;
    let exit: Account;
    beforeAll(async () => {
      world = await kind.start();
      exit = await world.addAccount('exit');
    });
    afterAll(() => world.stop());

    it('comes back to its sender as a report with the envelope id, and with no more of it than its header', async () => {
      const outbox = smtpOutbox(exit.smtp, silentLog);
      const inbox = imapInbox(exit.imap, silentLog);
      const { bouncing = '' } = world;
      const mail = { from: exit.address, to: bouncing, raw: mailNamed('bouncing'), envelopeId: '0123456789abcdef' };
      expect(await outbox.send(mail, never)).toMatchObject({ kind: 'accepted' });
      await inbox.waitForMail(60_000, never);
      const { mails } = await inbox.fetch('INBOX', undefined, never);
      expect(mails).toHaveLength(1);
      const report = latin1(mails[0]?.raw ?? new Uint8Array());
      expect(report).toMatch(/^Return-Path: <>\r$/m);
      expect(report).toMatch(/^Content-Type: multipart\/report; report-type=delivery-status;/m);
      expect(report).toMatch(/^Original-Envelope-Id: 0123456789abcdef\r$/m);
      expect(report).toContain(`\r\nFinal-Recipient: rfc822; ${bouncing}\r\n`);
      expect(report).toMatch(/^Action: failed\r$/m);
      expect(report).toMatch(/^Status: 5\.1\.1\r$/m);
      expect(report).toContain('Message-ID: <bouncing@mix.test>');
      expect(report).not.toContain('This is bouncing.');
      await inbox.close();
      await outbox.close();
    });
  });
