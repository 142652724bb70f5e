import { unreachable } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Outbox } from '../ports/mail.js';
import type { OutgoingStore } from '../ports/stores.js';
import { nextStep } from './retry.js';

export interface PostDeps {
  readonly store: OutgoingStore;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** The account's own address, the envelope sender of everything. */
  readonly from: string;
}

/** Mails handed over at a time: at 40 ms round trip eight connections carry seven times what one does. */
const lanes = 4;
/** A mail whose attempt was cut off by our own death is tried again after this. */
const attemptMs = 10 * minuteMs;

/**
 * Hands every due mail to the server, and keeps those it did not take.
 *
 * The attempt is counted before it is made, and the mail leaves the store only after the server has taken it: killed
 * in between, the mail goes out again and is folded by its receiver.
 */
export const postDue = async ({ store, outbox, clock, log, from }: PostDeps, signal: AbortSignal): Promise<void> => {
  const due = [...store.dueOutgoing(clock.now())];
  const counts = new Map<string, number>();
  let paused = false;
  const lane = async (): Promise<void> => {
    for (let id = due.shift(); id !== undefined && !paused && !signal.aborted; id = due.shift()) {
      const mail = store.beginAttempt(id, clock.now() + attemptMs);
      if (mail === undefined) continue;
      const outcome = await outbox.send({ from, to: mail.to, raw: mail.raw }, signal);
      const now = clock.now();
      const { kind, createdAt, attempts } = mail;
      const step = nextStep(outcome, { kind, createdAt, attempts: attempts + 1, now });
      const word = outcome.kind === 'later' ? `later-${outcome.why}` : outcome.kind;
      counts.set(word, (counts.get(word) ?? 0) + 1);
      switch (step.kind) {
        case 'done':
          store.removeOutgoing(id);
          break;
        case 'retry':
          store.retryOutgoingAt(id, step.at);
          break;
        case 'pause':
          store.pauseOutgoing(step.until);
          paused = true;
          break;
        case 'give-up':
          log.warn(`post/gave-up-${kind}`);
          store.removeOutgoing(id);
          break;
        default:
          unreachable(step);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (counts.size > 0) log.info('post', Object.fromEntries(counts));
};
