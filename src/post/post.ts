import { unreachable } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import { deliveryToken } from '../message/delivery.js';
import type { Outbox, SendOutcome } from '../ports/mail.js';
import type { Outgoing, OutgoingStore, Store } from '../ports/stores.js';
import { nextStep } from './retry.js';

/** How the sending of a mail ended. */
export type PostEnd = Extract<SendOutcome, { readonly kind: 'accepted' | 'refused' }> | { readonly kind: 'gave-up' };

export interface PostDeps {
  readonly store: Store & OutgoingStore;
  /** Hears how a mail ended, in the transaction that removes it. */
  readonly ended?: (mail: Outgoing, end: PostEnd, now: number) => void;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** The account's own address, the envelope sender of everything. */
  readonly from: string;
}

const endOf = (last: SendOutcome): PostEnd =>
  last.kind === 'accepted' || last.kind === 'refused' ? last : { kind: 'gave-up' };

/** Mails handed over at a time: at 40 ms round trip eight connections carry seven times what one does. */
const lanes = 4;
/**
 * A delivery whose attempt was cut off by our own death is tried again after this, as not every mail program folds a
 * second copy; packets go again when the process starts (`resumeOutgoing`).
 */
const attemptMs = 10 * minuteMs;

/**
 * Hands every due mail to the server, and keeps those it did not take.
 *
 * The attempt is counted before it is made, and the mail leaves the store only after the server has taken it: killed
 * in between, the mail goes out again and is folded by its receiver.
 */
export const postDue = async (deps: PostDeps, signal: AbortSignal): Promise<void> => {
  const { store, outbox, clock, log, from, ended } = deps;
  const due = [...store.dueOutgoing(clock.now())];
  const counts = new Map<string, number>();
  let stopped = false;
  const handOver = async (id: number): Promise<void> => {
    const mail = store.beginAttempt(id, clock.now() + attemptMs);
    if (mail === undefined) return;
    const { kind, to, raw, messageId, createdAt, attempts } = mail;
    const envelope = messageId === undefined ? {} : { envelopeId: deliveryToken(messageId) };
    const outcome = await outbox.send({ from, to, raw, ...envelope }, signal);
    const now = clock.now();
    const remove = (): void =>
      store.atomically(() => {
        ended?.(mail, endOf(outcome), now);
        store.removeOutgoing(id);
      });
    const step = nextStep(outcome, { kind, createdAt, attempts: attempts + 1, now });
    const word = outcome.kind === 'later' ? `later-${outcome.why}` : outcome.kind;
    counts.set(word, (counts.get(word) ?? 0) + 1);
    switch (step.kind) {
      case 'done':
        remove();
        break;
      case 'retry':
        store.retryOutgoingAt(id, step.at);
        break;
      case 'pause':
        store.retryOutgoingAt(id, step.turn === 'first' ? 0 : step.until + 1);
        store.pauseOutgoing(step.until);
        stopped = true;
        break;
      case 'give-up':
        log.warn(`post/gave-up-${kind}`);
        remove();
        break;
      default:
        unreachable(step);
    }
  };
  const lane = async (most: number): Promise<void> => {
    try {
      for (let done = 0; done < most && !stopped && !signal.aborted; done++) {
        const id = due.shift();
        if (id === undefined) return;
        await handOver(id);
      }
    } catch (error) {
      stopped = true;
      throw error;
    }
  };
  // One alone first: where no log-in succeeds, one a round is enough to find out.
  await lane(1);
  const lanesEnded = await Promise.allSettled(Array.from({ length: lanes }, () => lane(Infinity)));
  if (counts.size > 0) log.info('post', Object.fromEntries(counts));
  // Only now: a lane still at work when this rejects would hand its mails over beside the next round.
  for (const end of lanesEnded) if (end.status === 'rejected') throw end.reason;
};
