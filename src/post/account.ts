import {
  type Account,
  available,
  drained,
  giveBack,
  grownAt,
  isWarned,
  learn,
  nextAt,
  openAccount,
  perDayAt,
  type Purpose,
  spend,
  whoseTurn,
} from '../carrier/budget.js';
import type { AccountTold } from '../ports/status.js';
import type { NoteStore, OutgoingKind } from '../ports/stores.js';
import type { Limits } from '../provider/provider.js';

/** What may still be sent, from one account or from several together. */
export interface Allowance {
  /** How many mails for that purpose may leave now. */
  readonly available: (now: number, purpose: Purpose) => number;
  /** Mails a day: a third for an account's first month, less after its provider has complained. */
  readonly perDay: (now: number) => number;
  /** Mails counted in all. */
  readonly spent: () => number;
  /** Nobody knows any more how much was sent in the last day: nothing is left to send now. */
  readonly drain: (now: number) => void;
}

/** What a mail account may still send, over all restarts. */
export interface Budget extends Allowance {
  /** Which of these purposes may send the next mail; undefined: none now. */
  readonly turn: (now: number, wanted: readonly Purpose[]) => Purpose | undefined;
  /** Counts a mail, before it is handed over. */
  readonly spend: (now: number, purpose: Purpose) => void;
  /** The mail that was counted did not reach the server. */
  readonly giveBack: (now: number, purpose: Purpose) => void;
  /** The server spoke of a limit. */
  readonly limited: (now: number) => void;
  /** When the next mail for that purpose may leave. */
  readonly nextAt: (now: number, purpose: Purpose) => number;
}

/** What the mails of each kind are for. Notices go to people, as deliveries do. */
export const kindsFor: Readonly<Record<Purpose, readonly OutgoingKind[]>> = {
  people: ['delivery', 'notice'],
  packets: ['packets'],
  directory: ['directory'],
};

/** A process's first account has had the plain name from the beginning. */
const noteNameOf = (further: string | undefined): string =>
  further === undefined ? 'account' : `account ${further.toLowerCase()}`;

/** What a process knows of its account before it has sent anything. */
export interface AccountRules {
  readonly limits: Limits;
  /** When the account was used first, where its owner says so; else it is new at its first start. */
  readonly since: number | undefined;
  readonly now: number;
  /** Address of a further account of a node; undefined: its first, or the only one of another process. */
  readonly further?: string | undefined;
}

/** The account as it was kept last. */
export const accountIn = (
  { note }: Pick<NoteStore, 'note'>,
  { limits, since, now, further }: AccountRules,
): Account => {
  const text = note(noteNameOf(further));
  // Only this program writes it.
  const kept = text === undefined ? openAccount(limits, now, since) : (JSON.parse(text) as Account);
  return since === undefined ? kept : { ...kept, since };
};

/** What is told of the account. */
export const accountTold = (store: Pick<NoteStore, 'note'>, rules: AccountRules): AccountTold => {
  const account = accountIn(store, rules);
  const { limits, now } = rules;
  return {
    perDay: perDayAt(account, limits, now),
    perHour: limits.perHour,
    perMinute: limits.perMinute,
    isYoung: now < grownAt(account),
    isWarned: isWarned(account, now),
  };
};

/** Of an account whose mails of the last day nobody has counted: the worst is assumed. */
export const drainAccount = (store: NoteStore, rules: AccountRules): void =>
  store.setNote(noteNameOf(rules.further), JSON.stringify(drained(accountIn(store, rules), rules.now)));

/**
 * The budget of an account that a process posts from, kept in its store. Each change is durable when it returns, or
 * with the transaction that it is part of.
 */
export const accountBudget = (store: NoteStore, rules: AccountRules): Budget => {
  const { limits } = rules;
  const noteName = noteNameOf(rules.further);
  const account = (): Account => accountIn(store, rules);
  const keep = (next: Account): void => store.setNote(noteName, JSON.stringify(next));
  if (store.note(noteName) === undefined) keep(account());
  return {
    available: (at, purpose) => available(account(), limits, at, purpose),
    turn: (at, wanted) => whoseTurn(account(), limits, at, wanted),
    spend: (at, purpose) => keep(spend(account(), limits, at, purpose)),
    giveBack: (at, purpose) => keep(giveBack(account(), limits, at, purpose)),
    drain: (at) => keep(drained(account(), at)),
    limited: (at) => keep(learn(account(), limits, at)),
    nextAt: (at, purpose) => nextAt(account(), limits, at, purpose),
    perDay: (at) => perDayAt(account(), limits, at),
    spent: () => account().spent,
  };
};
