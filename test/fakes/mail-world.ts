import type { Inbox, Outbox, OutgoingMail } from '../../src/ports/mail.js';
import { fakeInbox, FakeMailbox, type FakeInboxLimits } from './inbox.js';
import { fakeOutbox, type Handling } from './outbox.js';

/** A mail account in memory. */
export interface FakeAccount {
  readonly address: string;
  readonly mailbox: FakeMailbox;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
}

/** All mail providers of the world, in memory, without latency. */
export interface FakeMailWorld {
  /** The account of that address, made at first use. */
  readonly account: (address: string, limits?: FakeInboxLimits) => FakeAccount;
  /** Every mail a server took, in order, with its envelope id: what an observer of all providers sees. */
  readonly observed: readonly OutgoingMail[];
  /** Empties what was observed: the mails of a long story don't fit into memory. */
  readonly forget: () => void;
  /** Decides what becomes of each mail sent from now on; undefined: it is delivered. */
  handle: (mail: OutgoingMail) => Handling | undefined;
  /** Whether mail to `local+detail@domain` arrives at `local@domain`; true until it is changed. */
  plusAddresses: boolean;
}

/**
 * A world of mail accounts whose mails arrive at once.
 *
 *   const world = fakeMailWorld();
 *   const alice = world.account('alice@one.test');
 *   world.handle = () => handlings.unknownTaken;
 *   await alice.outbox.send({ from: alice.address, to: 'bob@two.test', raw }, signal);
 *   world.account('bob@two.test').mailbox.raws();
 */
export const fakeMailWorld = (): FakeMailWorld => {
  const accounts = new Map<string, FakeAccount>();
  const observed: OutgoingMail[] = [];
  const world: FakeMailWorld = {
    observed,
    forget: () => void observed.splice(0),
    handle: () => undefined,
    plusAddresses: true,
    account(address, limits) {
      const known = accounts.get(address);
      if (known !== undefined) return known;
      const mailbox = new FakeMailbox();
      const deliver = (mail: OutgoingMail): boolean => {
        const bare = world.plusAddresses ? mail.to.replace(/\+[^@]*@/, '@') : mail.to;
        const to = accounts.get(mail.to) ?? accounts.get(bare);
        if (to === undefined) return false;
        observed.push(mail);
        to.mailbox.put(mail.raw);
        return true;
      };
      const account: FakeAccount = {
        address,
        mailbox,
        inbox: fakeInbox(mailbox, limits),
        outbox: fakeOutbox(deliver, (mail) => world.handle(mail)),
      };
      accounts.set(address, account);
      return account;
    },
  };
  return world;
};
