import type { AccountTold, Look } from '../ports/status.js';
import type { NoteStore, OutgoingStore } from '../ports/stores.js';
import type { Network } from '../route/network.js';
import { type AccountRules, accountIn, accountTold } from './account.js';

/** What is looked at in every role. */
export interface LookDeps {
  readonly store: Pick<NoteStore, 'note'> & Pick<OutgoingStore, 'outgoingCount'>;
  readonly accounts: readonly Omit<AccountRules, 'now'>[];
  readonly network: (now: number) => Network | undefined;
}

/** What accounts may send together. */
const together = (told: readonly AccountTold[]): AccountTold => {
  const sum = (of: (one: AccountTold) => number | undefined): number | undefined =>
    told.map(of).reduce((a, b) => (a === undefined || b === undefined ? undefined : a + b), 0);
  return {
    perDay: told.reduce((total, { perDay }) => total + perDay, 0),
    perHour: sum(({ perHour }) => perHour),
    perMinute: sum(({ perMinute }) => perMinute),
    isYoung: told.some(({ isYoung }) => isYoung),
    isWarned: told.some(({ isWarned }) => isWarned),
  };
};

/** Mails that wait for the server, the account and the list. @throws StoreError */
export const lookAtPost = ({ store, accounts, network }: LookDeps, now: number): Look => {
  const rules = accounts.map((account) => ({ ...account, now }));
  return {
    waiting: { outgoing: store.outgoingCount() },
    account: together(rules.map((one) => accountTold(store, one))),
    spent: rules.reduce((sum, one) => sum + accountIn(store, one).spent, 0),
    heartbeat: undefined,
    network: network(now),
  };
};
