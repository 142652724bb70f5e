import type { ImapAccount } from '../../src/adapters/imap-inbox.js';
import type { SmtpAccount } from '../../src/adapters/smtp-outbox.js';

/** A mailbox on a test server, ready for the adapters. */
export interface Account {
  readonly address: string;
  readonly user: string;
  readonly password: string;
  readonly imap: ImapAccount;
  readonly smtp: SmtpAccount;
  /** PEM of the server's own certificate authority, where it speaks TLS. */
  readonly ca: string | undefined;
}

/** A mail server of its own, on free ports of loopback. */
export interface MailWorld {
  readonly name: string;
  /** The domain of accounts made without one. */
  readonly domain: string;
  /**
   * A new, empty mailbox.
   *
   * @param user local part of its address
   * @param domain any domain: every mailbox may live at a provider of its own
   */
  readonly addAccount: (user: string, domain?: string) => Promise<Account>;
  /** The accounts' servers over TLS, where there are any; clear text on loopback is the default of the accounts. */
  readonly secured: (account: Account, security: 'tls' | 'starttls') => Account | undefined;
  /** Whether an unknown recipient is refused at RCPT; GreenMail makes the mailbox instead. */
  readonly refusesUnknownRecipients: boolean;
  /** Mail to `local+detail@domain` reaches `local@domain`. GreenMail keeps it for a user of that long name. */
  readonly plusAddresses: boolean;
  /** An address whose mail is taken and bounces afterwards, with a delivery status notification, where there is one. */
  readonly bouncing: string | undefined;
  readonly stop: () => Promise<void>;
}

/** What an SMTP server was handed. */
export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  /** ENVID of MAIL (RFC 3461). */
  readonly envelopeId: string | undefined;
}

/** A kind of server: there, or not and why. */
export type ServerKind =
  | {
      readonly name: string;
      readonly kind: 'available';
      readonly how: string;
      readonly start: () => Promise<MailWorld>;
    }
  | { readonly name: string; readonly kind: 'unavailable'; readonly reason: string; readonly remedy: string };
