import { unreachable } from '../base/errors.js';
import { dayMs, hourMs, minuteMs, secondMs } from '../base/units.js';
import type { OutgoingKind } from '../ports/stores.js';
import type { SendOutcome } from '../ports/mail.js';

/** What becomes of a mail after an attempt. */
export type NextStep =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly at: number }
  /** The account has reached a limit: nothing leaves it before `until`. */
  | { readonly kind: 'pause'; readonly until: number }
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
 * An unknown outcome is tried again soon: the next hop folds packets by their replay tags, a recipient's mail program
 * folds a delivery by its Message-ID. A node's mailbox that refuses packets (full, or a provider's hasty 550) is asked
 * again like one that says "later"; a recipient's server that refuses has decided.
 */
export const nextStep = (outcome: SendOutcome, { kind, attempts, createdAt, now }: Attempted): NextStep => {
  const ageMs = now - createdAt;
  const patiently: NextStep =
    ageMs > longestRefusalMs
      ? { kind: 'give-up' }
      : { kind: 'retry', at: now + doubling(15 * minuteMs, 6 * hourMs, attempts) };
  const persistently: NextStep =
    ageMs > longestSilenceMs
      ? { kind: 'give-up' }
      : { kind: 'retry', at: now + doubling(10 * secondMs, 15 * minuteMs, attempts) };
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'done' };
    case 'unknown':
      return persistently;
    case 'refused':
      return kind === 'delivery' ? { kind: 'give-up' } : patiently;
    case 'later':
      switch (outcome.why) {
        case 'limit':
          return { kind: 'pause', until: now + limitPauseMs };
        case 'temporary':
          return patiently;
        case 'connect':
        case 'timeout':
        case 'tls':
        case 'login':
          return persistently;
        default:
          return unreachable(outcome.why);
      }
    default:
      return unreachable(outcome);
  }
};
