import type { Outbox, OutgoingMail, SendOutcome } from '../../src/ports/mail.js';

/** What becomes of a mail: the outcome its sender sees, and whether the server took it all the same. */
export interface Handling {
  readonly outcome: SendOutcome;
  readonly taken: boolean;
}

const accepted: SendOutcome = { kind: 'accepted', code: 250 };

/** The outcomes a network can give; `unknown` comes in both kinds. A mail that is `swallowed` is held back by a provider. */
export const handlings = {
  accepted: { outcome: accepted, taken: true },
  swallowed: { outcome: accepted, taken: false },
  later: { outcome: { kind: 'later', code: 451, why: 'temporary' }, taken: false },
  limit: { outcome: { kind: 'later', code: 452, why: 'limit' }, taken: false },
  noConnection: { outcome: { kind: 'later', code: undefined, why: 'connect' }, taken: false },
  noLogin: { outcome: { kind: 'later', code: 535, why: 'login' }, taken: false },
  refused: { outcome: { kind: 'refused', code: 550 }, taken: false },
  unknownTaken: { outcome: { kind: 'unknown' }, taken: true },
  unknownLost: { outcome: { kind: 'unknown' }, taken: false },
} as const satisfies Readonly<Record<string, Handling>>;

/**
 * An Outbox in memory; keeps the contract of test/contracts/outbox.ts.
 *
 * @param deliver takes the mail; false: no such recipient
 * @param handle a fault for this mail, or undefined for none
 */
export const fakeOutbox = (
  deliver: (mail: OutgoingMail) => boolean,
  handle: (mail: OutgoingMail) => Handling | undefined = () => undefined,
): Outbox => {
  let closed = false;
  return {
    send(mail, signal) {
      if (closed || signal.aborted) return Promise.resolve({ kind: 'later', code: undefined, why: 'timeout' });
      const { outcome, taken } = handle(mail) ?? handlings.accepted;
      if (!taken) return Promise.resolve(outcome);
      return Promise.resolve(deliver({ ...mail, raw: mail.raw.slice() }) ? outcome : handlings.refused.outcome);
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
};
