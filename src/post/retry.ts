import { unreachable } from '../base/errors.js';
import { dayMs, hourMs, minuteMs, secondMs } from '../base/units.js';
import type { OutgoingKind } from '../ports/stores.js';
import type { SendOutcome } from '../ports/mail.js';

/** What becomes of a mail after an attempt. */
export type NextStep =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly at: number }
  /**
   * Nothing leaves the account before `until`. Then this mail goes first, alone, to find out whether the way is open;
   * or last, where it might be itself what the server minds.
   */
  | { readonly kind: 'pause'; readonly until: number; readonly turn: 'first' | 'last' }
  | { readonly kind: 'give-up' };

export interface Attempted {
  readonly kind: OutgoingKind;
  /** Attempts begun so far, this one included. */
  readonly attempts: number;
  readonly createdAt: number;
  readonly now: number;
}

/** How long servers may say no before a mail is given up (RFC 5321 4.5.4.1 asks for 4-5 days; packets age faster). */
export const longestRefusalMs = 2 * dayMs;
/** How long our own way to the server may be cut: no longer than the mix keys of the packets live. */
export const longestSilenceMs = 14 * dayMs;
export const limitPauseMs = 6 * hourMs;

const doubling = (firstMs: number, mostMs: number, attempts: number): number =>
  Math.min(firstMs * 2 ** Math.min(attempts - 1, 20), mostMs);

/**
 * Decides by the outcome's kind alone.
 *
 * An unknown outcome is tried again: the next hop folds packets by their replay tags, and soon; a recipient's mail
 * program folds a delivery (or a notice) by its Message-ID, but not every one does, so a server that never finds an answer gets no
 * more than a dozen copies; documents say the same twice. A node's mailbox that refuses packets (full, or a provider's hasty 550) is asked again like
 * one that says "later"; a recipient's server that refuses has decided.
 *
 * A log-in or a connection that fails would fail for every other mail too, and providers lock accounts whose log-ins
 * fail by the hundred: the account rests.
 */
export const nextStep = (outcome: SendOutcome, { kind, attempts, createdAt, now }: Attempted): NextStep => {
  const ageMs = now - createdAt;
  const isForPeople = kind === 'delivery' || kind === 'notice';
  const persistentAt = now + doubling(10 * secondMs, 15 * minuteMs, attempts);
  const unless = (longestMs: number, step: NextStep): NextStep => (ageMs > longestMs ? { kind: 'give-up' } : step);
  const patiently = unless(longestRefusalMs, {
    kind: 'retry',
    at: now + doubling(15 * minuteMs, 6 * hourMs, attempts),
  });
  const persistently = unless(longestSilenceMs, { kind: 'retry', at: persistentAt });
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'done' };
    case 'unknown':
      return isForPeople ? patiently : persistently;
    case 'refused':
      return isForPeople ? { kind: 'give-up' } : patiently;
    case 'later':
      switch (outcome.why) {
        case 'limit':
          return unless(longestSilenceMs, { kind: 'pause', until: now + limitPauseMs, turn: 'last' });
        case 'temporary':
          return patiently;
        case 'timeout':
          return persistently;
        case 'connect':
        case 'tls':
        case 'login':
          return unless(longestSilenceMs, { kind: 'pause', until: persistentAt, turn: 'first' });
        default:
          return unreachable(outcome.why);
      }
    default:
      return unreachable(outcome);
  }
};
