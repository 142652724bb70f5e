import { longestDeliveryMs } from '../base/bounds.js';
import { StoreError, unreachable } from '../base/errors.js';
import { type Rng, shuffled } from '../base/random.js';
import { minuteMs } from '../base/units.js';
import { type Purpose, purposes } from '../carrier/budget.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import { deliveryToken } from '../message/delivery.js';
import type { Outbox, OutgoingMail, SendOutcome } from '../ports/mail.js';
import type { Outgoing, OutgoingStore } from '../ports/stores.js';
import { asFrom, writtenFrom } from '../carrier/sender.js';
import { type Budget, kindsFor } from './account.js';
import { type ClockWatchDeps, heedClock } from './clock-watch.js';
import type { Ending } from './jobs.js';
import { limitPauseMs, nextStep } from './retry.js';
import { Sending, type SendingAccount, type Turn } from './sending.js';

/** How the sending of a mail ended. */
export type PostEnd = Extract<SendOutcome, { readonly kind: 'accepted' | 'refused' }> | { readonly kind: 'gave-up' };

/** A mail that has ended. */
export interface Ended {
  readonly mail: Outgoing;
  readonly end: PostEnd;
  readonly at: number;
}

export interface PostDeps {
  readonly store: ClockWatchDeps['store'] & OutgoingStore;
  /** Mails that have ended, by id, until that is stored; lives as long as the process. */
  readonly unstored: Map<number, Ended>;
  /** Hears how a mail ended, in the transaction that removes it. */
  readonly ended?: (mail: Outgoing, end: PostEnd, now: number) => void;
  readonly outbox: Outbox;
  /** Undefined: the account may send whatever it wants to. */
  readonly budget?: Budget | undefined;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** The account's own address, the envelope sender of everything. */
  readonly from: string;
  /** All accounts, where there are several, this one among them. */
  readonly sending?: Sending | undefined;
}

const endOf = (last: SendOutcome): PostEnd =>
  last.kind === 'accepted' || last.kind === 'refused' ? last : { kind: 'gave-up' };

/** Whether a server can have counted the attempt. A deadline says nothing of how far it came. */
const hasReached = (outcome: SendOutcome): boolean =>
  outcome.kind !== 'later' || (outcome.why !== 'connect' && outcome.why !== 'tls' && outcome.why !== 'login');

/**
 * The mail as it leaves from that account. Those that wait are written from the address that was the first one's then; what
 * is written from none leaves from the first as it is.
 */
const mailFrom = ({ from }: PostDeps, account: SendingAccount, { to, raw, messageId }: Outgoing): OutgoingMail => ({
  from: account.from,
  to,
  raw: account.from === from && writtenFrom(raw) === undefined ? raw : asFrom(raw, account.from),
  ...(messageId === undefined ? {} : { envelopeId: deliveryToken(messageId) }),
});

/**
 * What decides of a mail that was tried. Undefined: it is tried from another account at once, as this one's server can't be
 * used now, or has refused it, perhaps whatever it is. Where none is left that can be used, a server's
 * refusal decides, also an earlier one: an account that is locked for good would keep the mail. What a server may have
 * taken goes to no other.
 */
const decisive = (sending: Sending, turn: Turn, outcome: SendOutcome, now: number): SendOutcome | undefined => {
  const { id, account } = turn;
  switch (outcome.kind) {
    case 'refused':
      sending.works(account);
      sending.refuses(account, id, outcome);
      break;
    case 'later':
      if (outcome.why === 'temporary') {
        sending.works(account);
        return outcome;
      }
      sending.rests(account, now, outcome.why === 'limit' ? limitPauseMs : 0);
      break;
    case 'accepted':
    case 'unknown':
      sending.works(account);
      return outcome;
    default:
      unreachable(outcome);
  }
  return sending.hasOther(id, now) ? undefined : (sending.takeRefusal(id) ?? outcome);
};

/** Mails handed over at a time: at 40 ms round trip eight connections carry seven times what one does. */
const lanes = 4;
/**
 * A delivery whose attempt was cut off by our own death is tried again after this, as not every mail program folds a
 * second copy; packets go again when the process starts (`resumeOutgoing`).
 */
const attemptMs = 10 * minuteMs;

/** Says at the start of a process what its accounts may send. */
export const tellBudget = ({ budget, clock, log }: Pick<ClockWatchDeps, 'budget' | 'clock' | 'log'>): void => {
  if (budget !== undefined) log.info('post/budget', { perDay: budget.perDay(clock.now()) });
};

/**
 * Stores how mails ended, and removes them. What the disk doesn't take now is not forgotten: such a mail would be handed over
 * once more.
 *
 * @throws StoreError when the disk did not take all
 */
const storeEnds = ({ store, unstored, ended }: PostDeps): void => {
  let failure: StoreError | undefined;
  for (const [id, { mail, end, at }] of unstored)
    try {
      store.atomically(() => {
        ended?.(mail, end, at);
        store.removeOutgoing(id);
      });
      unstored.delete(id);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      failure ??= error;
    }
  if (failure !== undefined) throw failure;
};

/**
 * Gives up mails to people that have waited too long, tried or not: who sent them goes another way.
 *
 * @returns how many
 */
const giveUpAged = ({ store, ended }: PostDeps, sending: Sending, now: number): number => {
  const aged = store.agedOutgoing(now - longestDeliveryMs, now, kindsFor.people);
  for (const id of aged) {
    store.atomically(() => {
      const mail = store.beginAttempt(id, now);
      if (mail !== undefined) ended?.(mail, { kind: 'gave-up' }, now);
      store.removeOutgoing(id);
    });
    sending.forget(id);
  }
  return aged.length;
};

/**
 * What is due for that purpose, in the order it goes. Mails to people are drawn at random where there are more than the
 * account may send now: in the order they came in, whoever has an exit hand over many would make all others wait behind
 * them. A mail that is to find out whether the way is open stays the first.
 */
const dueFor = ({ store, rng }: PostDeps, sending: Sending, purpose: Purpose, now: number): number[] => {
  const most = sending.available(now, purpose);
  if (most < 1) return [];
  const kinds = kindsFor[purpose];
  const due = store.dueOutgoing(now, kinds);
  if (purpose !== 'people' || due.length <= most) return [...due];
  const first = new Set(store.firstOutgoing(kinds));
  const drawn = shuffled(
    rng,
    due.filter((id) => !first.has(id)),
  );
  return [...due.filter((id) => first.has(id)), ...drawn];
};

/**
 * Hands every due mail to a server of an account that has budget for it, and keeps those it did not take. The others wait for
 * their turn: none but mails to people, after some days, is dropped for want of budget.
 *
 * The attempt is counted before it is made, and the mail leaves the store only after the server has taken it: killed
 * in between, the mail goes out again and is folded by its receiver. While the end of one can't be stored, no other is begun.
 *
 * Where there are several accounts, a mail that one of them can't send now goes from another.
 *
 * @param signal no further mail is begun once it aborts
 * @param ending how it goes on then; all ends at once, if nothing is said
 */
export const postDue = async (
  deps: PostDeps,
  signal: AbortSignal,
  { reach, cut }: Ending = { reach: signal, cut: signal },
): Promise<void> => {
  const { store, unstored, clock, log } = deps;
  const { sending = new Sending([deps]) } = deps;
  sending.begin();
  storeEnds(deps);
  heedClock({ ...deps, budget: sending.allowance });
  const counts = new Map<string, number>();
  const aged = giveUpAged(deps, sending, clock.now());
  if (aged > 0) counts.set('waited-too-long', aged);
  const due = new Map(purposes.map((purpose) => [purpose, dueFor(deps, sending, purpose, clock.now())]));
  let stopped = false;
  const handOver = async ({ id, purpose, account }: Turn): Promise<void> => {
    const { budget, outbox } = account;
    const mail = store.atomically(() => {
      const begun = store.beginAttempt(id, clock.now() + attemptMs);
      if (begun !== undefined) budget?.spend(clock.now(), purpose);
      return begun;
    });
    if (mail === undefined) return;
    const outcome = await outbox.send(mailFrom(deps, account, mail), reach, cut);
    // Who stops doesn't try one mail after the other.
    if (reach.aborted && outcome.kind !== 'accepted') stopped = true;
    const now = clock.now();
    if (!hasReached(outcome)) budget?.giveBack(now, purpose);
    const word = outcome.kind === 'later' ? `later-${outcome.why}` : outcome.kind;
    counts.set(word, (counts.get(word) ?? 0) + 1);
    const decided = decisive(sending, { id, purpose, account }, outcome, now);
    if (decided !== outcome && outcome.kind === 'later' && outcome.why === 'limit') tellLimit(account, now);
    if (decided === undefined) {
      store.retryOutgoingAt(id, 0);
      due.get(purpose)?.unshift(id);
      return;
    }
    const remove = (): void => {
      sending.forget(id);
      unstored.set(id, { mail, end: endOf(decided), at: now });
      storeEnds(deps);
    };
    const { kind, createdAt, attempts } = mail;
    const step = nextStep(decided, { kind, createdAt, attempts: attempts + 1, now });
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
        if (step.turn === 'last') tellLimit(account, now);
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
  const tellLimit = ({ budget }: SendingAccount, now: number): void => {
    budget?.limited(now);
    log.warn('post/limit', budget === undefined ? {} : { perDay: budget.perDay(now) });
  };
  const heldBack = (): number =>
    stopped || signal.aborted || sending.allowance === undefined ? 0 : store.dueOutgoingCount(clock.now());
  const lane = async (most: number): Promise<void> => {
    try {
      for (let done = 0; done < most && !stopped && !signal.aborted; done++) {
        const turn = sending.next(clock.now(), due);
        if (turn === undefined) return;
        try {
          await handOver(turn);
        } finally {
          sending.over(turn.account);
        }
      }
    } catch (error) {
      stopped = true;
      throw error;
    }
  };
  // One alone first: where no log-in succeeds, one a round is enough to find out.
  await lane(1);
  const lanesEnded = await Promise.allSettled(Array.from({ length: lanes }, () => lane(Infinity)));
  const held = heldBack();
  if (held > 0 && counts.size > 0) counts.set('waits-for-budget', held);
  if (counts.size > 0) log.info('post', Object.fromEntries(counts));
  // Only now: a lane still at work when this rejects would hand its mails over beside the next round.
  for (const end of lanesEnded) if (end.status === 'rejected') throw end.reason;
};
