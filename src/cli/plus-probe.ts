import { imapInbox } from '../adapters/imap-inbox.js';
import type { Account } from '../adapters/secrets.js';
import { smtpOutbox } from '../adapters/smtp-outbox.js';
import { systemClock, systemRng } from '../adapters/system.js';
import { plusAddress } from '../base/address.js';
import { toHex } from '../base/bytes.js';
import { minuteMs } from '../base/units.js';
import type { Log } from '../ports/log.js';
import { greetPlusAddress, greetSelf, type SelfMail, type SelfMailDeps } from '../setup/self-mail.js';

/** What became of the mail to a plus address. */
export type PlusFinding =
  | 'arrived'
  /** Refused, bounced or lost. */
  | 'not arrived'
  /** The server took no mail now, whomever it is for. */
  | 'not sent';

const findingOf = ({ kind }: SelfMail): PlusFinding => {
  switch (kind) {
    case 'arrived':
      return 'arrived';
    case 'refused':
    case 'bounced':
    case 'lost':
      return 'not arrived';
    case 'full':
    case 'limit':
    case 'later':
      return 'not sent';
  }
};

/**
 * Sends one small mail from the account to a plus address of its own, waits for it in the inbox and the junk folder,
 * and removes it.
 *
 * @throws MailError what the inbox rejects with
 */
export const probePlusAddress = async (deps: SelfMailDeps, signal: AbortSignal): Promise<PlusFinding> =>
  findingOf(await greetPlusAddress(deps, plusAddress(deps.own, `mixmailer-${toHex(deps.rng(4))}`), signal));

const silent: Log = { info: () => undefined, warn: () => undefined };

/** Both servers of an account. */
export interface Accounts {
  readonly imap: Account;
  readonly smtp: Account;
}

const onAccount = async <T>(
  own: string,
  { imap, smtp }: Accounts,
  work: (deps: SelfMailDeps) => Promise<T>,
): Promise<T> => {
  const inbox = imapInbox(imap, silent);
  const outbox = smtpOutbox(smtp, silent);
  try {
    return await work({ inbox, outbox, clock: systemClock, rng: systemRng, own, waitMs: 2 * minuteMs });
  } finally {
    await Promise.all([inbox.close(), outbox.close()]);
  }
};

/** `probePlusAddress` on an account. @throws MailError */
export const probePlusAddressOf = (own: string, accounts: Accounts, signal: AbortSignal): Promise<PlusFinding> =>
  onAccount(own, accounts, (deps) => probePlusAddress(deps, signal));

/** `greetSelf` on an account. @throws MailError */
export const greetSelfOn = (own: string, accounts: Accounts, signal: AbortSignal): Promise<SelfMail> =>
  onAccount(own, accounts, (deps) => greetSelf(deps, signal));
