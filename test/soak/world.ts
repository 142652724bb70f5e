import type { Account, MailWorld } from '../servers/mail-world.js';
import { type DovecotPostfix, startDovecotPostfix } from '../servers/dovecot-postfix.js';
import { greenmail } from '../servers/greenmail.js';
import type { Rng } from '../../src/base/random.js';
import { type Gate, openGate } from './gate.js';
import { bareAddress, type Destination, openTransit, type Transit } from './transit.js';

/** A mailbox, and the wires between it and its process. */
export interface Place {
  /** As the servers have it, without gates. */
  readonly account: Account;
  readonly server: 'dovecot' | 'greenmail';
  readonly imap: Gate;
  readonly smtp: Gate;
}

/**
 * Postfix takes all mails in. Between it and the mailboxes, which are at Dovecot or at GreenMail, mails go
 * through `transit`; between them and the processes everything goes through gates.
 */
export interface SoakWorld {
  /** Accounts whose servers are reached through gates only. */
  readonly world: MailWorld;
  readonly servers: DovecotPostfix;
  readonly transit: Transit;
  readonly places: ReadonlyMap<string, Place>;
  /** A mailbox that no process of the network has. */
  readonly addReader: (user: string, domain: string) => Promise<Account>;
  readonly hasGreenmail: boolean;
  readonly close: () => Promise<void>;
}

/** @param atGreenmail which addresses have their mailbox there, if it can be had */
export const openWorld = async (rng: Rng, atGreenmail: (address: string) => boolean): Promise<SoakWorld> => {
  const kind = await greenmail();
  const green = kind.kind === 'available' ? await kind.start() : undefined;
  const places = new Map<string, Place>();
  const mailboxes = new Map<string, Destination>();
  // Dovecot's port is known after Postfix has been told whom to ask.
  const usual = { port: 0, lmtp: true };
  const transit = await openTransit((address) => mailboxes.get(bareAddress(address)), usual, rng);
  const servers = await startDovecotPostfix({ nextPort: transit.port });
  usual.port = servers.lmtpPort;

  const addMailbox = async (user: string, domain: string): Promise<readonly [Account, Place['server']]> => {
    // Everybody hands mails in at Postfix, which asks Dovecot for passwords.
    const submitting = await servers.addAccount(user, domain);
    if (green === undefined || !atGreenmail(submitting.address)) {
      mailboxes.set(submitting.address, { account: submitting, port: usual.port, lmtp: true, hasJunk: true });
      return [submitting, 'dovecot'];
    }
    const account = await green.addAccount(user, domain);
    mailboxes.set(account.address, { account, port: account.smtp.port, lmtp: false, hasJunk: false });
    return [{ ...account, smtp: submitting.smtp }, 'greenmail'];
  };
  const addAccount = async (user: string, domain = servers.domain): Promise<Account> => {
    const [account, server] = await addMailbox(user, domain);
    const imap = await openGate(account.imap.port);
    const smtp = await openGate(account.smtp.port);
    places.set(account.address, { account, server, imap, smtp });
    return { ...account, imap: { ...account.imap, port: imap.port }, smtp: { ...account.smtp, port: smtp.port } };
  };
  return {
    world: { ...servers, addAccount },
    servers,
    transit,
    places,
    addReader: async (user, domain) => (await addMailbox(user, domain))[0],
    hasGreenmail: green !== undefined,
    close: async () => {
      await transit.close();
      await Promise.all([...places.values()].flatMap(({ imap, smtp }) => [imap.close(), smtp.close()]));
      await servers.stop();
      await green?.stop();
    },
  };
};
