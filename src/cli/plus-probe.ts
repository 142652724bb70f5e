import { imapInbox } from '../adapters/imap-inbox.js';
import type { Account } from '../adapters/secrets.js';
import { smtpOutbox } from '../adapters/smtp-outbox.js';
import { systemClock, systemRng } from '../adapters/system.js';
import { domainOf, mailboxIn, plusAddress } from '../base/address.js';
import { latin1, toHex } from '../base/bytes.js';
import type { Rng } from '../base/random.js';
import { minuteMs, secondMs } from '../base/units.js';
import { mailDate, mailLines } from '../message/canonical.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Cursor, Inbox, Outbox } from '../ports/mail.js';

/** What became of the mail to a plus address. */
export type PlusFinding =
  | 'arrived'
  /** Refused, bounced or lost. */
  | 'not arrived'
  /** The server took no mail now, whomever it is for. */
  | 'not sent';

/** What the test needs of the world. */
export interface PlusProbeDeps {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Address of the account. */
  readonly own: string;
  /** How long the mail may take. */
  readonly waitMs: number;
}

// The inbox tells of news by itself, the junk folder doesn't.
const lookEveryMs = 10 * secondMs;
// Enough for the header of a mail, and for the report in a bounce: it stands before the mail that came back.
const headBytes = 64 * 1024;

const composeProbe = (deps: PlusProbeDeps, to: string): Uint8Array =>
  mailLines([
    `From: <${deps.own}>`,
    `To: <${to}>`,
    'Subject: MixMailer test of plus addresses',
    `Date: ${mailDate(deps.clock.now(), minuteMs)}`,
    `Message-ID: <${toHex(deps.rng(16))}@${domainOf(deps.own)}>`,
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-generated',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This mail tests whether mail to this address arrives. A program looks for it and removes it.',
  ]);

/** Whether the mail is the one sent to that address, or the report that it bounced. Servers may replace its Message-ID. */
const speaksOf = (raw: Uint8Array, to: string): PlusFinding | undefined => {
  const text = latin1(raw.subarray(0, headBytes)).toLowerCase();
  const [header = ''] = text.split(/\r?\n\r?\n/, 1);
  const toField = /^to:.*(?:\r?\n[ \t].*)*/m.exec(header)?.[0] ?? '';
  if (toField.includes(to.toLowerCase())) return 'arrived';
  return /^content-type:\s*multipart\/report\b/m.test(header) && text.includes(to.toLowerCase())
    ? 'not arrived'
    : undefined;
};

/** The place behind the last mail; nothing is fetched for it. */
const endOf = async (inbox: Inbox, folder: string, signal: AbortSignal): Promise<Cursor | undefined> => {
  let end: Cursor | undefined;
  for (let more = true; more;) {
    const fetched = await inbox.fetch(folder, end, signal, { smallestBytes: Infinity });
    const last = fetched.mails.at(-1);
    if (last !== undefined) end = { uidValidity: fetched.uidValidity, uid: last.uid };
    more = fetched.more && last !== undefined;
  }
  return end;
};

/** Looks through what has come to the folder, and removes what speaks of the mail to that address. */
const lookIn = async (
  inbox: Inbox,
  folder: string,
  { after, to }: { readonly after: Cursor | undefined; readonly to: string },
  signal: AbortSignal,
): Promise<{ readonly finding: PlusFinding | undefined; readonly end: Cursor | undefined }> => {
  let end = after;
  for (let more = true; more;) {
    const { mails, uidValidity, ...fetched } = await inbox.fetch(folder, end, signal);
    for (const { uid, raw } of mails) {
      end = { uidValidity, uid };
      const finding = raw === undefined ? undefined : speaksOf(raw, to);
      if (finding === undefined) continue;
      await inbox.remove(folder, uidValidity, [uid], signal);
      return { finding, end };
    }
    more = fetched.more && mails.length > 0;
  }
  return { finding: undefined, end };
};

/**
 * Sends one small mail from the account to a plus address of its own, waits for it in the inbox and the junk folder,
 * and removes it.
 *
 * @throws MailError what the inbox rejects with
 */
export const probePlusAddress = async (deps: PlusProbeDeps, signal: AbortSignal): Promise<PlusFinding> => {
  const { inbox, outbox, clock, own } = deps;
  const id = toHex(deps.rng(4));
  const to = plusAddress(own, `mixmailer-${id}`);
  // A long name has no room for a detail.
  if (mailboxIn(to) === undefined) return 'not arrived';
  const ends = new Map<string, Cursor | undefined>();
  for (const folder of await inbox.folders(signal)) ends.set(folder, await endOf(inbox, folder, signal));

  const outcome = await outbox.send({ from: own, to, raw: composeProbe(deps, to), envelopeId: id }, signal);
  if (outcome.kind === 'refused') return 'not arrived';
  if (outcome.kind === 'later') return 'not sent';
  for (const until = clock.now() + deps.waitMs; ;) {
    for (const [folder, after] of ends) {
      const { finding, end } = await lookIn(inbox, folder, { after, to }, signal);
      if (finding !== undefined) return finding;
      ends.set(folder, end);
    }
    const leftMs = until - clock.now();
    if (leftMs <= 0) return 'not arrived';
    await inbox.waitForMail(Math.min(leftMs, lookEveryMs), signal);
  }
};

const silent: Log = { info: () => undefined, warn: () => undefined };

/** The same on an account. @throws MailError */
export const probePlusAddressOf = async (
  own: string,
  { imap, smtp }: { readonly imap: Account; readonly smtp: Account },
  signal: AbortSignal,
): Promise<PlusFinding> => {
  const inbox = imapInbox(imap, silent);
  const outbox = smtpOutbox(smtp, silent);
  try {
    const deps = { inbox, outbox, clock: systemClock, rng: systemRng, own, waitMs: 2 * minuteMs };
    return await probePlusAddress(deps, signal);
  } finally {
    await Promise.all([inbox.close(), outbox.close()]);
  }
};
