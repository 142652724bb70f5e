import type { SendOutcome } from '../ports/mail.js';
import { isTlsFailure } from './mail-account.js';

/** How far a hand-over had come: `data` from the moment the first byte of the mail was given to the link. */
export type SmtpPhase = 'connect' | 'login' | 'envelope' | 'data';

/** What an SMTP hand-over failed with: nodemailer's error, or our own deadline. */
export interface SmtpFailure {
  /** Node's or nodemailer's word, such as `ECONNREFUSED` or `ETIMEDOUT`. */
  readonly code: string | undefined;
  /** The code nodemailer replaced by its own. */
  readonly originalCode: string | undefined;
  readonly responseCode: number | undefined;
  readonly response: string | undefined;
}

// Replies that speak of the account, whatever was asked (RFC 4954).
const loginReplies = new Set([530, 534, 535, 538]);
const sizeReply = 552;
const syntaxReply = 501;

/** `5.1.1` of `550 5.1.1 No such user`, without its first digit (RFC 3463). */
const subjectOf = (response: string): string | undefined =>
  /^\d{3}[ -][245]\.(\d{1,3}\.\d{1,3})(?!\d)/.exec(response)?.[1];

// Providers have no common code for "you sent too much": 421, 450, 451, 452, 550, 552 and 554 were all seen.
const speaksOfLimits = (response: string): boolean =>
  /\b(limit(s|ed|ing)?|quotas?|rate|too many|too much|exceed(s|ed|ing)?|throttl(ed|ing))\b/i.test(response);

const outcomeOfReply = (code: number, response: string, phase: SmtpPhase): SendOutcome => {
  const later = (why: 'login' | 'connect' | 'temporary' | 'limit'): SendOutcome => ({ kind: 'later', code, why });
  if (loginReplies.has(code)) return later('login');
  const subject = subjectOf(response);
  // The receiver's mailbox is full, or Gmail's word for one that gets mail "at a rate": its own affair, and it passes.
  // Were the second taken for a limit of ours, anybody could stop an exit by flooding one mailbox.
  if (subject === '2.2' || (subject === '2.1' && speaksOfLimits(response))) return later('temporary');
  // This mail is too large for that server or mailbox: waiting doesn't make it smaller. Before a mail was offered it is
  // no word about one.
  const isOffered = phase === 'envelope' || phase === 'data';
  if (isOffered && code >= 500 && (subject === '3.4' || subject === '2.3')) return { kind: 'refused', code };
  if (speaksOfLimits(response) && !(code === sizeReply && /\bsize\b/i.test(response))) return later('limit');
  if (code < 500) return later('temporary');
  if (phase === 'login') return later('login');
  // A greeting of 554 is about us or the hour, not about this mail.
  if (phase === 'connect') return later('connect');
  // Outlook's and others' word for "not now, and I don't say why".
  if (code === 550 && subject === '5.0') return later('temporary');
  // Wrong order of commands is about the session; a new one can do it.
  if (code === 503) return later('temporary');
  return { kind: 'refused', code };
};

/**
 * What a failed hand-over means for the mail, by codes; text is looked at for words of limits and quotas only.
 *
 * | failure | outcome |
 * |---|---|
 * | reply 4xx | later `temporary` |
 * | reply 4xx or 5xx that speaks of limits, quotas, rates | later `limit` |
 * | reply 530, 534, 535, 538; 5xx at log-in | later `login` |
 * | 5xx at the greeting | later `connect` |
 * | STARTTLS refused, certificate not trusted | later `tls` |
 * | 550 5.5.0, 503, x.2.2 (mailbox full), x.2.1 that speaks of rates | later `temporary` |
 * | any other 5xx | refused |
 * | no reply once the first byte of the mail went out | unknown |
 * | no reply before that | later `connect`, `timeout` or `login` |
 *
 * Source: RFC 5321 section 4.2, RFC 3463, RFC 4954.
 */
export const outcomeOf = (failure: SmtpFailure, phase: SmtpPhase): SendOutcome => {
  const { code, originalCode, responseCode, response } = failure;
  const later = (why: 'login' | 'connect' | 'tls' | 'timeout'): SendOutcome => ({
    kind: 'later',
    code: undefined,
    why,
  });
  // The reply that refuses STARTTLS comes with nodemailer's own code.
  if (phase === 'connect' && (isTlsFailure(code) || isTlsFailure(originalCode))) return later('tls');
  if (responseCode !== undefined && responseCode >= 400) return outcomeOfReply(responseCode, response ?? '', phase);
  if (phase === 'data') return { kind: 'unknown' };
  // nodemailer itself compares with the SIZE of the server's EHLO and checks the addresses.
  if (phase === 'envelope' && code === 'EMESSAGE') return { kind: 'refused', code: sizeReply };
  if (phase === 'envelope' && code === 'EENVELOPE') return { kind: 'refused', code: syntaxReply };
  if (code === 'ETIMEDOUT' && originalCode === undefined) return later('timeout');
  if (phase === 'login' && code === 'EAUTH') return later('login');
  return later('connect');
};
