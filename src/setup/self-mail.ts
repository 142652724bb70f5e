import { domainOf, mailboxIn } from '../base/address.js';
import { latin1, toHex } from '../base/bytes.js';
import type { Rng } from '../base/random.js';
import { minuteMs, secondMs } from '../base/units.js';
import { mailDate, mailLines } from '../message/canonical.js';
import type { Clock } from '../ports/clock.js';
import type { Cursor, Inbox, Outbox } from '../ports/mail.js';

/** What became of a mail that an account sent to itself. */
export type SelfMail =
  /** `stampedAt`: when the server that put it there says it came, by its own clock; undefined where it doesn't say. */
  | {
      readonly kind: 'arrived';
      readonly folder: string;
      readonly cameAt: number;
      readonly afterMs: number;
      readonly stampedAt: number | undefined;
    }
  /** There was no room for it before it was sent. */
  | { readonly kind: 'full'; readonly usedBytes: number; readonly limitBytes: number }
  | { readonly kind: 'refused'; readonly code: number }
  /** The server speaks of what the account may send. */
  | { readonly kind: 'limit' }
  /** The server took no mail now, whomever it is for. */
  | { readonly kind: 'later' }
  | { readonly kind: 'bounced' }
  /** Taken, and not there in time. */
  | { readonly kind: 'lost' };

/** What sending to oneself needs of the world. */
export interface SelfMailDeps {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Address of the account. */
  readonly own: string;
  /** How long the mail may take. */
  readonly waitMs: number;
}

/** The mail, beside what every such mail has. */
export interface Letter {
  readonly to: string;
  /** 8 hex digits, of this mail alone. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  /** What the mail is recognized by when it is there: not its Message-ID, which servers replace. */
  readonly mark: { readonly field: 'to' | 'subject'; readonly text: string };
}

// The inbox tells of news by itself, the junk folder doesn't.
const lookEveryMs = 10 * secondMs;
// Enough for the header of a mail, and for the report in a bounce: it stands before the mail that came back.
const headBytes = 64 * 1024;
/** Less room than for one full mail of packets is none. */
const leastRoomBytes = 4 * 1024 * 1024;

const compose = (deps: SelfMailDeps, { to, subject, text }: Letter): Uint8Array =>
  mailLines([
    `From: <${deps.own}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Date: ${mailDate(deps.clock.now(), minuteMs)}`,
    `Message-ID: <${toHex(deps.rng(16))}@${domainOf(deps.own)}>`,
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-generated',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    text,
  ]);

const fieldOf = (header: string, name: string): string =>
  new RegExp(`^${name}:.*(?:\\r?\\n[ \\t].*)*`, 'm').exec(header)?.[0] ?? '';

const headerOf = (text: string): string => text.split(/\r?\n\r?\n/, 1)[0] ?? '';

/** Whether the mail is that letter, or the report that it bounced. */
const speaksOf = (raw: Uint8Array, { mark }: Letter): 'arrived' | 'bounced' | undefined => {
  const text = latin1(raw.subarray(0, headBytes)).toLowerCase();
  const header = headerOf(text);
  if (fieldOf(header, mark.field).includes(mark.text.toLowerCase())) return 'arrived';
  return /^content-type:\s*multipart\/report\b/m.test(header) && text.includes(mark.text.toLowerCase())
    ? 'bounced'
    : undefined;
};

/** When the last server before the mailbox says that it had the mail: the uppermost Received. */
const stampOf = (raw: Uint8Array): number | undefined => {
  const field = fieldOf(headerOf(latin1(raw.subarray(0, headBytes))), 'Received').replaceAll(/\s+/g, ' ');
  const at = new Date(/;\s*([^;()]+?)\s*(?:\(|$)/.exec(field)?.[1] ?? '').getTime();
  return Number.isFinite(at) ? at : undefined;
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

interface Sighting {
  readonly kind: 'arrived' | 'bounced';
  readonly raw: Uint8Array;
}

/** Looks through what has come to the folder, and removes what speaks of that letter. */
const lookIn = async (
  inbox: Inbox,
  folder: string,
  { after, letter }: { readonly after: Cursor | undefined; readonly letter: Letter },
  signal: AbortSignal,
): Promise<{ readonly seen: Sighting | undefined; readonly end: Cursor | undefined }> => {
  let end = after;
  for (let more = true; more;) {
    const { mails, uidValidity, ...fetched } = await inbox.fetch(folder, end, signal);
    for (const { uid, raw } of mails) {
      end = { uidValidity, uid };
      const kind = raw === undefined ? undefined : speaksOf(raw, letter);
      if (raw === undefined || kind === undefined) continue;
      await inbox.remove(folder, uidValidity, [uid], signal);
      return { seen: { kind, raw }, end };
    }
    more = fetched.more && mails.length > 0;
  }
  return { seen: undefined, end };
};

/** Whether there is no room in the mailbox, as far as its server says. */
const fullness = async (inbox: Inbox, signal: AbortSignal): Promise<SelfMail | undefined> => {
  const quota = await inbox.quota(signal);
  if (quota === undefined || quota.limitBytes - quota.usedBytes >= Math.min(leastRoomBytes, quota.limitBytes / 50))
    return undefined;
  return { kind: 'full', ...quota };
};

/**
 * Sends a small mail from the account to an address of its own, waits for it in the inbox and the junk folder, and removes
 * it.
 *
 * @throws MailError what the inbox rejects with
 */
export const sendToSelf = async (deps: SelfMailDeps, letter: Letter, signal: AbortSignal): Promise<SelfMail> => {
  const { inbox, outbox, clock, own } = deps;
  const full = await fullness(inbox, signal);
  if (full !== undefined) return full;
  const ends = new Map<string, Cursor | undefined>();
  for (const folder of await inbox.folders(signal)) ends.set(folder, await endOf(inbox, folder, signal));

  const beganAt = clock.now();
  const mail = { from: own, to: letter.to, raw: compose(deps, letter), envelopeId: letter.id };
  const outcome = await outbox.send(mail, signal);
  if (outcome.kind === 'refused') return { kind: 'refused', code: outcome.code };
  if (outcome.kind === 'later') return { kind: outcome.why === 'limit' ? 'limit' : 'later' };
  for (const until = clock.now() + deps.waitMs; ;) {
    for (const [folder, after] of ends) {
      const { seen, end } = await lookIn(inbox, folder, { after, letter }, signal);
      if (seen?.kind === 'bounced') return { kind: 'bounced' };
      if (seen !== undefined) {
        const cameAt = clock.now();
        return { kind: 'arrived', folder, cameAt, afterMs: cameAt - beganAt, stampedAt: stampOf(seen.raw) };
      }
      ends.set(folder, end);
    }
    const leftMs = until - clock.now();
    if (leftMs <= 0) return { kind: 'lost' };
    await inbox.waitForMail(Math.min(leftMs, lookEveryMs), signal);
  }
};

/** Tries the account's own address. @throws MailError what the inbox rejects with */
export const greetSelf = (deps: SelfMailDeps, signal: AbortSignal): Promise<SelfMail> => {
  const id = toHex(deps.rng(4));
  const subject = `MixMailer test ${id}`;
  const text = 'This mail tests whether mail to this mailbox arrives. A program looks for it and removes it.';
  const mark = { field: 'subject', text: subject } as const;
  return sendToSelf(deps, { to: deps.own, id, subject, text, mark }, signal);
};

/** Whether a mail to a plus address of its own comes; 'later' and 'limit' tell nothing of them. @throws MailError */
export const greetPlusAddress = async (deps: SelfMailDeps, to: string, signal: AbortSignal): Promise<SelfMail> => {
  // A long name has no room for a detail.
  if (mailboxIn(to) === undefined) return { kind: 'lost' };
  const id = /[0-9a-f]{8}(?=@)/.exec(to)?.[0] ?? '';
  const subject = 'MixMailer test of plus addresses';
  const text = 'This mail tests whether mail to this address arrives. A program looks for it and removes it.';
  return sendToSelf(deps, { to, id, subject, text, mark: { field: 'to', text: to } }, signal);
};
