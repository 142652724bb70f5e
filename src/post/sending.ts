import { minuteMs, secondMs } from '../base/units.js';
import type { Purpose } from '../carrier/budget.js';
import type { Outbox, SendOutcome } from '../ports/mail.js';
import type { Allowance, Budget } from './account.js';
import { limitPauseMs } from './retry.js';

/** An account that mails leave from. */
export interface SendingAccount {
  readonly from: string;
  readonly outbox: Outbox;
  /** Undefined: it may send whatever it wants to. */
  readonly budget?: Budget | undefined;
}

type Refusal = Extract<SendOutcome, { readonly kind: 'refused' }>;

/** An account whose server could not be used. */
interface Rest {
  readonly until: number;
  readonly failures: number;
}

/** A mail, what it is for, and the account that it is to leave from. */
export interface Turn {
  readonly id: number;
  readonly purpose: Purpose;
  readonly account: SendingAccount;
}

const firstRestMs = 10 * secondMs;
const longestRestMs = 15 * minuteMs;

/**
 * Which of several accounts of a process a mail leaves from: the one that may send most just then. One whose server can't
 * be used rests, longer each time; the others go on. In each round one mail alone finds out whether an account can be used:
 * providers lock accounts whose log-ins fail by the dozen. Lives as long as the process.
 */
export class Sending {
  #accounts: readonly SendingAccount[];
  readonly #rests = new Map<SendingAccount, Rest>();
  /** Whose servers have answered in this round. */
  readonly #proven = new Set<SendingAccount>();
  /** With which a mail is finding out whether they do. */
  readonly #tried = new Set<SendingAccount>();
  /** By mail: the accounts whose servers have refused it, while it may leave from another. */
  readonly #refusals = new Map<number, ReadonlyMap<SendingAccount, Refusal>>();

  constructor(accounts: readonly SendingAccount[]) {
    this.#accounts = accounts;
  }

  /** Before anything is sent: mails go out through what that makes of each way out. */
  watch(watched: (outbox: Outbox) => Outbox): void {
    this.#accounts = this.#accounts.map((account) => ({ ...account, outbox: watched(account.outbox) }));
  }

  /** All of them together; undefined: one of them may send whatever it wants to. */
  get allowance(): Allowance | undefined {
    const budgets = this.#accounts.map(({ budget }) => budget);
    const isFree = budgets.includes(undefined);
    const sum = (of: (budget: Budget) => number, accounts = this.#accounts): number =>
      accounts.reduce((total, { budget }) => total + (budget === undefined ? 0 : of(budget)), 0);
    return isFree
      ? undefined
      : {
          available: (now, purpose) => sum((budget) => budget.available(now, purpose), this.#awake(now)),
          // What rests may send nothing, and who is told of it would count on it. A node that rests as a whole is back soon.
          perDay: (now) => {
            const awake = this.#awake(now);
            return sum((budget) => budget.perDay(now), awake.length === 0 ? this.#accounts : awake);
          },
          spent: () => sum((budget) => budget.spent()),
          drain: (now) => {
            for (const budget of budgets) budget?.drain(now);
          },
        };
  }

  /** A round begins. */
  begin(): void {
    this.#proven.clear();
  }

  /** Mails for that purpose that may leave now. */
  available(now: number, purpose: Purpose): number {
    const counts = this.#awake(now).map(({ budget }) => budget?.available(now, purpose) ?? Infinity);
    return counts.reduce((a, b) => a + b, 0);
  }

  /**
   * Takes the next mail off what is due. An answer of the directory is waited for from the address that was asked, so those
   * mails leave from the first account as long as it can be used.
   *
   * @param due ids by purpose, in the order they go
   * @returns undefined: none may leave now
   */
  next(now: number, due: ReadonlyMap<Purpose, number[]>): Turn | undefined {
    const waiting = [...due].flatMap(([purpose, ids]) => (ids.length === 0 ? [] : [purpose]));
    const left = ({ budget }: SendingAccount): number =>
      Math.max(0, ...waiting.map((purpose) => budget?.available(now, purpose) ?? Infinity));
    const byRoom = this.#awake(now)
      .filter((account) => !this.#tried.has(account))
      .map((account) => ({ account, left: left(account) }))
      .toSorted((a, b) => (a.left === b.left ? 0 : b.left - a.left));
    const [first] = this.#accounts;
    const isFirstAwake = this.#awake(now).some((account) => account === first);
    for (const { account } of byRoom) {
      const mine = (purpose: Purpose): number =>
        due.get(purpose)?.findIndex((id) => this.#refusals.get(id)?.has(account) !== true) ?? -1;
      const isOthers = (purpose: Purpose): boolean => purpose === 'directory' && account !== first && isFirstAwake;
      const wanted = [...due.keys()].filter((purpose) => !isOthers(purpose) && mine(purpose) >= 0);
      const purpose = account.budget === undefined ? wanted[0] : account.budget.turn(now, wanted);
      const [id] = purpose === undefined ? [] : (due.get(purpose)?.splice(mine(purpose), 1) ?? []);
      if (purpose === undefined || id === undefined) continue;
      if (!this.#proven.has(account)) this.#tried.add(account);
      return { id, purpose, account };
    }
    return undefined;
  }

  /** Its server has answered: it can be used. */
  works(account: SendingAccount): void {
    this.#proven.add(account);
    this.#rests.delete(account);
  }

  /**
   * Its server can't be used now: where there are others, it rests.
   *
   * @param leastMs no shorter than that
   */
  rests(account: SendingAccount, now: number, leastMs = 0): void {
    if (this.#accounts.length === 1) return;
    this.#proven.delete(account);
    const known = this.#rests.get(account);
    // What was under way beside the one that failed has found out nothing new.
    if (known !== undefined && now < known.until) return;
    const failures = (known?.failures ?? 0) + 1;
    const forMs = Math.max(leastMs, Math.min(firstRestMs * 2 ** Math.min(failures - 1, 20), longestRestMs));
    this.#rests.set(account, { until: now + forMs, failures });
  }

  /** The attempt is over, whatever came of it. */
  over(account: SendingAccount): void {
    this.#tried.delete(account);
  }

  /** Its server has refused that mail. */
  refuses(account: SendingAccount, id: number, refusal: Refusal): void {
    this.#refusals.set(id, new Map([...(this.#refusals.get(id) ?? []), [account, refusal]]));
  }

  /** Whether there is another account for that mail now: one that can be used, and whose server has not refused it. */
  hasOther(id: number, now: number): boolean {
    const refused = this.#refusals.get(id);
    return this.#accounts.length > 1 && this.#awake(now).some((account) => refused?.has(account) !== true);
  }

  /** Forgets whose servers have refused that mail: it may be tried from all again. @returns the last refusal, if there is one */
  takeRefusal(id: number): Refusal | undefined {
    const last = [...(this.#refusals.get(id)?.values() ?? [])].at(-1);
    this.#refusals.delete(id);
    return last;
  }

  /** That mail has ended. */
  forget(id: number): void {
    this.#refusals.delete(id);
  }

  #awake(now: number): readonly SendingAccount[] {
    return this.#accounts.filter((account) => {
      const rest = this.#rests.get(account);
      // Of a clock that was ahead and is set right nothing is waited for.
      return rest === undefined || now >= rest.until || rest.until - now > limitPauseMs;
    });
  }
}
