import { describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { systemClock, systemRng } from '../../src/adapters/system.js';
import { secondMs } from '../../src/base/units.js';
import { probePlusAddress } from '../../src/cli/plus-probe.js';
import { silentLog } from '../contracts/server-rigs.js';
import { findServers, missingLine } from '../servers/find-servers.js';

const never = new AbortController().signal;

for (const kind of await findServers())
  describe(`${kind.name}: the test of plus addresses`, () => {
    if (kind.kind === 'unavailable') {
      it.skip(missingLine(kind));
      return;
    }
    it('tells what the server does with them, and leaves nothing behind', async () => {
      const world = await kind.start();
      const { address, imap, smtp } = await world.addAccount('exit');
      const inbox = imapInbox(imap, silentLog);
      const outbox = smtpOutbox(smtp, silentLog);
      const waitMs = world.plusAddresses ? 60 * secondMs : 300;
      const deps = { inbox, outbox, clock: systemClock, rng: systemRng, own: address, waitMs };
      expect(await probePlusAddress(deps, never)).toBe(world.plusAddresses ? 'arrived' : 'not arrived');
      expect((await inbox.fetch('INBOX', undefined, never)).mails).toEqual([]);
      await inbox.close();
      await outbox.close();
      await world.stop();
    });
  });
